"""An operator has the regroupings tried again that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.admin_api import ask

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway

FAILED = (
    "INSERT INTO regrouping (regrouping_id, scope, cause, rule_set, type, value, profile_id, started_at, cursor, total,"
    " looked, merged, split, asked, points, skipped, held_by, held_until, failures, failed_at, why)"
    " VALUES (1, 'profile', 'pin', '', '', '', 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, '', 0, 6, 1, 'KeyError')"
)


async def test_a_failed_regrouping_waits_for_an_operator_and_runs_again(gateway: RunningGateway) -> None:
    await gateway.tamper(FAILED)
    assert (await ask(gateway, "GET", "overview"))["failed_regroupings"] == 1
    assert await ask(gateway, "POST", "regroupings/resume") == {"resumed": 1}
    await gateway.regroup()
    assert (await ask(gateway, "GET", "overview"))["failed_regroupings"] == 0
    assert await ask(gateway, "POST", "regroupings/resume") == {"resumed": 0}
    (told,) = (await ask(gateway, "GET", "audit", params={"action": "regrouping.resumed"}))["items"]
    assert (told["actor"], told["detail"]["profile"]) == ("operator:shared", "prf_0000000000000007")
