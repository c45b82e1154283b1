"""The table of the admin API: every operation once, for the router and for the OpenAPI document."""

from typing import Any

from gateway.http.admin import (
    accounts,
    achievements,
    activity,
    archive,
    audit,
    audit_stream,
    campaigns,
    channels,
    clock,
    deliveries,
    duplicates,
    explain,
    export,
    find,
    graph,
    import_lists,
    import_undo,
    imports,
    jobs,
    keys,
    lists,
    merge_list,
    merges,
    overview,
    overview_stream,
    pins,
    plan,
    profiles,
    review_detail,
    reviews,
    rule_history,
    rules,
    scrub,
    settings,
)
from gateway.http.admin.listing import Query
from gateway.http.admin.openapi import document
from gateway.http.admin.operation import Call, Operation


async def openapi(_: Call[Query]) -> dict[str, Any]:
    return document(OPERATIONS)


OPERATIONS: tuple[Operation, ...] = (
    *find.OPERATIONS,
    *profiles.OPERATIONS,
    *explain.OPERATIONS,
    *graph.OPERATIONS,
    *export.OPERATIONS,
    *merge_list.OPERATIONS,
    *merges.OPERATIONS,
    *jobs.OPERATIONS,
    *pins.OPERATIONS,
    *rule_history.OPERATIONS,
    *rules.OPERATIONS,
    *plan.OPERATIONS,
    *achievements.OPERATIONS,
    *overview.OPERATIONS,
    *overview_stream.OPERATIONS,
    *activity.OPERATIONS,
    *channels.OPERATIONS,
    *campaigns.OPERATIONS,
    *deliveries.OPERATIONS,
    *lists.OPERATIONS,
    *keys.OPERATIONS,
    *accounts.OPERATIONS,
    *settings.OPERATIONS,
    *clock.OPERATIONS,
    *scrub.OPERATIONS,
    *audit.OPERATIONS,
    *audit_stream.OPERATIONS,
    *archive.OPERATIONS,
    *reviews.OPERATIONS,
    *review_detail.OPERATIONS,
    *duplicates.OPERATIONS,
    *import_lists.OPERATIONS,
    *imports.OPERATIONS,
    *import_undo.OPERATIONS,
    Operation(
        method="GET",
        path="/openapi.json",
        handler=openapi,
        role="viewer",
        summary="This document",
        answer=dict[str, Any],
    ),
)
