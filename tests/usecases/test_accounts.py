"""Operators and their sessions: who may ask the admin listener, and for how long."""

from msgspec.structs import replace

from gateway.model import (
    AddOperator,
    Done,
    EndSession,
    OpenSession,
    OperatorSession,
    Refused,
    RemoveOperator,
    RotateOperator,
    StoredOperator,
)
from tests.support.in_process_gateway import NOON, InProcessGateway
from tests.usecases.test_operators import OPERATOR

ANN = StoredOperator("ann", "viewer", b"first", NOON, "operator")


def session(number: int, name: str = "ann", opened: int = 0, seen: int = 0) -> OperatorSession:
    return OperatorSession(f"{number:064x}", name, b"first", NOON + opened, NOON + seen)


def opening(one: OperatorSession, before: tuple[int, int] = (0, 0)) -> OpenSession:
    return OpenSession(OPERATOR, one, before)


async def stored(core: InProcessGateway) -> list[tuple[object, ...]]:
    return await core.rows(
        "SELECT name, role, token_hash, previous_hash, previous_until, removed_at FROM operator ORDER BY name"
    )


async def sessions(core: InProcessGateway) -> list[int]:
    return [
        int(one, 16)
        for one in await core.column("SELECT session_id FROM operator_session ORDER BY session_id")
    ]


async def events(core: InProcessGateway) -> list[tuple[object, ...]]:
    return await core.rows(
        "SELECT action, actor, object, request_id, detail FROM audit WHERE action LIKE 'operator.%'"
        " OR action LIKE 'session.%' ORDER BY event_id"
    )


async def test_another_token_leaves_the_former_one_for_a_while_and_ends_the_sessions(
    core: InProcessGateway,
) -> None:
    bob = replace(ANN, name="bob")
    for operator in (ANN, bob):
        assert await core.send(AddOperator(OPERATOR, operator)) == Done()
    for one in (session(1), session(2, "bob")):
        await core.send(opening(one))
    changed = replace(ANN, token_hash=b"second", previous_hash=b"first", previous_until=NOON + 9)
    assert await core.send(RotateOperator(OPERATOR, "ann", b"second", NOON + 9)) == changed
    assert await stored(core) == [
        ("ann", "viewer", b"second", b"first", NOON + 9, None),
        ("bob", "viewer", b"first", None, None, None),
    ]
    assert await sessions(core) == [2]


async def test_a_removed_operator_is_refused_until_the_name_is_given_again(
    core: InProcessGateway,
) -> None:
    await core.send(AddOperator(OPERATOR, ANN))
    await core.send(RotateOperator(OPERATOR, "ann", b"second", NOON + 9))
    await core.send(opening(session(1)))
    assert await core.send(RemoveOperator(OPERATOR, "ann")) == Done()
    assert await stored(core) == [("ann", "viewer", b"second", None, None, NOON)]
    assert await sessions(core) == []
    assert await core.send(AddOperator(OPERATOR, replace(ANN, role="admin", token_hash=b"new"))) == Done()
    assert await stored(core) == [("ann", "admin", b"new", None, None, None)]


async def test_a_name_that_is_taken_or_unknown_is_refused_and_changes_nothing(core: InProcessGateway) -> None:
    await core.send(AddOperator(OPERATOR, ANN))
    before = await stored(core), await events(core)
    taken = await core.send(AddOperator(OPERATOR, replace(ANN, role="admin")))
    await core.send(AddOperator(OPERATOR, replace(ANN, name="bob")))
    await core.send(RemoveOperator(OPERATOR, "bob"))
    unknown = [
        await core.send(command)
        for name in ("bob", "eve")
        for command in (RemoveOperator(OPERATOR, name), RotateOperator(OPERATOR, name, b"x", 1))
    ]
    assert isinstance(taken, Refused)
    assert taken.code == "operator_exists"
    assert [one.code for one in unknown] == ["operator_unknown"] * 4
    assert ((await stored(core))[:1], (await events(core))[:1]) == before


async def test_sessions_that_are_over_go_when_another_one_is_opened(core: InProcessGateway) -> None:
    """By the time of opening or by that of the last request; those of others stay."""
    for one in (session(1, opened=5, seen=9), session(2, opened=6, seen=8), session(3, opened=6, seen=9)):
        await core.send(opening(one))
    await core.send(opening(session(4, "bob", opened=1, seen=1)))
    await core.send(opening(session(5, opened=9, seen=9), (NOON + 5, NOON + 8)))
    assert await sessions(core) == [3, 4, 5]


async def test_the_oldest_of_too_many_sessions_ends(core: InProcessGateway) -> None:
    for number in range(20):
        await core.send(opening(session(number, opened=100 - number, seen=100)))
    assert await sessions(core) == list(range(20))
    await core.send(opening(session(30, opened=200, seen=200)))
    assert await sessions(core) == [*range(19), 30]


async def test_ending_a_session_ends_only_that_one(core: InProcessGateway) -> None:
    for one in (session(1), session(2), session(3, "bob")):
        await core.send(opening(one))
    assert await core.send(EndSession(OPERATOR, "ann", session(1).session_id)) == Done()
    assert await core.send(EndSession(OPERATOR, "ann", session(3).session_id)) == Done(changed=False)
    assert await sessions(core) == [2, 3]


async def test_each_change_says_who_made_it_and_a_session_only_the_beginning_of_its_id(
    core: InProcessGateway,
) -> None:
    await core.send(AddOperator(OPERATOR, ANN))
    await core.send(RotateOperator(OPERATOR, "ann", b"second", 1))
    await core.send(opening(session(1)))
    await core.send(EndSession(OPERATOR, "ann", session(1).session_id))
    await core.send(RemoveOperator(OPERATOR, "ann"))
    role, id_ = '{"role":"viewer","source":"operator"}', '{"session":"000000000000","source":"operator"}'
    assert await events(core) == [
        ("operator.added", "operator", "ann", "req", role),
        ("operator.rotated", "operator", "ann", "req", role),
        ("session.opened", "operator", "ann", "req", id_),
        ("session.ended", "operator", "ann", "req", id_),
        ("operator.removed", "operator", "ann", "req", role),
    ]
