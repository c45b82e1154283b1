"""Regroupings that failed: an operator has them tried again."""

import msgspec

from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.model import ResumeRegroupings
from gateway.store.tables.regrouping import failed_regroupings

_AT_ONCE = 1_000


class ResumedRegroupings(msgspec.Struct):
    """How many were `resumed`, at most 1,000."""

    resumed: int


async def resume_regroupings(call: Call[Query]) -> ResumedRegroupings:
    failed = await failed_regroupings(call.services.store, _AT_ONCE)
    return ResumedRegroupings(await call.submit(ResumeRegroupings(call.caller, tuple(failed))))


OPERATIONS = (
    Operation(
        method="POST",
        path="/regroupings/resume",
        handler=resume_regroupings,
        role="steward",
        summary="Try the regroupings again that failed",
        answer=ResumedRegroupings,
    ),
)
