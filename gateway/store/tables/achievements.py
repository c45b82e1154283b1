"""Achievements, dedup windows, idempotent answers, the ledger and budgets: how they are stored."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from gateway.model import Achievement, AnswerOf, Dedup, Due, LedgerEntry, StoredAnswer
from gateway.store.statement import Query, Rows, Write
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, entities, fenced_rows, rows_of
from gateway.workingset import WorkingSet, Written
from gateway.workingset.achievements import DueWanted

ACHIEVEMENT = Columns(
    "achievement",
    Achievement,
    "achievement_id bigint",
    fixed=("record_id", "campaign_id", "channel", "request_id", "accepted_at", "epoch", "trace"),
)
WINDOW = Columns("dedup", Dedup, "profile_id bigint, campaign_id bigint")
_ANSWER = Columns("idempotency", StoredAnswer, "channel text, route text, key text")
_ANSWER_OF = Columns("answer_of", AnswerOf, "achievement_id bigint")
LEDGER = Columns("ledger", LedgerEntry, "record_id bigint, campaign_id bigint, achievement_id bigint")
_DECIDED = ACHIEVEMENT.update("epoch = epoch + 1", fence="epoch")
_BUDGETS = """SELECT s.campaign_id, s.points FROM keys(campaign_id bigint) AS k
CROSS JOIN campaign_spend AS s ON s.campaign_id = k.campaign_id"""
_SPEND = "INSERT INTO campaign_spend VALUES (?, ?) ON CONFLICT (campaign_id) DO UPDATE SET points = excluded.points"
BALANCES = """
SELECT r.profile_id, CAST(SUM(l.points) AS BIGINT) FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id
CROSS JOIN ledger AS l ON l.record_id = r.record_id GROUP BY r.profile_id
"""
_POINTS = """
SELECT r.record_id, CAST(SUM(l.points) AS BIGINT) FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id
CROSS JOIN ledger AS l ON l.record_id = r.record_id GROUP BY r.record_id
"""
_DUE = f"""
SELECT {ACHIEVEMENT.select("a")}, r.profile_id, s.active, s.guest, COALESCE(g.accepted_at, l.entered_at)
FROM (SELECT * FROM achievement WHERE state = 'accepted' AND due_at <= ? ORDER BY due_at LIMIT ?) AS a
LEFT JOIN record AS r ON r.record_id = a.record_id
LEFT JOIN record AS s ON s.profile_id = r.profile_id
LEFT JOIN ledger AS l ON l.record_id = s.record_id AND l.campaign_id = a.campaign_id
LEFT JOIN achievement AS g ON g.achievement_id = l.achievement_id ORDER BY a.due_at
"""
"""A row for each record of the profile, and for each grant of it in this campaign."""
_SCORES = BALANCES.replace("l.points", "l.score")
_PROFILE_TAGS = """
SELECT r.profile_id, t.tag FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id CROSS JOIN tag AS t ON t.record_id = r.record_id
"""
_PROFILE_ATTRIBUTES = """
SELECT r.profile_id, a.name, a.value FROM keys(profile_id bigint) AS k
CROSS JOIN record AS r ON r.profile_id = k.profile_id CROSS JOIN attribute AS a ON a.record_id = r.record_id
ORDER BY a.at, a.record_id
"""
_DETAILS = {"score": _SCORES, "tags": _PROFILE_TAGS, "attributes": _PROFILE_ATTRIBUTES}


# ---- what is due ----


def _load_due(ws: WorkingSet, wanted: list[DueWanted]) -> Loading:
    for limit, details in wanted:
        [rows] = yield [Query(_DUE, parameters=(ws.now, limit))]
        dues = _dues(rows)
        for due in dues:
            _note_trace(ws, due.achievement)
        ws.due.put((limit, details), dues)
        if details:
            yield from _load_details(dues, details)


def _dues(rows: Rows) -> list[Due]:
    found: dict[int, Due] = {}
    for *columns, profile_id, active, guest, granted_at in rows:
        due = found.get(columns[0])
        if due is None:
            due = found[columns[0]] = Due(ACHIEVEMENT.read(columns), profile_id)
        if profile_id is not None:
            due.active, due.guest = due.active and bool(active), due.guest and bool(guest)
        if granted_at is not None:
            due.granted += (granted_at,)
    return list(found.values())


def _load_details(dues: list[Due], details: frozenset[str]) -> Loading:
    of_profile: dict[int, list[Due]] = {}
    for due in dues:
        if due.profile_id is not None:
            of_profile.setdefault(due.profile_id, []).append(due)
    detailed = {name: query for name, query in _DETAILS.items() if name in details}
    answers = yield [Query(sql, of_profile) for sql in detailed.values()]
    for name, details_of in zip(detailed, answers, strict=True):
        for profile_id, *detail in details_of:
            for due in of_profile[profile_id]:
                _add_detail(due, name, detail)


def _add_detail(due: Due, name: str, detail: list[Any]) -> None:
    match name:
        case "score":
            [due.score] = detail
        case "tags":
            due.tags |= {*detail}
        case _:
            attribute, value = detail
            due.attributes[attribute] = value


def _note_trace(ws: WorkingSet, achievement: Achievement) -> None:
    """Later effects belong to the trace of the call that reported it."""
    if achievement.trace:
        ws.traces[achievement.request_id] = achievement.trace


# ---- sums ----


def _load_budgets(ws: WorkingSet, campaign_ids: list[int]) -> Loading:
    for campaign_id in campaign_ids:
        ws.budgets.put(campaign_id, 0)
    [rows] = yield [Query(_BUDGETS, campaign_ids)]
    for campaign_id, points in rows:
        ws.budgets.put(campaign_id, points)


def _load_points(ws: WorkingSet, profile_ids: list[int]) -> Loading:
    [rows] = yield [Query(_POINTS, profile_ids)]
    for record_id, points in rows:
        ws.points[record_id] = points
    for profile_id in profile_ids:
        ws.counted.put(profile_id, True)


# ---- saving ----


def _save_ledger(ws: WorkingSet, entries: Written[int, LedgerEntry]) -> Iterator[Write]:
    yield Write(LEDGER.insert, sorted(LEDGER.row(entry) for entry in entries.added.values()))


def _save_budgets(ws: WorkingSet, budgets: Written[int, int]) -> Iterator[Write]:
    yield Write(_SPEND, list(budgets.changed.items()))


TABLES = (
    entities(
        "achievements",
        ACHIEVEMENT,
        saves=fenced_rows(ACHIEVEMENT, _DECIDED, attrgetter("epoch")),
        notes=_note_trace,
    ),
    Table("due", _load_due),
    entities("windows", WINDOW, packed=True),
    entities("answers", _ANSWER),
    Table("answers_of", None, rows_of(_ANSWER_OF)),
    Table("ledger", None, _save_ledger),
    Table("budgets", _load_budgets, _save_budgets),
    Table("counted", _load_points),
)
