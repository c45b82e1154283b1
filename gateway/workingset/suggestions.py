"""Suggestions: the searches for them, and why each question was asked."""

from gateway.model import Search, Suggestion
from gateway.workingset.collection import Collection, Of
from gateway.workingset.moment import Moment
from gateway.workingset.pins import Pair


class Suggestions(Moment):
    """`live_searches` are, by a moment, a search that was seen running since."""

    live_searches = Of(Collection[int, Search | None])
    searches = Of(Collection[int, Search | None])
    suggestions = Of(Collection[Pair, Suggestion | None])
