"""An example for each operation: a request, and what a gateway with a small shop answered. A JSON file each, which
`tests/examples/write.py` writes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parent / "examples"
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DIRECTORY.glob("*.json"))
}
"""By the operation's name: `path` and `query` with parameters, the `body`, and the `answer`; what an operation does not take is
left out. Of a live stream, `answer` is what an event holds."""
