"""Reading the file of settings: every mistake in it at once, each with its line."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.config.named_file import text_of
from gateway.config.reading import Reader, UnreadableError
from gateway.config.section import Mistake
from gateway.config.settings import Config
from gateway.errors import GatewayError
from rules.language.toml_lines import Path as TomlPath
from rules.language.toml_lines import line_of, locate

_KEYS = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
"""A position or a key of a dotted path such as `channel[0].api_key`."""


class ConfigError(GatewayError):
    """The settings cannot be used. Each problem is one line: dotted path, what is wrong, the remedy; never a secret."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(path: Path, env: Mapping[str, str]) -> Config:
    """The settings in `path`, with the secrets from the files and variables that it names. Raises ConfigError."""
    reader = Reader(env)
    text = _text(path)
    try:
        config = reader.table(Config, _parsed(path, text), "")
    except UnreadableError:
        config = Config()
    if reader.mistakes:
        lines = locate(text)
        raise ConfigError(tuple(_placed(path, lines, mistake) for mistake in reader.mistakes))
    return config


def _text(path: Path) -> str:
    try:
        return text_of(path)
    except OSError as error:
        raise ConfigError(
            (f"{path}: cannot be read ({error.strerror}); name a file with --config",)
        ) from None
    except UnicodeDecodeError:
        raise ConfigError((f"{path}: is not UTF-8 text; save it as UTF-8",)) from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError((f"{path}: is not TOML: {error}; correct the line",)) from None
    except RecursionError:
        raise ConfigError((f"{path}: is nested too deeply; write tables of settings only",)) from None


def _placed(file: Path, lines: dict[TomlPath, int], mistake: Mistake) -> str:
    """The mistake with its line. If a setting is missing, the line is that of its table."""
    keys = tuple(int(index) if index else key for index, key in _KEYS.findall(mistake.path))
    line = line_of(lines, keys)
    return f"{file}, line {line}: {mistake}" if line else f"{file}: {mistake}"
