"""The page of settings: their names and defaults from their structs, and the remarks about them from
`config.example.toml`."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from docs.generator.text import bullet, paragraph, sentence
from gateway.config import Config
from gateway.config.reading import forms, section_of
from gateway.config.section import Section

ROOT = Path(__file__).parents[2]


class _Shown(NamedTuple):
    """A setting as one line of the example writes it."""

    value: str
    remark: str
    is_off: bool


class _Example:
    """`config.example.toml` by table: the remark about the table, and the lines of each of its settings."""

    def __init__(self, text: str) -> None:
        self.notation, _, body = text.partition("\n\n")
        self.about: dict[str, str] = {}
        self.settings: dict[str, dict[str, list[_Shown]]] = defaultdict(lambda: defaultdict(list))
        table, above = "", ""
        for line in body.splitlines():
            if line.startswith("# "):
                above = f"{above} {line[2:]}".strip()
                continue
            if header := re.match(r"#?\[+(\w+)\]+\s*(?:# (.*))?", line):
                table = header[1]
                self.about.setdefault(table, f"{above} {sentence(header[2] or '')}".strip())
            elif setting := re.match(r'(#?)(\w+) = ((?:"[^"]*"|[^"#])*)(?:# ?(.*))?$', line):
                off, key, value, beside = setting.groups()
                remark = (
                    f"{(beside or '').removeprefix('an example: replace it').lstrip('. ')} {above}".strip()
                )
                self.settings[table][key].append(_Shown(value.strip(), remark, bool(off)))
            above = ""


def lines() -> Iterator[str]:
    example = _Example((ROOT / "config.example.toml").read_text(encoding="utf-8"))
    yield paragraph(
        "The settings are a TOML file. [`config.example.toml`](../../config.example.toml) shows all of them and "
        "runs as it is. Copy it to `config.toml` and change the copy. `gateway check` prints each mistake with its line, "
        "or the settings in effect."
    )
    yield ""
    notation = " ".join(line.removeprefix("# ") for line in example.notation.splitlines())
    yield paragraph(notation[notation.index("Durations") :])
    yield ""
    yield "The value in parentheses is the default."
    yield ""
    for table in fields(Config):
        single = section_of(table.type)
        kind: type[Section] = single or table.type.__args__[0]
        name = table.encode_name
        yield from (f"## `[{name}]`" if single else f"## `[[{name}]]`", "")
        if example.about[name]:
            yield from (paragraph(example.about[name]), "")
        yield from (_setting(setting, example.settings[name], is_list=not single) for setting in fields(kind))
        yield ""


def _setting(setting: FieldInfo, shown: Mapping[str, list[_Shown]], *, is_list: bool) -> str:
    keys = forms(setting)
    lines = [line for key in keys for line in shown.get(key, ())]
    default = _default(setting, lines, is_list=is_list)
    remarks = [
        f"or `{line.value}`: {line.remark}" if position and not is_list and len(keys) == 1 else line.remark
        for position, line in enumerate(lines)
        if line.remark and f"`{line.remark.removeprefix('default ')}`" != default
    ]
    text = "; ".join(dict.fromkeys(remark.rstrip(".") for remark in remarks))
    return bullet(f"{', '.join(f'`{key}`' for key in keys)} ({default})" + (f": {text}." if text else ""))


def _default(setting: FieldInfo, lines: list[_Shown], *, is_list: bool) -> str:
    example = max((line.value for line in lines), key=len)
    if setting.default is NODEFAULT:
        return f"required, for example `{example}`"
    if setting.default is None:
        return "not set" if len(forms(setting)) > 1 else f"not set; for example `{example}`"
    written = next((line.value for line in lines if line.is_off or not is_list), None)
    return f"`{written or json.dumps(setting.default)}`"
