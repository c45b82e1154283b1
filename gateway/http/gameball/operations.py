"""The operations of the platform's API as data: the 74 of its document and those that its clients use outside it. A row has
everything that a call needs: its keys by version, and whether local mode answers it."""

from typing import Final, Literal, NamedTuple

from gateway.upstream.limiter import Rate

Version = Literal["v1.0", "v2.0", "v3.0", "v4.0", "v4.1"]
K: Final = False
KS: Final = True
"""The keys on v4.0: the api key alone, or the secret key too. On v4.1 and in High Security Mode always both."""

VERSIONS: dict[str, Version] = {"v4.0": "v4.0", "v4": "v4.0", "v4.1": "v4.1"}
ANY = "*"
_ID_IN_PATH = "{customerId}"
_ID = ("customerId",)
_PERSON = ("customerId", "email", "mobile")
_JOB = ("response.successful[].customerId", "response.failed[].customerId")
GENERAL_PAGE = "overview/status-error-codes"


class CustomerPlaces(NamedTuple):
    """Where an operation names customers, and what it does with an unknown one.

    `query` holds names of parameters. `body` is "one" for an object with the customer's id, e-mail and mobile at its root, "many"
    for a batch of such objects, `{"body": […]}` or a bare array, "" for a body without customers; `attributes`:
    `customerAttributes` has them once more. `answer` lists the places of customer ids in a successful answer: a name at the root,
    or one in each element of a list. A place that may hold other customers' ids is mapped for the channel that reads it.
    `referrerCode` names another person and is not listed here. `creates`: the platform creates a customer for an unknown id.

    `by_name` is for operations that are in no table: members and parameters are recognised by their names, path segments by the
    word before them. "people": the e-mail and mobile beside an id belong to that customer; "ids": only ids.
    """

    path: bool = False
    query: tuple[str, ...] = ()
    body: Literal["", "one", "many"] = ""
    attributes: bool = False
    answer: tuple[str, ...] = ()
    creates: bool = False
    by_name: Literal["", "ids", "people"] = ""


class Operation(NamedTuple):
    """`path` is the template below `/api/{version}/integrations`; `modes`: both answer it, or forward mode alone; `page` is its
    page in the platform's documentation. `disputed`: that page asks for the api key alone on v4.0, the platform's document for
    both. `from_apps`: the platform's mobile SDKs make this call by themselves, with no secret key and no choice of the version."""

    method: str
    path: str
    secret: bool
    rate: Rate
    modes: Literal["both", "forward"]
    page: str
    named: CustomerPlaces
    disputed: bool = False
    from_apps: bool = False

    @property
    def route(self) -> str:
        """The operation's name in logs, metrics and audit events."""
        return f"{self.method} {self.path}"

    def needs_secret(self, version: Version, *, high_security: bool) -> bool:
        return not self.from_apps and (self.secret or high_security or version == "v4.1")

    def opens_with_key_alone(self, version: Version, *, high_security: bool) -> bool:
        """Whether the platform decides about a call that came without the secret key."""
        return self.disputed and version < "v4.1" and not high_security


def _op(
    method: str,
    path: str,
    secret: bool,
    rate: Rate,
    modes: Literal["both", "forward"],
    page: str = GENERAL_PAGE,
    *,
    body: Literal["", "one", "many"] = "",
    query: tuple[str, ...] = (),
    attributes: bool = False,
    answer: tuple[str, ...] = (),
    creates: bool = False,
    disputed: bool = False,
    from_apps: bool = False,
) -> Operation:
    """A customer id in the path may be repeated in the body, for any method."""
    in_path = _ID_IN_PATH in path
    if in_path and method != "GET":
        body = "one"
    named = CustomerPlaces(in_path, query, body, attributes, answer, creates)
    return Operation(method, path, secret, rate, modes, page, named, disputed, from_apps)


