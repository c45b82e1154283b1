"""The system at a glance: does it work, what waits for a person, and what is under way."""

import asyncio
import statistics
from importlib.metadata import version
from pathlib import Path

import msgspec

from gateway.clock import DAY, SECOND
from gateway.errors import StoreUnavailable
from gateway.http.admin.activity import ActivityCounts, counted
from gateway.http.admin.channels import ChannelView, channel_views
from gateway.http.admin.health import warnings_of
from gateway.http.admin.listing import Query
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.times import Time, shown, shown_or_none
from gateway.http.services import Services
from gateway.model import Activity
from gateway.store.backups import backed_up_at
from gateway.store.gateway_reads import newest_moment, newest_signature, open_reviews
from gateway.store.queries import generic_values
from gateway.store.queries import overview as queries
from gateway.store.queries.activity import activity
from gateway.store.queries.imports import runs
from gateway.store.sizes import growth, sizes_of

_PATIENCE_SECONDS = 5
_NEW = 7 * DAY
_LOOKED_AT = 100
"""Only this many of the newest imports can be under way."""


class WaitingView(msgspec.Struct):
    """What waits for a person: open `reviews` by reason, grants that `failed`, deliveries that are `dead` or `held`, and when the
    oldest of each of the two was queued. `generic_values` turned out to belong to too many in the last 7 days, and still join no
    profiles; at most 1,000 are counted."""

    reviews: dict[str, int]
    failed_grants: int
    dead: int
    dead_since: Time | None
    held: int
    held_since: Time | None
    generic_values: int


class UpstreamView(msgspec.Struct):
    """`breaker` says whether deliveries are tried: `closed` (yes), `probing`, `open` (not now), `auth` (keys refused). `median_ms`
    is of up to 100 newest calls of this gateway. `open_deliveries` is a count of a few seconds ago."""

    breaker: str
    median_ms: float | None
    open_deliveries: int


class ProgressView(msgspec.Struct):
    """`what` is `walk` (all profiles under new rules), `import` or `undo`; `name` is its rule set or its id. `done` of about
    `total` profiles; of an import, its lines, because only its sender knows the end."""

    what: str
    name: str
    started_at: Time
    done: int
    total: int | None


class SizesView(msgspec.Struct):
    """In bytes; None: not known here, as the disk of a database server. `grew_a_day` is over the last `grew_days`, at most 30."""

    database: int | None
    wal: int | None
    disk_free: int | None
    grew_a_day: int | None
    grew_days: int | None


class Overview(msgspec.Struct):
    """`ready`: calls are accepted; if not, `problems` say why. `warnings` name what is wrong while calls are served. `today` counts
    since midnight (UTC). `signed_at` is when the audit log was signed last; `unsigned_seconds` how long newer events have waited
    for it, 0 if there are none. `verified_at` is when it was verified last, by whichever gateway or command, and `breaches` how
    many places were found; null for never. `backup_at` is when `gateway db backup` last made one on this machine. `regroupings` are
    values and single profiles that are looked at again; `failed_regroupings` wait for an operator. `engine` is the database engine
    with its version. Counts are stored every 10 seconds."""

    now: Time
    version: str
    schema: int
    engine: str
    mode: str
    rules: str
    ready: bool
    problems: list[str]
    warnings: list[str]
    today: ActivityCounts
    channels: list[ChannelView]
    waiting: WaitingView
    upstream: UpstreamView | None
    signed_at: Time | None
    unsigned_seconds: int
    verified_at: Time | None
    breaches: int | None
    backup_at: Time | None
    planning: bool
    regroupings: int
    failed_regroupings: int
    progress: list[ProgressView]
    sizes: SizesView


async def show_overview(call: Call[Query]) -> Overview:
    return await overview_of(call.services)


async def overview_of(services: Services) -> Overview:
    store, now = services.store, services.clock.now()
    problems = await _problems(services)
    day = now - now % DAY
    today = await activity(store, None, day, day + DAY, DAY)
    signed = await newest_signature(store)
    unsigned = now - signed if signed and await newest_moment(store) > signed else 0
    verified = await services.verifications.last()
    failed = await queries.failed(store)
    return Overview(
        now=shown(now),
        version=version("loyalty-identity-gateway"),
        schema=await queries.schema_version(store),
        engine=await queries.engine(store, services.config.store.sqlite_path),
        mode=services.config.gateway.mode,
        rules=services.env.rules.version,
        ready=not problems,
        problems=problems,
        warnings=list(warnings_of(services)),
        today=ActivityCounts(**counted(today[0][1] if today else Activity())),
        channels=await channel_views(services, services.config.channels),
        waiting=await _waiting(services, failed),
        upstream=_upstream(services),
        signed_at=shown_or_none(signed or None),
        unsigned_seconds=max(0, unsigned) // SECOND,
        verified_at=shown(verified.at) if verified else None,
        breaches=verified.known_breaches if verified else None,
        backup_at=shown_or_none(await _backup(services)),
        planning=services.plan_lock.locked(),
        regroupings=await queries.small_regroupings(store),
        failed_regroupings=failed.regroupings,
        progress=await _progress(services),
        sizes=await _sizes(services, now),
    )


async def _backup(services: Services) -> int | None:
    path = services.config.store.sqlite_path
    return None if path is None else await asyncio.to_thread(backed_up_at, Path(path))


async def _sizes(services: Services, now: int) -> SizesView:
    found = await sizes_of(services.store, services.config.store.sqlite_path)
    grown = await growth(services.store, found.database, now)
    return SizesView(*found, *(grown or (None, None)))


async def _problems(services: Services) -> list[str]:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await services.store.probe()
    except StoreUnavailable as error:
        return [str(error)]
    except TimeoutError:
        return [
            f"the store took no write within {_PATIENCE_SECONDS} s; calls wait, look at its disk and its load"
        ]
    return []


async def _waiting(services: Services, failed: queries.Failed) -> WaitingView:
    store = services.store
    by_state = {one.state: one for one in await queries.deliveries_for_a_person(store)}
    dead, held = by_state.get("dead"), by_state.get("held")
    return WaitingView(
        dict(await open_reviews(store)),
        failed.grants,
        dead.number if dead else 0,
        shown_or_none(dead.oldest_at if dead else None),
        held.number if held else 0,
        shown_or_none(held.oldest_at if held else None),
        await generic_values.count_since(store, services.clock.now() - _NEW),
    )


def _upstream(services: Services) -> UpstreamView | None:
    upstream = services.upstream
    if upstream is None:
        return None
    median = statistics.median(upstream.recent) * 1_000 if upstream.recent else None
    return UpstreamView(
        upstream.breaker.state, None if median is None else round(median, 1), services.backlog.open
    )


async def _progress(services: Services) -> list[ProgressView]:
    found = [
        ProgressView("walk", walk.cause.partition(":")[2], shown(walk.started_at), walk.looked, walk.total)
        for walk in await queries.open_walks(services.store)
    ]
    for run in await runs(services.store, None, _LOOKED_AT):
        what = "undo" if run.undo_after is not None else "import" if run.finished_at is None else ""
        if what and run.undone_at is None:
            found.append(
                ProgressView(what, run.import_id, shown(run.started_at), run.reached.next_line - 1, None)
            )
    return found


OPERATIONS = (
    Operation(
        method="GET",
        path="/overview",
        handler=show_overview,
        role="viewer",
        summary="The system at a glance: whether it works, what waits for a person, what is under way",
        answer=Overview,
    ),
)
