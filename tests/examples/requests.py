"""The request of each example, in the order in which they are sent. `$name` is something of the shop (`shop.py`).

After a new row, or a changed one, `.venv/bin/python -m tests.examples.write` sends it to a real gateway and stores it with its
answer in `gateway/http/admin/examples`, from where the OpenAPI document takes it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.examples.shop import BY_HAND

WHY = {"reason": "two customers share a telephone"}


class Request(NamedTuple):
    """`operation` is the name of the operation's handler."""

    operation: str
    path: Mapping[str, str] = {}
    query: Mapping[str, Any] = {}
    body: Any = None


REQUESTS = (
    # What only reads
    Request("find_profiles", query={"q": "Ann", "limit": 2}),
    Request("show_profile", {"id": "$ann"}),
    Request("profile_history", {"id": "$ann"}, {"limit": 2}),
    Request("explain_profile", {"id": "$ann"}),
    Request("explain_pair", query={"a": "$ann", "b": "$bob"}),
    Request("show_graph", {"id": "$ann"}),
    Request("export_profile", {"id": "$ann"}),
    Request("list_merges", query={"rule": "operator", "state": "standing"}),
    Request("count_merges", query={"since": "7d"}),
    Request("show_merge", {"id": "$merge"}),
    Request("list_jobs"),
    Request("show_job", {"id": "$job"}),
    Request("list_pins", query={"profile": "$ann"}),
    Request("list_splits", query={"profile": "$apart"}),
    Request("diff_rules", query={"a": "$active", "b": "shop-2"}),
    Request("show_rule_stats", {"version": "$active"}, {"since": "7d"}),
    Request("show_plan", {"version": "shop-2"}),
    Request("list_rules"),
    Request("check_rules", body={"text": "$rules"}),
    Request("show_rules", {"version": "shop-2"}),
    Request("list_achievements", query={"profile": "$ann", "state": "ignored"}),
    Request("show_achievement", {"id": "$granted"}),
    Request("show_overview"),
    Request("follow_overview"),
    Request("show_activity", query={"since": "7d", "step": "1d"}),
    Request("list_channels"),
    Request("list_campaigns", query={"since": "7d"}),
    Request("list_deliveries", query={"state": "dead", "target": "webhook:crm"}),
    Request("show_delivery", {"id": "$dead"}),
    Request("list_webhooks"),
    Request("list_lists"),
    Request("show_list", {"name": "stores"}),
    Request("list_keys", query={"channel": "pos"}),
    Request("show_me"),
    Request("list_operators"),
    Request("list_sessions"),
    Request("show_settings"),
    Request("show_clock"),
    Request("query_audit", query={"action": "identity.*", "since": "7d", "limit": 2}),
    Request("list_checkpoints", query={"limit": 2}),
    Request("verify_audit", query={"state": True}),
    Request("follow_audit", query={"action": "identity.*", "since": "7d"}),
    Request("show_archive"),
    Request("list_reviews", query={"state": "open", "limit": 2}),
    Request("list_people_asked", query={"sort": "points", "channel": "web", "limit": 2}),
    Request("show_review", {"id": "$review"}),
    Request("list_suggestions", query={"limit": 2}),
    Request("list_searches", query={"limit": 2}),
    Request("show_search", {"id": "$search"}),
    Request("list_duplicates", query={"limit": 2}),
    Request("list_odd_profiles", query={"each": 2}),
    Request("list_generic_values", query={"type": "mobile", "since": "7d"}),
    Request("list_imports"),
    Request("list_refusals", {"id": "$import"}),
    Request("list_warnings", {"id": "$import"}),
    Request("show_import", {"id": "$import"}, {"channel": "pos"}),
    Request("plan_import_undo", {"id": "$import"}),
    Request("openapi"),
    # What changes something
    Request("cancel_job", {"id": "$job"}),
    Request("resume_regroupings"),
    Request("resume_job", {"id": "$failed"}, body={"skip": False}),
    Request("start_search"),
    Request("undo_merges", body={**BY_HAND, "dry_run": True}),
    Request("accept_reviews", body={"channel": "web", "since": "30d", "dry_run": True}),
    Request("reject_reviews", body={"question": "points", "expected": 0, "reason": "they stay"}),
    Request("retry_deliveries", body={"state": "dead", "target": "webhook:crm", "dry_run": True}),
    Request("discard_deliveries", body={"state": "held", "reason": "too late", "expected": 0}),
    Request("retry_achievements", body={"state": "ignored", "since": "30d", "dry_run": True}),
    Request("undo_merge", {"id": "$merge"}, body=WHY),
    Request("merge_profiles", body={"profiles": ["$lia", "$lea"], "reason": "one person, by her own word"}),
    Request("split_profile", {"id": "$ann"}, body={"records": ["$record"], **WHY}),
    Request("drop_pin", query={"a": "$record", "b": "$other_record"}),
    Request("lift_split", {"id": "$split"}),
    Request("set_pin", body={"records": ["$record", "$other_record"], "kind": "cannot", **WHY}),
    Request("accept_review", {"id": "$accepted"}, body={"reason": "she said so"}),
    Request("undo_answer", {"id": "$accepted"}, body={"reason": "it was the other question"}),
    Request("reject_review", {"id": "$rejected"}, body={"reason": "mother and daughter"}),
    Request("retry_achievement", {"id": "$ignored"}),
    Request("retry_delivery", {"id": "$dead"}),
    Request("try_webhook", {"name": "crm"}),
    Request("discard_delivery", {"id": "$lost"}),
    Request("add_to_list", {"name": "stores"}, body={"values": ["01550000002"], "region": "EG"}),
    Request("remove_from_list", {"name": "stores"}, body={"values": ["+201550000002"]}),
    Request("create_key", body={"channel": "web"}),
    Request("revoke_key", {"id": "$key"}),
    Request("open_session"),
    Request("end_session", {"id": "$session"}),
    Request("add_operator", body={"name": "omar", "role": "viewer"}),
    Request("rotate_operator", {"name": "omar"}, body={"grace_seconds": 3600}),
    Request("remove_operator", {"name": "omar"}),
    Request("believe_clock"),
    Request("archive_audit", body={"before": "1h", "to": "$archive"}),
    Request("scrub_database"),
    Request("plan_rules", body={"text": "$rules"}),
    Request("store_rules", body={"text": "$rules"}),
    Request("activate_rules", {"version": "shop-2"}),
    Request(
        "import_rows",
        {"id": "89abcdef01234567"},
        body={
            "channel": "pos",
            "first_line": 1,
            "next_line": 4,
            "columns": ["customer_id", "mobile", "displayName"],
            "rows": [[2, ["card-8", "01004567890", "Hala Nour"]], [3, ["card-9", "n/a", "Ihab Saad"]]],
            "last": True,
        },
    ),
    Request("undo_import", {"id": "$import"}, body={"reason": "the wrong file"}),
    Request("erase_profile", {"id": "$gone"}),
)
