"""Operators and their browser sessions."""

from collections.abc import Iterable

from gateway.model import OperatorSession, StoredOperator
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of, Written


class Accounts(BatchContext):
    """`operators` and `sessions_of` are read by the operator's name."""

    operators = Of(Collection[str, StoredOperator | None])
    sessions_of = Of(Collection[str, list[OperatorSession]])
    sessions = Of(Written[str, OperatorSession])

    def open_session(self, session: OperatorSession) -> None:
        self.sessions_of.put(session.name, [*self.sessions_of[session.name], session])
        self.sessions.add(session.session_id, session)

    def end_sessions(self, name: str, ended: Iterable[OperatorSession]) -> None:
        """Delete these sessions of an operator."""
        gone = {session.session_id for session in ended}
        self.sessions_of.put(name, [one for one in self.sessions_of[name] if one.session_id not in gone])
        for session_id in gone:
            self.sessions.drop(session_id)
