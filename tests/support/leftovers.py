"""Searches every file below a directory for every form in which a deleted value may be written."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote


def written_forms(value: str) -> set[bytes]:
    """As text, in JSON, in a URL, in other letter case, in UTF-16, and a phone number without its plus."""
    texts = {value, value.casefold(), value.upper(), json.dumps(value)[1:-1], quote(value, safe="")}
    texts |= {json.dumps(value, ensure_ascii=False)[1:-1], value.removeprefix("+")}
    return {form for text in texts for form in (text.encode(), text.encode("utf-16-le"))}


def left_in(directory: Path, values: Iterable[str]) -> list[tuple[str, str]]:
    """Each value that is found, with the name of the file."""
    forms = {value: re.compile(b"|".join(map(re.escape, sorted(written_forms(value))))) for value in values}
    contents = {
        path: path.read_bytes() for path in directory.rglob("*") if path.is_file() and not path.is_symlink()
    }
    return [
        (value, path.name)
        for path, content in contents.items()
        for value, pattern in forms.items()
        if pattern.search(content)
    ]
