"""Rule files that tests store over the admin API."""

from __future__ import annotations

from rules.language.parse import preset

SEED = "preset-email-or-mobile-1"


def rule_text(version: str, activation: str = "immediate") -> str:
    lines = preset("email").splitlines()
    kept = [line for line in lines if not line.startswith(("version", "activation"))]
    at = kept.index("[rules]") + 1
    return (
        "\n".join([*kept[:at], f'version = "{version}"', f'activation = "{activation}"', *kept[at:]]) + "\n"
    )
