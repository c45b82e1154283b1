"""What both listeners work with: built once by `gateway.app`, passed in, never imported as a global."""

import asyncio
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from aiohttp import web

from gateway.anchor.worker import Anchor
from gateway.clock import Clock
from gateway.config import Config
from gateway.http.keyring import KeyRing
from gateway.http.operator_tokens import OperatorTokens
from gateway.http.rows.process import RowReader
from gateway.http.rows.queue import ChunkQueue
from gateway.pipeline import Pipeline
from gateway.store import Store
from gateway.telemetry.telemetry import Telemetry
from gateway.upstream.backlog import Backlog
from gateway.upstream.client import Upstream
from gateway.usecases.env import Env
from gateway.workers.activity import ActivityCounter
from gateway.workers.timekeeping import Timekeeper
from gateway.workers.verifications import Verifications

Follower = Callable[[Config], Callable[[], None]]


@dataclass(slots=True)
class Services:
    """`upstream` exists in forward mode only; `backlog` counts its waiting deliveries. `plan_lock` is held while a plan is made,
    which needs memory for every record; `archive_lock` while audit events are moved;
    `duplicates_lock` while a query looks through all customers for those alike; `searches` are those for suggestions that this
    process runs; `importing` are the chunks on their way, by the import's id.

    `config` is replaced when the settings are read again. `followers` made something of their own from it. Each gets the new
    settings, prepares, and raises ValueError if it cannot use them. It returns a function that takes them over and cannot fail.
    """

    config: Config
    store: Store
    pipeline: Pipeline
    keyring: KeyRing
    operators: OperatorTokens
    env: Env
    row_reader: RowReader
    clock: Clock
    timekeeper: Timekeeper
    telemetry: Telemetry
    activity: ActivityCounter
    admin_token: str
    checkpoint_key: bytes
    backlog: Backlog
    verifications: Verifications
    upstream: Upstream | None = None
    anchor: Anchor | None = None
    followers: list[Follower] = field(default_factory=list[Follower])
    plan_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    archive_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    duplicates_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    searches: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    importing: MutableMapping[str, ChunkQueue] = field(default_factory=WeakValueDictionary[str, ChunkQueue])


SERVICES = web.AppKey("services", Services)
