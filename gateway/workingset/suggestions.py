"""Suggestions: the searches for them, and why each question was asked."""

from gateway.model import Search, Suggestion
from gateway.workingset.batch_context import BatchContext
from gateway.workingset.collection import Collection, Of
from gateway.workingset.pins import Pair


class Suggestions(BatchContext):
    """`live_searches` are, by a moment, a search that was seen running since."""

    live_searches = Of(Collection[int, Search | None])
    searches = Of(Collection[int, Search | None])
    suggestions = Of(Collection[Pair, Suggestion | None])
