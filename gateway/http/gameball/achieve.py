"""The social-campaign call, the hot path: decode, normalise, one command, one answer. Its checks run in a fixed order: body,
customer id, challenge id, idempotency key. Whether the campaign exists is not checked here."""

from typing import Any, NamedTuple, assert_never

from gateway.clock import SECOND
from gateway.config import Program
from gateway.http.gameball.call import Answer, Call, encode
from gateway.http.gameball.decode import read_object
from gateway.http.gameball.envelope import (
    CHALLENGE_ID_MISSING,
    CHALLENGE_ID_NOT_POSITIVE,
    CUSTOMER_UNKNOWN,
    INVALID_PAYLOAD,
    KEY_REUSED,
    Fault,
    duplicate,
)
from gateway.http.gameball.idempotency import fingerprint, token
from gateway.http.gameball.identifiers import Identity
from gateway.http.gameball.identify import NamedCustomer, identify_call, name_customer
from gateway.http.gameball.operations import ACHIEVE
from gateway.model import (
    Accepted,
    Achieve,
    AchieveOutcome,
    Duplicate,
    IdempotencyKey,
    KeyReused,
    Replayed,
    UnknownCustomer,
)

LARGEST_ID = (1 << 53) - 1
"""The largest integer that every JSON reader holds exactly."""
_RECORDED_UNKNOWN = CUSTOMER_UNKNOWN._replace(recorded=True)


class Report(NamedTuple):
    """What a call reports. `accepted` is the body of its 202."""

    customer_id: str
    campaign_id: int
    identity: Identity
    accepted: bytes
    key: IdempotencyKey | None

    def command(self, call: Call, *, direct: bool = False) -> Achieve:
        evidence, claims = self.identity.evidence, self.identity.claims
        return Achieve(call.caller, self.customer_id, self.campaign_id, evidence, self.key, direct, claims)


async def achieve(call: Call) -> Answer | Fault:
    report = await read_report(call)
    if isinstance(report, Fault):
        return report
    backlog = call.services.backlog if call.services.env.delivers else None
    if backlog is not None:
        backlog.check()
    outcome = await call.services.pipeline.submit(report.command(call))
    if backlog is not None and isinstance(outcome, Accepted):
        backlog.grew()
    return answer_to(report, outcome)


async def read_report(call: Call) -> Report | Fault:
    env = call.services.env
    names = ("customerId", "challengeId", *env.normalizer.types)
    body = await read_object(call.request, call.services.config.server, names)
    if isinstance(body, Fault):
        return body
    named, campaign_id = name_customer(call, body.get("customerId")), body.get("challengeId")
    if isinstance(named, Fault):
        return named
    fault = _fault_in_challenge_id(campaign_id)
    if fault is not None:
        return fault
    identity = identify_call(call, body)
    accepted = _accepted_body(named, body, env.program)
    key = _idempotency(call, body, accepted)
    if isinstance(key, Fault):
        return key
    return Report(named.customer_id, body["challengeId"], identity, accepted, key)


def _fault_in_challenge_id(value: object) -> Fault | None:
    if value is None:
        return CHALLENGE_ID_MISSING
    if type(value) is not int:
        return INVALID_PAYLOAD
    return None if 1 <= value <= LARGEST_ID else CHALLENGE_ID_NOT_POSITIVE


def _accepted_body(named: NamedCustomer, body: dict[str, Any], program: Program) -> bytes:
    """Both ids as they were sent, and while the program is disabled the three texts that say so."""
    accepted: dict[str, Any] = {"customerId": named.sent, "challengeId": body["challengeId"]}
    if not program.enabled:
        accepted["gameballStatus"] = program.disabled_status
        accepted["message"] = program.disabled_message
        accepted["learnMore"] = program.disabled_learn_more
    return encode(accepted)


def _idempotency(call: Call, body: dict[str, Any], accepted: bytes) -> IdempotencyKey | Fault | None:
    key = token(call.request)
    if not isinstance(key, str):
        return key
    return IdempotencyKey(ACHIEVE.route, key, fingerprint(call.channel.name, ACHIEVE.route, body), accepted)


def answer_to(report: Report, outcome: AchieveOutcome) -> Answer | Fault:
    match outcome:
        case Accepted(resolution=resolution):
            return Answer(
                report.accepted,
                202,
                resolution.profile_id,
                resolution.decision,
                report.identity.warnings + resolution.warnings,
            )
        case Duplicate(wait=wait, resolution=resolution):
            return duplicate(-(-wait // SECOND), resolution.profile_id, resolution.decision)
        case Replayed(answer=stored):
            return Answer(stored.body, stored.status, replayed=True, headers=stored.headers)
        case KeyReused():
            return KEY_REUSED
        case UnknownCustomer():
            return _RECORDED_UNKNOWN
        case _:
            assert_never(outcome)
