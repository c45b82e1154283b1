"""Suggestions: how they are stored."""

from gateway.model import Search, Suggestion
from gateway.store.tables.columns import Columns
from gateway.store.tables.table import entities

SEARCH = Columns("search", Search, "search_id bigint", fixed=("started_by", "started_at"))
SUGGESTION = Columns("suggestion", Suggestion, "record_a bigint, record_b bigint")

TABLES = (entities("searches", SEARCH), entities("suggestions", SUGGESTION))
