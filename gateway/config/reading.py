"""Turns parsed TOML into settings without stopping at the first mistake. A value that cannot be read is noted with its dotted
path, and its default is used, so that the rest is still checked. Settings with a noted mistake must not be used.

A setting that holds a Secret may be written as `name` (inline), `name_file` or `name_env`; a Key also as `name_hash`. Only one
of them may be present.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from gateway.config.named_file import text_of
from gateway.config.notation import Notation
from gateway.config.secret import Key, Secret
from gateway.config.section import Mistake, Section

S = TypeVar("S", bound=Section)

_REMEDIES = (
    ("bool", "write true or false"),
    ("int", "write a whole number without quotes"),
    ("float", "write a number without quotes"),
    ("str", "write a text in quotes"),
    ("array", "write a list in brackets"),
    ("object", "write a table"),
)


_fields = cache(fields)


class UnreadableError(Exception):
    """A value that was noted as a mistake."""


class Reader:
    """Reads tables and collects mistakes: the first for each path."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._mistakes: dict[str, Mistake] = {}

    @property
    def mistakes(self) -> tuple[Mistake, ...]:
        return tuple(self._mistakes.values())

    def table(self, kind: type[S], written: object, path: str) -> S:
        if not isinstance(written, dict):
            raise self._unreadable(path, "is not a table; write [table] or { key = value }")
        table = cast("dict[str, object]", written)
        known = _fields(kind)
        self._unknown_keys(known, table, path)
        values: dict[str, Any] = {}
        for setting in known:
            try:
                values.update(self._setting(setting, table, path))
            except UnreadableError:
                continue
        if any(setting.required and setting.name not in values for setting in known):
            raise UnreadableError(path)
        section = kind(**values)
        vars(section)["given"] = frozenset(values)
        self.note(mistake.under(path) for mistake in section.mistakes())
        return section

    def note(self, mistakes: Iterable[Mistake]) -> None:
        for mistake in mistakes:
            self._mistakes.setdefault(mistake.path, mistake)

    def _unreadable(self, path: str, message: str) -> UnreadableError:
        self.note([Mistake(path, message)])
        return UnreadableError(path)

    def _unknown_keys(self, known: Iterable[FieldInfo], table: Mapping[str, object], path: str) -> None:
        allowed = [key for setting in known for key in forms(setting)]
        for key in [key for key in table if key not in allowed]:
            near = difflib.get_close_matches(key, allowed, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"use one of {', '.join(allowed)}"
            self.note([Mistake(_join(path, key), f"is not a setting; {remedy}")])

    def _setting(self, setting: FieldInfo, table: Mapping[str, object], path: str) -> dict[str, Any]:
        """The setting under its field name; empty if it is left to its default. An absent table is read as an empty one,
        because the environment may hold its secrets."""
        name = setting.encode_name
        if secret_kind(setting.type):
            found = self._secret(setting, table, path)
            return {} if found is None else {setting.name: found}
        if name in table or isinstance(setting.default, Section):
            return {setting.name: self._value(setting.type, table.get(name, {}), _join(path, name))}
        if setting.required:
            raise self._unreadable(_join(path, name), "is missing; every one of these tables needs it")
        return {}

    def _value(self, kind: Any, written: object, path: str) -> Any:
        if notation := notation_of(kind):
            return self._noted(notation, written, path)
        if section := section_of(kind):
            return self.table(section, written, path)
        if get_origin(kind) is tuple:
            return self._items(get_args(kind)[0], written, path)
        try:
            found = msgspec.convert(written, kind)
        except msgspec.ValidationError as error:
            raise self._unreadable(path, _explain(str(error), kind)) from None
        if isinstance(found, str) and "\0" in found:
            raise self._unreadable(path, "has a NUL character in it; write the text without it")
        return found

    def _noted(self, notation: Notation, written: object, path: str) -> object:
        try:
            return notation.read(written)
        except ValueError as error:
            raise self._unreadable(path, str(error)) from None

    def _items(self, kind: Any, written: object, path: str) -> tuple[Any, ...]:
        if not isinstance(written, list):
            of_tables = section_of(kind) is not None
            remedy = (
                f"write [[{path}]], once for each" if of_tables else f'write brackets: {path} = ["…", "…"]'
            )
            raise self._unreadable(path, f"is not a list; {remedy}")
        items: list[Any] = []
        for position, item in enumerate(cast("list[object]", written)):
            try:
                items.append(self._value(kind, item, f"{path}[{position}]"))
            except UnreadableError:
                continue
        return tuple(items)

    def _secret(self, setting: FieldInfo, table: Mapping[str, object], path: str) -> Secret | Key | None:
        used = [key for key in forms(setting) if key in table]
        at = _join(path, setting.encode_name)
        if len(used) > 1:
            raise self._unreadable(at, f"is given as {' and '.join(used)}; keep one of them")
        optional_env = _optional_env(setting)
        if not used:
            return self._from_env(optional_env, at) if self._env.get(optional_env) else None
        key, written = used[0], table[used[0]]
        if not isinstance(written, str) or not written:
            raise self._unreadable(_join(path, key), "is empty or not a text; write a text in quotes")
        if key.endswith("_env") and written == optional_env and not self._env.get(written):
            return None
        return self._secret_or_key(key, written, _join(path, key), as_key=secret_kind(setting.type) is Key)

    def _secret_or_key(self, key: str, written: str, path: str, *, as_key: bool) -> Secret | Key:
        if key.endswith("_hash"):
            if not re.fullmatch(r"[0-9a-fA-F]{64}", written):
                raise self._unreadable(path, "is not a digest; write the SHA-256 of the key as 64 hex digits")
            return Key(bytes.fromhex(written))
        if key.endswith("_env"):
            secret = self._from_env(written, path)
        elif key.endswith("_file"):
            secret = self._from_file(written, path)
        else:
            secret = self._checked(Secret(written), path)
        return Key.of(secret) if as_key else secret

    def _from_env(self, name: str, path: str) -> Secret:
        """Like `_from_file`, does not repeat the name: the secret itself may have been written there."""
        if name not in self._env:
            raise self._unreadable(path, "names an environment variable that is not set; set it")
        return self._checked(Secret(self._env[name], f"env {name}"), path)

    def _from_file(self, name: str, path: str) -> Secret:
        try:
            text = text_of(Path(name))
        except (OSError, UnicodeDecodeError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise self._unreadable(path, f"cannot be read ({why}); check the path") from None
        return self._checked(Secret(text.strip(), f"file {name}"), path)

    def _checked(self, secret: Secret, path: str) -> Secret:
        """Keys travel in HTTP headers."""
        if not re.fullmatch(r"[!-~]+", secret.reveal()):
            raise self._unreadable(path, "is empty, or has spaces or non-ASCII in it; use visible ASCII")
        return secret


def forms(setting: FieldInfo) -> tuple[str, ...]:
    """The keys under which the file may have a setting."""
    name, kind = setting.encode_name, secret_kind(setting.type)
    if kind is None:
        return (name,)
    if (
        _extra(setting).get("file") == "written"
    ):  # its file is a setting of its own, because the gateway writes it
        return (name, f"{name}_env")
    return (name, f"{name}_file", f"{name}_env", *([f"{name}_hash"] if kind is Key else []))


def secret_kind(kind: Any) -> type[Secret] | type[Key] | None:
    members = _members(kind)
    return Secret if Secret in members else Key if Key in members else None


def notation_of(kind: Any) -> Notation | None:
    """The notation of a type, also if the type is joined with None."""
    for member in (kind, *_members(kind)):
        for meta in getattr(member, "__metadata__", ()):
            if notation := (meta.extra or {}).get("notation"):
                return notation
    return None


def section_of(kind: Any) -> type[Section] | None:
    return next((m for m in _members(kind) if isinstance(m, type) and issubclass(m, Section)), None)


def _members(kind: Any) -> tuple[Any, ...]:
    """The members of a union, or the type itself."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return get_args(bare) if type(None) in get_args(bare) else (bare,)


def _optional_env(setting: FieldInfo) -> str:
    """The variable that may hold the secret, but need not be set."""
    return _extra(setting).get("env", "")


def _extra(setting: FieldInfo) -> Mapping[str, str]:
    metadata = getattr(setting.type, "__metadata__", ())
    return metadata[0].extra if metadata else {}


def _explain(error: str, kind: Any) -> str:
    what, _, within = error.partition(" - at ")
    place = f" (at {within.strip('`$')})" if within.strip("`$") else ""
    bare, *metadata = get_args(kind) if get_origin(kind) is Annotated else (kind,)
    if metadata and metadata[0].description:
        return f"is not allowed; write {metadata[0].description}"
    choice = next((member for member in _members(bare) if get_origin(member) is Literal), None)
    if choice is not None:
        return f"is not one of its values; write one of {', '.join(map(repr, get_args(choice)))}"
    wanted = what.partition(", got")[0].replace("Expected ", "")
    remedy = next((text for name, text in _REMEDIES if name in wanted), "see config.example.toml")
    return f"should be {wanted}{place}; {remedy}"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
