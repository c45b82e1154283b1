"""A suggestion as a search stores it."""

from collections.abc import Sequence

from msgspec.structs import replace

from gateway.http.services import Services
from gateway.ids import show
from gateway.model import (
    SUGGESTED,
    Caller,
    Comparison,
    EndSearch,
    Search,
    StartSearch,
    Suggest,
    Suggestion,
)

COMPARISONS = (
    Comparison("two_records", "any", -12_100),
    Comparison("name", "near", 9_300),
    Comparison("email", "typing", 9_900),
)


async def leave_suggestion(services: Services, records: Sequence[str]) -> str:
    """Between two records, named by their ids. Returns the id of the search."""
    pipeline, searcher = services.pipeline, Caller("", "", "operator:shared", "req_suggest", "operator")
    search = await pipeline.submit(StartSearch(searcher, services.env.rules.sha256))
    assert isinstance(search, Search)
    one, other = sorted(int(record.removeprefix("rec_"), 16) for record in records)
    suggestion = Suggestion(one, other, 0, search.search_id, 9_927, 0, COMPARISONS)
    asked = await pipeline.submit(Suggest(searcher, suggestion, SUGGESTED, ("name:near", "email:typing")))
    assert asked.changed
    ended = replace(
        search,
        state="done",
        stage="done",
        records=14,
        candidates=3,
        found=1,
        opened=1,
        model="6f" * 32,
        data="d1" * 16,
        weights={
            "two_records": {"any": -12_100},
            "name": {"equal": 11_800, "near": 9_300},
            "email": {"typing": 9_900},
        },
    )
    await pipeline.submit(EndSearch(searcher, ended))
    return show("srh", search.search_id)
