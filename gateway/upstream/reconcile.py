"""Whether a report without an answer has arrived, by what the upstream says about the customer later. Pure."""

from typing import Literal, NamedTuple

import msgspec

Finding = Literal["arrived", "absent", "nothing_to_earn", "undecidable"]


class Progress(NamedTuple):
    """What the upstream counts for one customer and campaign."""

    achieved: int
    can_achieve: bool


class _Entry(msgspec.Struct, rename="camel"):
    rewards_campaign_id: int
    achieved_count: int
    can_achieve: bool = True


_decode = msgspec.json.Decoder(list[_Entry]).decode


def progress_in(body: bytes, campaign_id: int) -> Progress | None:
    """None: the answer does not say. The upstream leaves out campaigns that the customer may not see."""
    try:
        entries = _decode(body)
    except msgspec.MsgspecError:
        return None
    return next(
        (
            Progress(entry.achieved_count, entry.can_achieve)
            for entry in entries
            if entry.rewards_campaign_id == campaign_id
        ),
        None,
    )


def find(progress: Progress | None, delivered: int) -> Finding:
    """`delivered` are the reports that the upstream is known to have, without the one in question.

    If it has counted exactly those, ours is not among them. If it has counted one more, that one is ours. If its count is neither,
    others report to it too, or it left some out; then only an operator can tell, unless nothing more can be earned: then sending it
    again would change nothing.
    """
    if progress is None:
        return "undecidable"
    if progress.achieved in (0, delivered):
        return "absent"
    if progress.achieved == delivered + 1:
        return "arrived"
    return "undecidable" if progress.can_achieve else "nothing_to_earn"
