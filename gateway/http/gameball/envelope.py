"""How a call is refused: the platform's envelope, and the one table of all faults. A fault has its status, code and text. Nothing
in it comes from the call, so it can be logged and audited as it is."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

_encode = msgspec.json.Encoder().encode
_DOCUMENTATION = "https://docs.gameball.co/api-reference/"
_TYPES = (
    "",
    "AUTHENTICATION_ERROR",
    "REQUEST_ERROR",
    "PAYLOAD_ERROR",
    "GENERAL_ERROR",
    "SERVER_ERROR",
    "CONFIGURATIONS_ERROR",
    "CUSTOMER_ERROR",
    "SUBSCRIPTION_ERROR",
    "TRANSACTIONS_ERROR",
)


class Fault(NamedTuple):
    """A refusal. `retry_after` is in whole seconds, 0 for none. `recorded`: the audit log has it already (or must not have it, for
    floods and our own failures). The profile is set if the call got that far. `warnings` are codes, as in an answer."""

    status: int
    code: int
    message: str
    retry_after: int = 0
    allow: str = ""
    recorded: bool = False
    profile_id: int | None = None
    decision: str = ""
    warnings: tuple[str, ...] = ()


def render(fault: Fault, page: str, request_id: str) -> bytes:
    return _encode(
        {
            "code": fault.code,
            "type": _TYPES[fault.code // 1_000],
            "message": fault.message,
            "documentationUrl": _DOCUMENTATION + page,
            "requestId": request_id,
        }
    )


# ---- who calls ----

WRONG_API_KEY = Fault(401, 1000, "Unauthorized access. Please authenticate to proceed.")
WRONG_SIGNATURE = Fault(401, 1000, "the signature is missing or wrong.")
SECRET_KEY_NEEDED = Fault(401, 1001, "your request is missing the secret key.")
SECRET_KEY_NEEDED_TO_ACHIEVE = Fault(401, 1006, "your request is missing the secret key.")
SECRET_KEY_NEEDED_FOR_UNLISTED = Fault(
    401,
    1001,
    "your request is missing the secret key; an operation that is not known here passes with it only.",
)
NO_SESSIONS = Fault(401, 1001, "session tokens are not set up for this channel.")
SESSION_OF_ANOTHER = Fault(401, 1001, "the session token is for another customer.")
VERSION_TOO_OLD = Fault(403, 1002, "this version of the API is not allowed here.")


def session_refused(why: str) -> Fault:
    """`why` is one of our texts, with nothing from the token."""
    return Fault(401, 1001, f"the session token is {why}.")


def too_many_requests(retry_after: int) -> Fault:
    return Fault(429, 2000, "too many requests. please slow down.", retry_after, recorded=True)


# ---- the request itself (the platform's catalogue has no code for most of these: 2000) ----

MALFORMED_REQUEST = Fault(400, 2000, "the request is malformed.")
MALFORMED_PATH = Fault(400, 2000, "the request target is malformed.")
MALFORMED_HEADER = Fault(400, 2000, "a header of the request has control characters, or is not utf-8.")
AMBIGUOUS_HEADER = Fault(
    400, 2000, "the name of a header has an underscore that many servers read as a hyphen; write the hyphen."
)
UNEXPECTED_BODY = Fault(400, 2000, "this method takes no body.")
WRONG_HOST = Fault(421, 2000, "the host header is malformed.")
WRONG_TRANSFER_ENCODING = Fault(501, 2000, "the transfer encoding is not supported.")
WRONG_EXPECTATION = Fault(417, 2000, "the expectation cannot be met.")
BODY_TOO_SLOW = Fault(408, 2000, "the body did not arrive in time.")
BODY_TOO_LARGE = Fault(413, 2000, "the body is too large.")
UNKNOWN_PATH = Fault(404, 4004, "there is no such operation")
NOT_LOCAL = Fault(404, 4005, "this operation is not available in local mode; it needs forward mode.")
"""A 4xx: clients with a queue repeat a 5xx again and again, and this answer never changes."""

LOOP = Fault(508, 2000, "this request came through here before.")
CLIENT_GONE = Fault(499, 2000, "the caller went away.", recorded=True)


def wrong_method(allow: str) -> Fault:
    return Fault(405, 2000, "this method is not allowed here.", allow=allow)


# ---- the payload ----

WRONG_CONTENT_TYPE = Fault(415, 3002, "the content type must be application/json, and the body UTF-8.")
WRONG_CONTENT_ENCODING = Fault(
    415, 3002, "the content encoding is not supported; send the body plain, or as gzip or deflate, once."
)
INVALID_PAYLOAD = Fault(400, 3016, "invalid payload.")
CUSTOMER_ID_MISSING = Fault(400, 3000, "customer id is missing")
CUSTOMER_ID_TOO_LONG = Fault(400, 3000, "customer id is longer than 100 characters")
CUSTOMER_ID_OF_NO_ONE = Fault(
    400, 3000, "customer id is missing: the text that was sent stands for no customer"
)
CHALLENGE_ID_MISSING = Fault(400, 3000, "rewards campaign handle is missing")
IS_ACTIVE_MISSING = Fault(400, 3000, "isactive is missing")
TAGS_MISSING = Fault(400, 3000, "tags are missing")
WRONG_IDEMPOTENCY_KEY = Fault(400, 3016, "the idempotency key must be 1 to 255 visible ascii characters.")
CHALLENGE_ID_NOT_POSITIVE = Fault(
    422, 3003, "invalid challengeid value. the challenge id must be a positive integer."
)
CAMPAIGN_ID_NOT_POSITIVE = Fault(
    422, 3003, "invalid campaignid value. the campaign id must be a positive integer."
)
TOO_MANY_VALUES = Fault(422, 3011, "the payload holds more or longer values than are allowed.")
RESERVED_NAME = Fault(422, 3003, "a custom attribute has the name of a standard one.")
KEY_REUSED = Fault(422, 3003, "this idempotency key was used with another payload.", recorded=True)


def invalid_value(name: str) -> Fault:
    """`name` is the name of a parameter of the API, never a value of the call."""
    return Fault(422, 3003, f"invalid {name} value.")


# ---- what the call is about ----

CUSTOMER_UNKNOWN = Fault(404, 4004, "customer does not exist")


def duplicate(retry_after: int, profile_id: int, decision: str) -> Fault:
    return Fault(
        400,
        4000,
        "can't send this action multiple times",
        retry_after,
        recorded=True,
        profile_id=profile_id,
        decision=decision,
    )


# ---- the upstream ----

UPSTREAM_UNREACHABLE = Fault(
    502, 5002, "the platform cannot be reached; nothing was sent to it.", recorded=True
)
UPSTREAM_SLOW = Fault(
    504, 5004, "the platform did not answer in time; it may have carried this out.", recorded=True
)
UPSTREAM_LOST = Fault(
    502, 5005, "the connection to the platform broke; it may have carried this out.", recorded=True
)
UPSTREAM_GARBLED = Fault(
    502, 5006, "the platform's answer was unusable; it may have carried this out.", recorded=True
)


# ---- us ----

INTERNAL_ERROR = Fault(500, 5000, "something went wrong on our side.", recorded=True)


def unavailable(retry_after: int) -> Fault:
    return Fault(
        503, 5003, "the service is temporarily unavailable. please try again.", retry_after, recorded=True
    )


# ---- what they mean ----


class Meaning(NamedTuple):
    """When a caller gets this status and code, and what to do."""

    when: str
    remedy: str = ""


MEANINGS: Mapping[tuple[int, int], Meaning] = {
    (401, 1000): Meaning(
        ("unknown api key; or a webhook of the platform whose signature is missing or wrong"),
        "check the keys of the channel: `gateway keys list`",
    ),
    (401, 1001): Meaning(
        (
            "the secret key is missing or wrong; or a session token is refused, or is for another "
            "customer than the call names; or the operation is in no table: the gateway does not "
            "know what it does, so it must not add the platform's secret key for a caller who has only "
            "a public api key"
        ),
        "send the secret key, or a token of this customer",
    ),
    (401, 1006): Meaning("the secret key is missing or wrong, on social-challenges", "send the secret key"),
    (403, 1002): Meaning(
        (
            'the API version is below `[api] minimum_version`. "v1.0", the default, lets all pass; '
            '"v4.0" refuses versions 1 to 3, which only forward mode serves; "v4.1" refuses v4.0 too'
        ),
        "use a newer version",
    ),
    (429, 2000): Meaning(
        "the channel's rate limit, or too many refused keys from one address",
        "wait as long as `Retry-After` says",
    ),
    (400, 2000): Meaning("a malformed path or header, or a body where none belongs"),
    (421, 2000): Meaning("a malformed `Host`"),
    (501, 2000): Meaning("a transfer encoding other than `chunked`"),
    (417, 2000): Meaning("`Expect` is not understood"),
    (408, 2000): Meaning("the body did not arrive in time", "send it again"),
    (413, 2000): Meaning(
        "the body is larger than `[server] max_body`, or than `[upstream] max_body` in a "
        "forwarded call, compressed or not; or it decompresses to more than 64 KiB and 200 times its "
        "size"
    ),
    (404, 4004): Meaning("the customer does not exist; or there is no such operation"),
    (404, 4005): Meaning(
        (
            "local mode does not answer this operation, and never will, so clients that repeat a 5xx "
            "must not see one. `gateway_not_local_total` counts these calls"
        ),
        "use forward mode",
    ),
    (508, 2000): Meaning("the call came through this gateway before", "check `[upstream] base_url`"),
    (499, 2000): Meaning(
        "never sent: the caller disconnected, and the call to the platform was ended. It is only in logs and metrics"
    ),
    (405, 2000): Meaning("the method is not allowed", "`Allow` names those that are"),
    (415, 3002): Meaning(
        "not JSON by its content type, not UTF-8, or not compressed exactly once, with gzip or deflate"
    ),
    (400, 3016): Meaning(
        "not a JSON object in UTF-8, a wrong type, a member twice, NUL or a lone surrogate, "
        "nested too deep; or an unusable `Idempotency-Key`"
    ),
    (400, 3000): Meaning(
        "the customer id is missing, longer than 100 characters, or stands for no customer "
        "(`X-Gateway-Warnings: customerId:placeholder`); or `challengeId`, `isActive` or `tags` "
        "is missing"
    ),
    (422, 3003): Meaning(
        "an invalid value: an id that is not positive, an unknown enum value, a reserved "
        "attribute name; or an `Idempotency-Key` that was used with another body"
    ),
    (422, 3011): Meaning("more or longer values than allowed, or more than 1,000 objects in a batch"),
    (400, 4000): Meaning("the action is inside the dedup window", "`Retry-After` says how long"),
    (502, 5002): Meaning("the platform cannot be reached; nothing was sent to it", "send it again"),
    (504, 5004): Meaning(
        "the platform did not answer within `[upstream] total_timeout`; it may have carried the call out"
    ),
    (502, 5005): Meaning("the connection to the platform broke; it may have carried the call out"),
    (502, 5006): Meaning("the platform's answer was unusable; it may have carried the call out"),
    (500, 5000): Meaning("a bug in the gateway", "the log has the request id"),
    (503, 5003): Meaning(
        ("the queue or outbox is full, the disk is full, or the store is unavailable; nothing was stored"),
        "send it again after `Retry-After`",
    ),
}
"""By status and code. The reference page of errors is made from this table."""
