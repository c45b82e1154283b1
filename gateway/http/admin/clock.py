"""The gateway's time, and an operator's statement that the clock is right."""

import msgspec

from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown
from gateway.workers.timekeeping import ClockState


class ClockView(msgspec.Struct):
    """`now` is the time for deadlines. The other values are how many ms a clock is ahead of it, below 0 if it is behind.
    `wall_ahead_ms`: the wall clock, while a jump of it is not believed. `database_ahead_ms`: the newest time in the database.
    `machine_ahead_ms`: this machine's clock, if the database server's clock is the one that counts. `warnings` say what to
    do."""

    now: Time
    wall_ahead_ms: int
    believed_in_ms: int
    database_ahead_ms: int
    machine_ahead_ms: int
    warnings: list[str]


async def show_clock(call: Call[Query]) -> ClockView:
    return _view(await call.services.timekeeper.look())


async def believe_clock(call: Call[Query]) -> ClockView:
    return _view(await call.services.timekeeper.believe(call.caller))


def _view(state: ClockState) -> ClockView:
    return ClockView(
        shown(state.now),
        state.wall_ahead,
        state.believed_in,
        state.database_ahead,
        state.machine_ahead,
        list(state.warnings),
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/clock",
        handler=show_clock,
        role="viewer",
        summary="The time for deadlines, and which clocks are ahead of it",
        answer=ClockView,
    ),
    Operation(
        method="POST",
        path="/clock/believe",
        handler=believe_clock,
        role="admin",
        summary="State that the wall clock is right: it is believed at once",
        answer=ClockView,
    ),
)
