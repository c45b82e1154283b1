"""A mistake in a body or a query: its place, and what to write there."""

from typing import Annotated, Any, Literal

import msgspec
import pytest

from gateway.http.admin.ids_and_names import ProfileId
from gateway.http.admin.mistakes import told
from gateway.http.admin.routes import OPERATIONS
from gateway.model import Role


class Inner(msgspec.Struct):
    profile: ProfileId


class Body(msgspec.Struct):
    profiles: tuple[ProfileId, ...] = ()
    pair: tuple[int, ProfileId] | None = None
    inner: list[Inner] = []
    named: dict[str, ProfileId] = {}
    role: Role = "viewer"
    state: Literal["open", "closed"] | None = None
    plain: Annotated[str, msgspec.Meta(pattern="^x$")] = "x"
    count: Annotated[int, msgspec.Meta(ge=1)] = 1


AN_ID = "write prf_ and 16 hexadecimal digits"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"profiles": ["x"]}, f"profiles[0]: {AN_ID}"),
        ({"pair": [1, "x"]}, f"pair[1]: {AN_ID}"),
        ({"inner": [{"profile": "prf_0000000000000001"}, {"profile": "x"}]}, f"inner[1].profile: {AN_ID}"),
        ({"named": {"a": "x"}}, f"named[...]: {AN_ID}"),
        ({"role": "ann@example.com"}, "role: write one of admin, steward, viewer"),
        ({"state": "ann@example.com"}, "state: write one of closed, open"),
        ({"plain": "y"}, "Expected `str` matching regex '^x$' - at `$.plain`"),
        ({"count": 0}, "Expected `int` >= 1 - at `$.count`"),
        ([], "Expected `object`, got `array`"),
    ],
)
def test_a_mistake_says_what_to_write_and_not_what_was_written(body: Any, said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(msgspec.json.encode(body), type=Body)
    assert told(caught.value, Body) == said


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_a_choice_of_a_query_is_told_with_its_values(operation: Any) -> None:
    for field in msgspec.structs.fields(operation.query):
        assert "Invalid enum value" not in refused({field.encode_name: "no such value"}, operation.query)


def refused(query: dict[str, str], kind: Any) -> str:
    """What is said about it; "" if it is taken."""
    try:
        msgspec.convert(query, kind, strict=False)
    except msgspec.ValidationError as error:
        return told(error, kind)
    return ""
