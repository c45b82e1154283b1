"""Write the reference pages that follow from the code: `python docs/generate.py`. Each has a module in `docs/generator`."""

from pathlib import Path

from docs.generator import (
    admin_api,
    audit_actions,
    cli,
    configuration,
    errors,
    metrics,
    presets,
    rules,
)
from docs.generator.text import page

REFERENCE = Path(__file__).parent / "reference"
commands = cli.commands


def pages() -> dict[str, str]:
    """The text of each generated page by its file name."""
    return {
        "admin-api.md": page("The admin API", admin_api.lines()),
        "audit-actions.md": page("Audit actions", audit_actions.lines()),
        "cli.md": page("Command line", cli.lines()),
        "configuration.md": page("Configuration", configuration.lines()),
        "errors.md": page("Errors", errors.lines()),
        "metrics.md": page("Metrics", metrics.lines()),
        "rules.md": page("Merge rules", rules.lines()),
    }


def measured_pages() -> dict[str, str]:
    """Those that take seconds to make."""
    return {"presets.md": page("Presets in figures", presets.lines())}


def main() -> None:
    for name, text in (pages() | measured_pages()).items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
