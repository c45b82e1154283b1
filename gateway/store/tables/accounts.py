"""Operators and their browser sessions: how they are stored."""

from gateway.model import OperatorSession, StoredOperator
from gateway.store.statement import Query
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import Loading, Table, entities, rows_of
from gateway.workingset import WorkingSet

OPERATOR = Columns("operator", StoredOperator, "name text")
SESSION = Columns("operator_session", OperatorSession, "session_id text")
_SESSIONS = f"SELECT {SESSION.select('s')} FROM keys(name text) AS k CROSS JOIN operator_session AS s ON s.name = k.name"


def _load_sessions(ws: WorkingSet, names: list[str]) -> Loading:
    held: dict[str, list[OperatorSession]] = {name: [] for name in names}
    [rows] = yield [Query(_SESSIONS, names)]
    for row in rows:
        session = SESSION.read(row)
        held[session.name].append(session)
    for name, sessions in held.items():
        ws.sessions_of.put(name, sessions)


TABLES = (
    entities("operators", OPERATOR),
    Table("sessions_of", _load_sessions),
    Table("sessions", None, rows_of(SESSION)),
)
