"""Suggestions: the searches for them, and why each question was asked."""

from gateway.model import Suggestion, SuggestionRun
from gateway.workingset.collection import Collection, Of
from gateway.workingset.moment import Moment
from gateway.workingset.pins import Pair


class Suggestions(Moment):
    suggestion_runs = Of(Collection[int, SuggestionRun | None])
    suggestions = Of(Collection[Pair, Suggestion | None])