DOCUMENTED = (
    _op(
        "POST",
        "/customers",
        K,
        "customers_write",
        "both",
        "customers/management/create-customer",
        body="one",
        attributes=True,
        answer=_ID,
        creates=True,
    ),
    _op(
        "GET",
        "/customers/{customerId}",
        K,
        "customers_read",
        "both",
        "customers/management/get-customer",
        answer=_ID,
    ),
    _op(
        "DELETE",
        "/customers/{customerId}",
        KS,
        "customers_write",
        "both",
        "customers/management/delete-customer",
    ),
    _op(
        "GET",
        "/customers/{customerId}/details",
        KS,
        "customers_read",
        "both",
        "customers/management/get-customer-details",
        answer=_ID,
    ),
    _op(
        "PUT",
        "/customers/{customerId}/activate",
        KS,
        "customers_write",
        "both",
        "customers/management/update-customer-activation",
        answer=_ID,
        disputed=True,
    ),
    _op("GET", "/customers/{customerId}/coupons", KS, "customers_read", "forward"),
    _op(
        "POST",
        "/customers/social-challenges",
        KS,
        "customers_write",
        "both",
        "customers/management/achieve-social-campaign",
        body="one",
        answer=_ID,
    ),
    _op("GET", "/customers/{customerId}/hash", KS, "customers_read", "forward"),
    _op("GET", "/referrals/validate", K, "others", "forward", query=("forCustomerId",)),
    _op("POST", "/payments", KS, "others", "forward", body="one", answer=_ID, creates=True),
    _op("POST", "/payments/cashback", K, "others", "forward", body="one"),
    _op("POST", "/transactions/redeem", KS, "transactions", "forward", body="one", answer=_ID),
    _op("POST", "/transactions/cashback", KS, "transactions", "forward", body="one", answer=_ID),
    _op("POST", "/transactions/refund", KS, "transactions", "forward", body="one"),
    _op("POST", "/transactions/hold", KS, "transactions", "forward", body="one", answer=_ID),
    _op("GET", "/transactions/hold/{holdReferenceId}", KS, "transactions", "forward", answer=_ID),
    _op("DELETE", "/transactions/hold/{holdReferenceId}", KS, "transactions", "forward"),
    _op(
        "GET",
        "/transactions",
        KS,
        "transactions",
        "forward",
        query=_PERSON,
        answer=("transactions[].customerId",),
    ),
    _op("POST", "/transactions/manual", KS, "transactions", "forward", body="one", answer=_ID),
    _op(
        "GET",
        "/transactions/customer-view",
        KS,
        "transactions",
        "forward",
        query=_PERSON,
        answer=("transactions[].customerId",),
    ),
    _op("GET", "/transactions/count", KS, "transactions", "forward", query=_PERSON),
    _op("PUT", "/transactions/{transactionId}/activate", KS, "transactions", "forward"),
    _op("POST", "/transactions/otp", KS, "transactions", "forward", body="one"),
    _op("POST", "/coupons/predefined", KS, "coupons", "forward", body="one"),
    _op("POST", "/coupons/{code}/validate", KS, "coupons", "forward", body="one"),
    _op("POST", "/coupons/validate", KS, "coupons", "forward", body="one"),
    _op("POST", "/coupons/burn", KS, "coupons", "forward", body="one"),
    _op("DELETE", "/coupons/{lockReference}", KS, "coupons", "forward"),
    _op("POST", "/coupons/automatic", K, "coupons", "forward", body="one"),
    _op("GET", "/configurations/rewards/cashback", K, "others", "forward"),
    _op("GET", "/configurations/rewards/redemption", K, "others", "forward"),
    _op("GET", "/configurations/rewards/coupons", K, "others", "forward"),
    _op("PUT", "/configurations/rewards/coupons", KS, "others", "forward"),
    _op(
        "GET",
        "/configurations/reward-campaigns",
        K,
        "others",
        "both",
        "configurations/program-configurations/campaigns",
        query=_ID,
    ),
    _op("GET", "/configurations/tiers", K, "others", "forward"),
    _op("GET", "/configurations/referrals", K, "others", "forward"),
    _op("GET", "/configurations/widget", K, "others", "forward"),
    _op(
        "GET",
        "/leaderboard",
        KS,
        "others",
        "forward",
        query=_ID,
        answer=("leaderboard[].customerId",),
        disputed=True,
    ),
    _op("GET", "/configurations/cashback", K, "others", "forward", query=_ID),
    _op("GET", "/configurations/redemption", K, "others", "forward", query=_ID),
    _op("GET", "/configurations/coupon", KS, "others", "forward"),
    _op("PUT", "/configurations/coupon", KS, "others", "forward"),
    _op("POST", "/batch/customers", KS, "others", "forward", body="many", attributes=True, creates=True),
    _op("POST", "/batch/orders", KS, "others", "forward", body="many", creates=True),
    _op("POST", "/batch/orders/transactions", KS, "others", "forward"),
    _op("POST", "/batch/balance-inquiry", KS, "others", "forward", body="many"),
    _op("POST", "/batch/balance-adjustment", KS, "others", "forward", body="many"),
    _op("POST", "/batch/cashback", KS, "others", "forward", body="many"),
    _op("POST", "/batch/redeem", KS, "others", "forward", body="many"),
    _op("POST", "/batch/events", KS, "others", "forward", body="many", creates=True),
    _op("GET", "/batches/{batchId}/status", KS, "others", "forward", answer=_JOB),
    _op("POST", "/batches/{batchId}/stop", KS, "others", "forward"),
    _op("POST", "/orders", KS, "orders", "forward", body="one", answer=_ID, creates=True),
    _op("POST", "/orders/cashback", K, "order_previews", "forward", body="one"),
    _op("POST", "/orders/reward-preview", K, "order_previews", "forward", body="one", answer=_ID),
    _op("GET", "/orders/{orderId}/transactions", KS, "orders", "forward"),
    _op(
        "GET",
        "/customers/{customerId}/balance",
        KS,
        "customers_read",
        "both",
        "customers/progress/get-customer-balance",
    ),
    _op("GET", "/customers/{customerId}/tier-progress", KS, "customers_read", "forward"),
    _op(
        "GET",
        "/customers/{customerId}/reward-campaigns-progress",
        KS,
        "customers_read",
        "both",
        "customers/progress/get-customer-campaigns-progress",
    ),
    _op(
        "GET",
        "/customers/{customerId}/referrals",
        KS,
        "customers_read",
        "forward",
        answer=("referredFriends[].customerId",),
    ),
    _op("GET", "/customers/{customerId}/referrals/count", KS, "customers_read", "forward"),
    _op(
        "GET",
        "/customers/{customerId}/activities",
        KS,
        "customers_read",
        "both",
        "customers/progress/get-customer-activities",
        answer=("activities[].customerId",),
    ),
    _op(
        "GET",
        "/customers/{customerId}/activities/count",
        KS,
        "customers_read",
        "both",
        "customers/progress/get-customer-activities-count",
    ),
    _op("GET", "/customers/{customerId}/automation", K, "customers_read", "forward"),
    _op("GET", "/customers/{customerId}/stamps/{challengeId}", KS, "customers_read", "forward"),
    _op("GET", "/customers/{customerId}/streaks/{campaignId}", KS, "customers_read", "forward"),
    _op(
        "POST",
        "/customers/{customerId}/tags",
        KS,
        "customers_write",
        "both",
        "customers/tags/attach-customer-tags",
    ),
    _op(
        "DELETE",
        "/customers/{customerId}/tags",
        KS,
        "customers_write",
        "both",
        "customers/tags/remove-customer-tag",
    ),
    _op("DELETE", "/customers/{customerId}/tags/{tag}", KS, "customers_write", "forward"),
    _op("GET", "/customers/{customerId}/notifications", K, "customers_read", "forward"),
    _op("GET", "/customers/{customerId}/notifications/count", K, "customers_read", "forward"),
    _op("PUT", "/customers/{customerId}/notifications/read", KS, "customers_write", "forward"),
    _op("POST", "/events", K, "events", "forward", body="one", creates=True),
    _op("POST", "/events/reward-preview", K, "events", "forward", body="one", answer=_ID),
)
OUTSIDE = (
    _op(
        "POST",
        "/customers/{customerId}/delete",
        KS,
        "customers_write",
        "both",
        "customers/management/delete-customer",
    ),
    _op("GET", "/batch/{jobId}", KS, "others", "forward", answer=_JOB),
    _op("DELETE", "/batch/{jobId}", KS, "others", "forward"),
    _op("POST", "/inapp-messages/sync", K, "others", "forward", body="one", from_apps=True),
    _op("POST", "/inapp-messages/events", K, "others", "forward", body="one", from_apps=True),
    _op("POST", "/inapp-messages/variables", K, "others", "forward", body="one", from_apps=True),
    _op("POST", "/mobile/logs", K, "others", "forward", from_apps=True),
    _op("POST", "/customers/{customerId}/notifications/read", KS, "customers_write", "forward"),
    _op("POST", "/event", K, "events", "forward", body="one", creates=True),
    _op("POST", "/transaction/cashback", KS, "transactions", "forward", body="one", answer=_ID),
    _op("POST", "/hold-points", KS, "transactions", "forward", body="one", answer=_ID),
    _op("POST", "/orders/calculate", K, "order_previews", "forward", body="one"),
)
"""Routes that the document does not name but its samples, tutorials, older pages and client libraries use."""

BOT_SETTINGS = _op("GET", "/api/v1.0/Bots/BotSettings", K, "others", "forward", from_apps=True)
UNLISTED = Operation(ANY, "/api/…", KS, "others", "forward", GENERAL_PAGE, CustomerPlaces(by_name="ids"))
"""Operations that the platform has and this table does not."""
ACHIEVE = next(operation for operation in DOCUMENTED if operation.path == "/customers/social-challenges")
RECEIVE_WEBHOOK = Operation("POST", "/webhooks/gameball", K, "others", "both", GENERAL_PAGE, CustomerPlaces())
"""Called by the platform, in forward mode. The path is complete: it is no operation of its API."""
PREFLIGHT = Operation("OPTIONS", "*", K, "others", "both", GENERAL_PAGE, CustomerPlaces())
"""A browser's question before a page calls, at any path."""
