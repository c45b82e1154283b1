"""Suggestions: the searches for them, and why each question was asked."""

from gateway.model import Search, Suggestion
from gateway.workingset.collection import Collection, Of
from gateway.workingset.moment import Moment
from gateway.workingset.pins import Pair


class Suggestions(Moment):
    searches = Of(Collection[int, Search | None])
    suggestions = Of(Collection[Pair, Suggestion | None])
