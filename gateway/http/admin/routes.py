"""The table of the admin API: every operation once, for the router, the OpenAPI document and whoever wants to know."""

from http import HTTPStatus
from typing import Any

from gateway.http.admin.achievements import (
    AchievementQuery,
    AchievementView,
    Changed,
    list_achievements,
    retry_achievement,
)
from gateway.http.admin.audit import (
    AuditQuery,
    EventView,
    HistoryQuery,
    Verified,
    query_audit,
    verify_audit,
)
from gateway.http.admin.keys import IssuedView, KeyQuery, KeyView, NewKey, create_key, list_keys, revoke_key
from gateway.http.admin.listing import ListQuery, Page, Query
from gateway.http.admin.openapi import document
from gateway.http.admin.operation import Call, Operation
from gateway.http.admin.profiles import (
    ErasedView,
    FindQuery,
    ProfileDetail,
    ProfileView,
    erase_profile,
    find_profiles,
    profile_history,
    show_profile,
)
from gateway.http.admin.reviews import ReviewQuery, ReviewView, list_reviews
from gateway.http.admin.rules import (
    CheckedRules,
    RuleSetDetail,
    RuleSetView,
    RuleText,
    StoredRules,
    StoreQuery,
    activate_rules,
    check_rules,
    list_rules,
    show_rules,
    store_rules,
)


async def openapi(_: Call[Query]) -> dict[str, Any]:
    return document(OPERATIONS)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        method="GET",
        path="/profiles",
        handler=find_profiles,
        summary="Find live profiles by what a person says; raw values are normalised first",
        query=FindQuery,
        answer=Page[ProfileView],
        refusals=("bad_cursor", "unknown_channel"),
    ),
    Operation(
        method="GET",
        path="/profiles/{id}",
        handler=show_profile,
        summary="One profile whole; an absorbed id answers the survivor",
        answer=ProfileDetail,
    ),
    Operation(
        method="GET",
        path="/profiles/{id}/history",
        handler=profile_history,
        summary="The audit events of a profile and of those that it absorbed",
        query=HistoryQuery,
        answer=Page[EventView],
        streams=True,
        refusals=("bad_cursor",),
    ),
    Operation(
        method="DELETE",
        path="/profiles/{id}",
        handler=erase_profile,
        summary="Erase a person: records, identifiers, attributes and tags; points stay, nameless",
        answer=ErasedView,
    ),
    Operation(
        method="GET",
        path="/rules",
        handler=list_rules,
        summary="Stored rule sets, newest first",
        query=ListQuery,
        answer=Page[RuleSetView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/rules/check",
        handler=check_rules,
        summary="Validate a rule file; nothing is stored",
        body=RuleText,
        plain_text=True,
        answer=CheckedRules,
        refusals=("bad_rules",),
    ),
    Operation(
        method="POST",
        path="/rules",
        handler=store_rules,
        summary="Store a rule file under its version",
        query=StoreQuery,
        body=RuleText,
        plain_text=True,
        answer=StoredRules,
        status=HTTPStatus.CREATED,
        refusals=("bad_rules", "version_taken", "plan_required"),
    ),
    Operation(
        method="GET",
        path="/rules/{version}",
        handler=show_rules,
        summary="One rule set with its text",
        answer=RuleSetDetail,
        refusals=("rules_unknown",),
    ),
    Operation(
        method="POST",
        path="/rules/{version}/activate",
        handler=activate_rules,
        summary="Make a stored rule set the active one; an earlier one again is a rollback",
        answer=StoredRules,
        refusals=("rules_unknown", "plan_required"),
    ),
    Operation(
        method="GET",
        path="/achievements",
        handler=list_achievements,
        summary="Accepted achievements and what became of them, newest first",
        query=AchievementQuery,
        answer=Page[AchievementView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/achievements/{id}/retry",
        handler=retry_achievement,
        summary="Judge an ignored or failed achievement again, now",
        answer=Changed,
        refusals=("achievement_unknown", "achievement_granted"),
    ),
    Operation(
        method="GET",
        path="/keys",
        handler=list_keys,
        summary="Key pairs that were issued, without the keys",
        query=KeyQuery,
        answer=Page[KeyView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="POST",
        path="/keys",
        handler=create_key,
        summary="Issue a key pair for a channel; shown this once",
        body=NewKey,
        answer=IssuedView,
        status=HTTPStatus.CREATED,
        refusals=("unknown_channel", "too_many_keys"),
    ),
    Operation(
        method="DELETE",
        path="/keys/{id}",
        handler=revoke_key,
        summary="Revoke a key pair",
        answer=Changed,
        refusals=("key_unknown",),
    ),
    Operation(
        method="GET",
        path="/audit",
        handler=query_audit,
        summary="Audit events, newest first; all of them, one a line, with Accept: application/x-ndjson",
        query=AuditQuery,
        answer=Page[EventView],
        streams=True,
        refusals=("bad_cursor",),
    ),
    Operation(
        method="GET",
        path="/audit/verify",
        handler=verify_audit,
        summary="Check every chain of the audit log and every signed checkpoint",
        answer=Verified,
    ),
    Operation(
        method="GET",
        path="/reviews",
        handler=list_reviews,
        summary="Questions for a person, newest first",
        query=ReviewQuery,
        answer=Page[ReviewView],
        refusals=("bad_cursor",),
    ),
    Operation(
        method="GET", path="/openapi.json", handler=openapi, summary="This document", answer=dict[str, Any]
    ),
)
