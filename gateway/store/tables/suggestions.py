"""Suggestions: how they are stored."""

from gateway.model import Suggestion, SuggestionRun
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import entities

RUN = Columns("suggestion_run", SuggestionRun, "run_id bigint", fixed=("started_by", "started_at"))
SUGGESTION = Columns("suggestion", Suggestion, "record_a bigint, record_b bigint")

TABLES = (entities("suggestion_runs", RUN), entities("suggestions", SUGGESTION))
