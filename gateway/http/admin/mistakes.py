"""What is wrong with a request's body or query, in words. msgspec's own message shows a pattern, or the wrong value but none of the
right ones."""

import re
from typing import Any

import msgspec
from msgspec import inspect

_STEP = re.compile(r"\[([^\]]*)\]|([^.\[\]]+)")


def told(error: Exception, kind: Any) -> str:
    """The place, and what to write there, if the type says so; otherwise the message of msgspec."""
    message = str(error)
    what, _, place = message.partition(" - at `")
    path = place.rstrip("`").removeprefix("$").lstrip(".")
    is_choice = what.startswith("Invalid enum value")
    if not isinstance(error, msgspec.ValidationError) or not (is_choice or " matching regex " in what):
        return message
    shape: inspect.Type | None = inspect.type_info(kind)
    for position, name in _STEP.findall(path):
        shape = _inside(shape, name or position)
    wanted = _choices(shape) if is_choice else _description(shape)
    return f"{path}: write {wanted}" if wanted else message


def _inside(shape: inspect.Type | None, step: str) -> inspect.Type | None:
    """The type of a field or an item."""
    match shape:
        case inspect.Metadata():
            return _inside(shape.type, step)
        case inspect.UnionType():
            return next((found for one in shape.types if (found := _inside(one, step))), None)
        case inspect.StructType():
            return next((field.type for field in shape.fields if field.encode_name == step), None)
        case inspect.ListType() | inspect.VarTupleType() | inspect.FrozenSetType() | inspect.SetType():
            return shape.item_type
        case inspect.TupleType():
            return shape.item_types[int(step)]
        case inspect.DictType():
            return shape.value_type
        case _:
            return None


def _choices(shape: inspect.Type | None) -> str:
    match shape:
        case inspect.Metadata():
            return _choices(shape.type)
        case inspect.UnionType():
            return next((found for one in shape.types if (found := _choices(one))), "")
        case inspect.LiteralType():
            return f"one of {', '.join(map(str, shape.values))}"
        case inspect.EnumType():
            return f"one of {', '.join(str(one.value) for one in shape.cls)}"
        case _:
            return ""


def _description(shape: inspect.Type | None) -> str:
    match shape:
        case inspect.Metadata():
            return (shape.extra_json_schema or {}).get("description", "") or _description(shape.type)
        case inspect.UnionType():
            return next((found for one in shape.types if (found := _description(one))), "")
        case _:
            return ""
