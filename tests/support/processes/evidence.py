"""Compares the database with the answers that the clients got. Each check returns its findings as sentences; an empty list is a
pass."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg

from gateway.audit.chain import Link
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.event import AuditEvent
from gateway.audit.verify import verifier_of
from gateway.config import load
from gateway.config.master_secret import open_box
from gateway.ids import show
from gateway.sqlite_library import sqlite3
from tests.support.processes.gateway_process import ADMIN_TOKEN, Process
from tests.support.processes.load import History, Pair, until

_SETTLED = {"granted", "ignored"}


def rows(database: Path | str, sql: str) -> list[tuple[Any, ...]]:
    if isinstance(database, str):
        with ThreadPoolExecutor(1) as thread:  # a loop of its own: the caller may be inside one
            return thread.submit(asyncio.run, _fetch(database, sql)).result()
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


async def _fetch(url: str, sql: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


def stored_pairs(database: Path | str) -> Counter[Pair]:
    return Counter(
        rows(database, "SELECT customer_id, campaign_id FROM achievement JOIN record USING (record_id)")
    )


def undecided(database: Path | str) -> int:
    return rows(database, "SELECT count(*) FROM achievement WHERE state = 'accepted'")[0][0]


async def all_decided(process: Process) -> None:
    """Wait until nothing is due any more. Raises TimeoutError when that does not come."""
    await until(lambda: undecided(process.place) == 0)


def findings(process: Process, history: History) -> list[str]:
    """Everything below in one; the gateway must have decided all it had accepted."""
    return [
        *broken_promises(process, history),
        *broken_grants(process),
        *unrecorded_changes(process),
        *breaches(process),
    ]


# ---- what was answered ----


def broken_promises(process: Process, history: History) -> list[str]:
    """An accepted or duplicate pair is stored once, a refused one is not, an unanswered one at most once; nothing else is.

    Only for a history that lies within one dedup window.
    """
    verdicts: defaultdict[Pair, list[str]] = defaultdict(list)
    first_acceptances: Counter[Pair] = Counter()
    for attempt in history:
        verdicts[attempt.pair].append(attempt.verdict)
        if attempt.answer is not None and attempt.answer.status == 202 and not attempt.answer.is_replay:
            first_acceptances[attempt.pair] += 1
    stored = stored_pairs(process.place)
    findings = [f"{pair} was never sent, and is stored" for pair in stored.keys() - verdicts.keys()]
    findings += [f"{pair} was accepted {n} times" for pair, n in first_acceptances.items() if n > 1]
    for pair, told in verdicts.items():
        findings += [f"{pair}: {problem}" for problem in _contradictions(told, stored[pair])]
    return findings


def _contradictions(told: list[str], count: int) -> Iterator[str]:
    if count > 1:
        yield f"doubled: stored {count} times"
    if not count and ("accepted" in told or "duplicate" in told):
        yield f"lost: the clients were told {told}"
    if count and set(told) == {"unavailable"}:
        yield "stored, though every client was told that nothing was"
    if "unexpected" in told:
        yield "answered outside the contract"


def answers_of_one_key(history: History) -> dict[str, set[bytes]]:
    """Every body that was answered with 202 under an idempotency key."""
    bodies: defaultdict[str, set[bytes]] = defaultdict(set)
    for attempt in history:
        if attempt.key and attempt.answer is not None and attempt.answer.status == 202:
            bodies[attempt.key].add(attempt.answer.body)
    return dict(bodies)


# ---- what was decided ----


def broken_grants(process: Process) -> list[str]:
    """Each achievement is granted or ignored, not before it was due, with one ledger row if and only if it was granted."""
    entries = Counter(row[0] for row in rows(process.place, "SELECT achievement_id FROM ledger"))
    decided = rows(process.place, "SELECT achievement_id, state, due_at, decided_at FROM achievement")
    findings = [f"ledger: {n} entries of {show('ach', entry)}" for entry, n in entries.items() if n > 1]
    for achievement_id, state, due_at, decided_at in decided:
        name = show("ach", achievement_id)
        if state not in _SETTLED:
            findings.append(f"{name} is still {state}")
        elif decided_at < due_at:
            findings.append(f"{name} was {state} {due_at - decided_at} ms early")
        if (state == "granted") != (entries.pop(achievement_id, 0) > 0):
            findings.append(f"{name} is {state} and its ledger does not say so")
    return findings + [f"ledger: {show('ach', entry)} was never accepted" for entry in entries]


# ---- what was recorded ----


def unrecorded_changes(process: Process) -> list[str]:
    """Every achievement has exactly its event of acceptance, every decision its event, and no event is without its row."""
    states = dict(rows(process.place, "SELECT achievement_id, state FROM achievement"))
    ledger = {row[0] for row in rows(process.place, "SELECT achievement_id FROM ledger")}
    expected: dict[str, Iterable[int]] = {
        "achievement.accepted": states,
        "achievement.granted": ledger,
        "achievement.ignored": {number for number, state in states.items() if state == "ignored"},
    }
    return [
        f"{action}: {name} has {found} events and {wanted} rows"
        for action, ids in expected.items()
        for name, found, wanted in _differences(_events(process.place, action), ids)
    ]


def _events(database: Path | str, action: str) -> Counter[str]:
    return Counter(row[0] for row in rows(database, f"SELECT object FROM audit WHERE action = '{action}'"))


def _differences(events: Counter[str], ids: Iterable[int]) -> Iterator[tuple[str, int, int]]:
    wanted = Counter(show("ach", number) for number in ids)
    for name in events.keys() | wanted.keys():
        if events[name] != wanted[name]:
            yield name, events[name], wanted[name]


def breaches(process: Process) -> list[str]:
    """Where the audit log's chains, its checkpoints or the file itself do not hold."""
    checkpoints = [
        Checkpoint(*row)
        for row in rows(
            process.place,
            "SELECT checkpoint_id, at, heads, signature FROM audit_checkpoint ORDER BY checkpoint_id",
        )
    ]
    config = load(process.config, {"GATEWAY_ADMIN_TOKEN": ADMIN_TOKEN})
    verifier = verifier_of(open_box(config, make=False).key("audit checkpoint"), checkpoints)
    links = rows(
        process.place,
        "SELECT chain, seq, hash, event_id, at, action, outcome, channel, actor, profile, object, request_id, "
        "reason, detail, bound FROM audit ORDER BY chain, seq",
    )
    found = list(
        verifier.feed(
            Link(chain, seq, digest, AuditEvent(*event), bound) for chain, seq, digest, *event, bound in links
        )
    )
    found += verifier.check()
    integrity = rows(process.database, "PRAGMA integrity_check") if process.place == process.database else []
    return [str(breach) for breach in found] + [str(row) for row in integrity if row != ("ok",)]
