"""Operators' decisions on real use cases, and what they leave behind."""

from typing import Any, Literal

from gateway.clock import MINUTE
from gateway.model import (
    AnswerReview,
    Caller,
    DropPin,
    MergeProfiles,
    SetPin,
    SplitProfile,
    UndoMerge,
)
from tests.support.in_process_gateway import (
    FOLLOW,
    SHARE,
    InProcessGateway,
    achieve,
    customer,
)

ANN, BOB, PHONE, OTHER_PHONE = "ann@x.eg", "bob@x.eg", "+201001234567", "+201007654321"
SAM = Caller("", "", "operator:sam", "req_sam")
Mode = Literal["plain", "tree", "all"]


async def profile(core: InProcessGateway, who: str) -> int:
    found = await core.profile_of(who)
    assert found is not None
    return found


async def record(core: InProcessGateway, who: str) -> int:
    id_space, _, customer_id = who.partition(":")
    (found,) = await core.column(
        "SELECT record_id FROM record WHERE id_space = ? AND customer_id = ?", id_space, customer_id
    )
    return found


async def merged(core: InProcessGateway, one: str, other: str, version: int | None = None) -> Any:
    pair = (await profile(core, one), await profile(core, other))
    return await core.send(MergeProfiles(SAM, pair, "they said so", version))


async def split(core: InProcessGateway, *whos: str, mode: Mode = "plain", version: int | None = None) -> Any:
    records = tuple([await record(core, who) for who in whos])
    return await core.send(
        SplitProfile(SAM, await profile(core, whos[0]), records, mode, "not them", version)
    )


async def undone(core: InProcessGateway, merge_id: int | None, *, tree: bool = False) -> Any:
    assert merge_id is not None
    return await core.send(UndoMerge(SAM, merge_id, "a mistake", tree))


async def pinned(
    core: InProcessGateway, kind: Literal["must", "cannot"], one: str, other: str, **more: Any
) -> Any:
    return await core.send(
        SetPin(SAM, await record(core, one), await record(core, other), kind, "seen both", **more)
    )


async def unpinned(core: InProcessGateway, one: str, other: str) -> Any:
    return await core.send(DropPin(SAM, await record(core, one), await record(core, other)))


async def answered(core: InProcessGateway, review_id: int, *, accept: bool) -> Any:
    return await core.send(AnswerReview(SAM, review_id, accept, "asked them"))


async def people(core: InProcessGateway, **evidence: dict[str, str]) -> None:
    """`ann={"email": …}` is the customer web:ann; each a minute younger than the one before."""
    for name, values in evidence.items():
        await core.send(customer(f"web:{name}", **values))
        core.clock.advance(MINUTE)


async def together(core: InProcessGateway, *names: str) -> bool:
    return len({await profile(core, f"web:{name}") for name in names}) == 1


async def identity(core: InProcessGateway) -> list[list[tuple[Any, ...]]]:
    """What an undo gives back (I10): all but versions, pins, reviews and the log."""
    return [
        await core.rows(f"SELECT {columns} ORDER BY 1, 2")
        for columns in (
            "record_id, profile_id FROM record",
            "type, value, state, owner_id FROM identifier_owner",
            "profile_id, redirect_to FROM profile",
            "record_id, value, retired FROM observation",
            "profile_id, campaign_id, achievement_id FROM dedup JOIN profile USING (profile_id) WHERE redirect_to IS NULL",
            "record_id, SUM(points) FROM ledger GROUP BY record_id",
        )
    ]


async def total(core: InProcessGateway) -> int:
    (points,) = await core.column("SELECT COALESCE(SUM(points), 0) FROM ledger")
    return points


async def redirects(core: InProcessGateway) -> dict[int, int]:
    return dict(  # type: ignore[arg-type]
        await core.rows("SELECT profile_id, redirect_to FROM profile WHERE redirect_to IS NOT NULL")
    )


# ---- merge ----


async def rich(core: InProcessGateway) -> None:
    """Ann with 100 points, Bob with 20."""
    await people(core, ann={"email": ANN}, bob={"mobile": PHONE})
    await core.send(achieve("web:ann", FOLLOW.id))
    await core.send(achieve("web:bob", SHARE.id))
    await core.grant_later()
