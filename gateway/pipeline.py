"""The single writer: takes commands one by one, commits them in batches, and answers each only after its batch is on disk.

The commands that queued while the previous commit ran become the next batch; there is no timer. Calls go before background work. A
command that fails by itself is taken out, and its neighbours are run again without it. Cancelling a caller never decides a commit.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from time import perf_counter
from typing import Any

import structlog

from gateway.errors import CommandFailed, QueueFull, StoreBroken, StoreBusy, StoreUnavailable
from gateway.model import AnyCommand, Command, Effects, Happening, Preview
from gateway.model.command import Outcome
from gateway.store import Store, Work
from gateway.usecases.dispatch import carry_out, wants
from gateway.usecases.env import Env
from gateway.workingset import NotLoaded, WorkingSet

_LONGEST_SERIES = 32
"""The most background commands that the store gets at a time, because other work wants it too, such as housekeeping."""
_log = structlog.get_logger("pipeline")
_Item = tuple[AnyCommand, "asyncio.Future[Any]"]
Count = Callable[[int, Mapping[Happening, int]], None]
Follow = Callable[[Sequence[AnyCommand], float], None]


class _Batch:
    """Commands as one unit of work. `outcomes` is complete once `process` returned. If it raised, `deciding` is the position of the
    command that did."""

    def __init__(self, commands: Sequence[AnyCommand], env: Env) -> None:
        self.commands = commands
        self.outcomes: list[Any] = []
        self.deciding: int | None = None
        self._env = env
        self._ws: WorkingSet | None = None
        self._open: Sequence[AnyCommand] = ()

    def wants(self, ws: WorkingSet) -> None:
        if ws is not self._ws:
            self._ws, self._open = ws, self.commands
        env = self._env
        self._open = [command for command in self._open if not wants(command, ws, env)]

    def process(self, ws: WorkingSet) -> None:
        outcomes: list[Any] = []
        for position, command in enumerate(self.commands):
            self.deciding = position
            outcomes.append(carry_out(command, ws, self._env))
        self.deciding = None
        ws.bind_rest()
        self.outcomes = outcomes

    def changed(self) -> Collection[Hashable]:
        return self._ws.changed_identities() if self._ws is not None else ()

    def tell(self, count: Count) -> None:
        if self._ws is not None and self._ws.happened:
            count(self._ws.now, self._ws.happened)


class _BackgroundBatches:
    """Background commands as the store takes them, one after the other, at least one, until anything is `urgent`. `open` are those
    that were handed out and are not on disk yet. The store's threads take from `waiting` only while the event loop waits for
    them."""

    def __init__(
        self,
        waiting: deque[_Item],
        urgent: Callable[[], bool],
        env: Env,
        answer: Callable[[Sequence[_Item], _Batch], None],
    ) -> None:
        self._waiting, self._urgent, self._env, self._answer = waiting, urgent, env, answer
        self._given = 0
        self._loop = asyncio.get_running_loop()
        self.open: deque[tuple[_Item, _Batch]] = deque()
        self._take()

    def _take(self) -> None:
        item = self._waiting.popleft()
        self.open.append((item, _Batch([item[0]], self._env)))

    def next(self) -> _Batch | None:
        if self._given:
            if self._urgent() or not self._waiting or self._given == _LONGEST_SERIES:
                return None
            self._take()
        self._given += 1
        return self.open[-1][1]

    def stored(self, work: Work) -> None:
        item, batch = self.open.popleft()
        self._loop.call_soon_threadsafe(self._answer, [item], batch)


class Pipeline:
    """`submit` for calls, `submit_background` for work that can wait. Call `start` first; `stop` drains both.

    `busy_seconds` is the time spent on batches of calls: how much of the writer they use. `observe` gets the size and the seconds
    of each. `count` gets the time of each committed batch, also of the background, and how often each thing happened in it.
    `follow`, if it is set, gets the commands of each batch of calls and its seconds.
    """

    def __init__(
        self,
        store: Store,
        env: Env,
        *,
        queue_limit: int,
        batch_limit: int,
        observe: Callable[[int, float], None] = lambda size, seconds: None,
        count: Count = lambda now, happened: None,
    ) -> None:
        self._observe = observe
        self._count = count
        self._store = store
        self._env = env
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._calls: deque[_Item] = deque()
        self._background: deque[_Item] = deque()
        self._changes: deque[tuple[Callable[[], None], asyncio.Future[None]]] = deque()
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self.follow: Follow | None = None
        self._watchers: list[Callable[[Collection[Hashable]], None]] = []
        self.calls_taken = 0
        self.batches_done = 0
        self.busy_seconds = 0.0

    def start(self) -> None:
        self._task = asyncio.create_task(self._drain(), name="pipeline")

    def watch(self, watcher: Callable[[Collection[Hashable]], None]) -> None:
        """Call `watcher` after each commit, before its calls are answered, with the records, as (id space, customer id), and the
        keys that changed. It must not raise."""
        self._watchers.append(watcher)

    @property
    def waiting(self) -> int:
        return len(self._calls)

    async def between_batches(self, change: Callable[[], None]) -> None:
        """Make `change` while no batch is under way: what a batch depends on stays the same from its first look-up to its last
        decision."""
        if self._task is None or self._task.done():
            change()
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._changes.append((change, done))
        self._wake.set()
        await asyncio.shield(done)

    async def submit(self, command: Command[Outcome]) -> Outcome:
        """The command's outcome, after its commit. Raises QueueFull or StoreUnavailable: send it again later."""
        if len(self._calls) >= self._queue_limit:
            raise QueueFull("too many calls are waiting; send it again in a moment")
        return await self._enqueue(self._calls, command)

    async def submit_background(self, command: Command[Outcome]) -> Outcome:
        """Like `submit`, in a transaction of its own behind the next batch of calls."""
        return await self._enqueue(self._background, command)

    async def preview(self, command: Command[Outcome]) -> tuple[Outcome, Effects]:
        """What the command's outcome would be now, and what it would change. Nothing is stored."""
        found = await self.submit_background(Preview(command))
        return found.outcome, found.effects

    def _enqueue(self, queue: deque[_Item], command: Command[Outcome]) -> "asyncio.Future[Outcome]":
        if self._stopping:
            raise QueueFull("the gateway is stopping; send it again in a moment")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        queue.append((command, future))
        self._wake.set()
        return future

    async def stop(self) -> None:
        """Refuse new calls, finish what was taken. May be called again."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def _drain(self) -> None:
        calls, background = self._calls, self._background
        while True:
            await self._make_changes()
            if not calls and not background:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            if calls:
                batch = [calls.popleft() for _ in range(min(len(calls), self._batch_limit))]
                self.calls_taken += len(batch)
                started = perf_counter()
                await self._run(batch)
                seconds = perf_counter() - started
                self.busy_seconds += seconds
                self._observe(len(batch), seconds)
                if self.follow is not None:
                    self.follow([command for command, _ in batch], seconds)
            if background:
                await self._run_background()

    async def _make_changes(self) -> None:
        while self._changes:
            change, done = self._changes.popleft()
            error = await _failure_of(_made(change))
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    async def _run(self, items: list[_Item]) -> None:
        """Carry the items out, in order and in as few batches as their failures allow."""
        todo = [items]
        while todo:
            todo += reversed(await self._run_batch(todo.pop()))

    async def _run_batch(self, items: list[_Item]) -> list[list[_Item]]:
        """Commit and answer. If the batch fails as a whole, its parts are returned, first part first."""
        batch = _Batch([command for command, _ in items], self._env)
        error = await _failure_of(self._store.run(batch))
        if error is not None:
            return self._failed(items, batch, error)
        self._answer(items, batch)
        return []

    async def _run_background(self) -> None:
        """Carry out background commands, each in a batch of its own, until calls arrive or other work wants the store."""
        source = _BackgroundBatches(self._background, self._is_urgent, self._env, self._answer)
        error = await _failure_of(self._store.run_all(source))
        if error is not None:
            failed, *others = source.open
            self._background.extendleft(item for item, _ in reversed(others))
            self._failed([failed[0]], failed[1], error)

    def _is_urgent(self) -> bool:
        return bool(self._calls or self._changes)

    def _answer(self, items: Sequence[_Item], batch: _Batch) -> None:
        self.batches_done += 1
        self._tell(batch)
        batch.tell(self._count)
        for (_, future), outcome in zip(items, batch.outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)

    def _failed(self, items: list[_Item], batch: _Batch, error: Exception) -> list[list[_Item]]:
        """What is to be tried again, in parts. A single command is answered."""
        match error:
            case StoreBroken():
                _answer_all(items, StoreUnavailable("the store is broken; the gateway ends now"))
            case StoreUnavailable():
                if isinstance(error, StoreBusy) and len(items) > 1:
                    return _in_halves(items)
                self._tell(batch)  # it may have been committed anyway
                _answer_all(items, error)
            case _ if batch.deciding is not None:
                return _without(items, batch.deciding, error)
            case _:  # a row that the engine refuses: find the command that it belongs to
                return _halves(items, error)
        return []

    def _tell(self, batch: _Batch) -> None:
        if self._watchers:
            changed = batch.changed()
            for watcher in self._watchers:
                watcher(changed)


async def _failure_of(work: Awaitable[None]) -> Exception | None:
    """Unforeseen failures of a command, a row or a change end here: its sender gets them, and the writer continues."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - the next command must not wait for a writer that is gone
        return error
    return None


async def _made(change: Callable[[], None]) -> None:
    change()


def _without(items: list[_Item], position: int, error: Exception) -> list[list[_Item]]:
    if isinstance(error, NotLoaded) and position > 0:
        return [items[:position], items[position:]]
    command, _ = items[position]
    _log.error("command_failed", command=type(command).__name__, exc_info=error)
    _answer_all(items[position : position + 1], CommandFailed(type(error).__name__))
    rest = items[:position] + items[position + 1 :]
    return [rest] if rest else []


def _halves(items: list[_Item], error: Exception) -> list[list[_Item]]:
    if len(items) > 1:
        return _in_halves(items)
    command, _ = items[0]
    _log.error("command_not_saved", command=type(command).__name__, error=type(error).__name__)
    _answer_all(items, CommandFailed(type(error).__name__))
    return []


def _in_halves(items: list[_Item]) -> list[list[_Item]]:
    middle = len(items) // 2
    return [items[:middle], items[middle:]]


def _answer_all(items: list[_Item], error: Exception) -> None:
    for _, future in items:
        if not future.done():
            future.set_exception(error)
