"""The operations of the platform's API as data: the 74 of its document and those that its clients use outside
it. What a call needs (its keys by version, whether local mode answers it) stands in one row and nowhere else."""

from typing import Final, Literal, NamedTuple

Version = Literal["v4.0", "v4.1"]
Rate = Literal[
    "customers_read",
    "customers_write",
    "coupons",
    "events",
    "orders",
    "order_previews",
    "others",
    "transactions",
]
"""The platform's rate class, in calls a second / 30 seconds: 100 / 1,200 for customers_read and events,
1,000 / 15,000 for order_previews, 30 / 360 for all others."""
K: Final = False
KS: Final = True
"""The keys on v4.0: the api key alone, or the secret key too. On v4.1 and in High Security Mode always both."""

VERSIONS: dict[str, Version] = {"v4.0": "v4.0", "v4": "v4.0", "v4.1": "v4.1"}
ANY = "*"
GENERAL_PAGE = "overview/status-error-codes"


class Operation(NamedTuple):
    """`path` is the template below `/api/{version}/integrations`; `local` says whether local mode answers it;
    `page` is its page in the platform's documentation."""

    method: str
    path: str
    secret: bool
    rate: Rate
    local: Literal["core", "later"]
    page: str

    @property
    def route(self) -> str:
        """The operation's name in logs, metrics and audit events."""
        return f"{self.method} {self.path}"

    def needs_secret(self, version: Version, *, high_security: bool) -> bool:
        return self.secret or high_security or version == "v4.1"


def _op(
    method: str,
    path: str,
    secret: bool,
    rate: Rate,
    local: Literal["core", "later"],
    page: str = GENERAL_PAGE,
) -> Operation:
    return Operation(method, path, secret, rate, local, page)


DOCUMENTED = (
    _op("POST", "/customers", K, "customers_write", "core", "customers/management/create-customer"),
    _op("GET", "/customers/{customerId}", K, "customers_read", "core", "customers/management/get-customer"),
    _op(
        "DELETE",
        "/customers/{customerId}",
        KS,
        "customers_write",
        "core",
        "customers/management/delete-customer",
    ),
    _op(
        "GET",
        "/customers/{customerId}/details",
        KS,
        "customers_read",
        "core",
        "customers/management/get-customer-details",
    ),
    _op(
        "PUT",
        "/customers/{customerId}/activate",
        KS,
        "customers_write",
        "core",
        "customers/management/update-customer-activation",
    ),
    _op("GET", "/customers/{customerId}/coupons", KS, "customers_read", "later"),
    _op(
        "POST",
        "/customers/social-challenges",
        KS,
        "customers_write",
        "core",
        "customers/management/achieve-social-campaign",
    ),
    _op("GET", "/customers/{customerId}/hash", KS, "customers_read", "later"),
    _op("GET", "/referrals/validate", K, "others", "later"),
    _op("POST", "/payments", KS, "others", "later"),
    _op("POST", "/payments/cashback", K, "others", "later"),
    _op("POST", "/transactions/redeem", KS, "transactions", "later"),
    _op("POST", "/transactions/cashback", KS, "transactions", "later"),
    _op("POST", "/transactions/refund", KS, "transactions", "later"),
    _op("POST", "/transactions/hold", KS, "transactions", "later"),
    _op("GET", "/transactions/hold/{holdReferenceId}", KS, "transactions", "later"),
    _op("DELETE", "/transactions/hold/{holdReferenceId}", KS, "transactions", "later"),
    _op("GET", "/transactions", KS, "transactions", "later"),
    _op("POST", "/transactions/manual", KS, "transactions", "later"),
    _op("GET", "/transactions/customer-view", KS, "transactions", "later"),
    _op("GET", "/transactions/count", KS, "transactions", "later"),
    _op("PUT", "/transactions/{transactionId}/activate", KS, "transactions", "later"),
    _op("POST", "/transactions/otp", KS, "transactions", "later"),
    _op("POST", "/coupons/predefined", KS, "coupons", "later"),
    _op("POST", "/coupons/{code}/validate", KS, "coupons", "later"),
    _op("POST", "/coupons/validate", KS, "coupons", "later"),
    _op("POST", "/coupons/burn", KS, "coupons", "later"),
    _op("DELETE", "/coupons/{lockReference}", KS, "coupons", "later"),
    _op("POST", "/coupons/automatic", K, "coupons", "later"),
    _op("GET", "/configurations/rewards/cashback", K, "others", "later"),
    _op("GET", "/configurations/rewards/redemption", K, "others", "later"),
    _op("GET", "/configurations/rewards/coupons", K, "others", "later"),
    _op("PUT", "/configurations/rewards/coupons", KS, "others", "later"),
    _op(
        "GET",
        "/configurations/reward-campaigns",
        K,
        "others",
        "core",
        "configurations/program-configurations/campaigns",
    ),
    _op("GET", "/configurations/tiers", K, "others", "later"),
    _op("GET", "/configurations/referrals", K, "others", "later"),
    _op("GET", "/configurations/widget", K, "others", "later"),
    _op("GET", "/leaderboard", KS, "others", "later"),
    _op("GET", "/configurations/cashback", K, "others", "later"),
    _op("GET", "/configurations/redemption", K, "others", "later"),
    _op("GET", "/configurations/coupon", KS, "others", "later"),
    _op("PUT", "/configurations/coupon", KS, "others", "later"),
    _op("POST", "/batch/customers", KS, "others", "later"),
    _op("POST", "/batch/orders", KS, "others", "later"),
    _op("POST", "/batch/orders/transactions", KS, "others", "later"),
    _op("POST", "/batch/balance-inquiry", KS, "others", "later"),
    _op("POST", "/batch/balance-adjustment", KS, "others", "later"),
    _op("POST", "/batch/cashback", KS, "others", "later"),
    _op("POST", "/batch/redeem", KS, "others", "later"),
    _op("POST", "/batch/events", KS, "others", "later"),
    _op("GET", "/batches/{batchId}/status", KS, "others", "later"),
    _op("POST", "/batches/{batchId}/stop", KS, "others", "later"),
    _op("POST", "/orders", KS, "orders", "later"),
    _op("POST", "/orders/cashback", K, "order_previews", "later"),
    _op("POST", "/orders/reward-preview", K, "order_previews", "later"),
    _op("GET", "/orders/{orderId}/transactions", KS, "orders", "later"),
    _op(
        "GET",
        "/customers/{customerId}/balance",
        KS,
        "customers_read",
        "core",
        "customers/progress/get-customer-balance",
    ),
    _op("GET", "/customers/{customerId}/tier-progress", KS, "customers_read", "later"),
    _op(
        "GET",
        "/customers/{customerId}/reward-campaigns-progress",
        KS,
        "customers_read",
        "core",
        "customers/progress/get-customer-campaigns-progress",
    ),
    _op("GET", "/customers/{customerId}/referrals", KS, "customers_read", "later"),
    _op("GET", "/customers/{customerId}/referrals/count", KS, "customers_read", "later"),
    _op(
        "GET",
        "/customers/{customerId}/activities",
        KS,
        "customers_read",
        "core",
        "customers/progress/get-customer-activities",
    ),
    _op(
        "GET",
        "/customers/{customerId}/activities/count",
        KS,
        "customers_read",
        "core",
        "customers/progress/get-customer-activities-count",
    ),
    _op("GET", "/customers/{customerId}/automation", K, "customers_read", "later"),
    _op("GET", "/customers/{customerId}/stamps/{challengeId}", KS, "customers_read", "later"),
    _op("GET", "/customers/{customerId}/streaks/{campaignId}", KS, "customers_read", "later"),
    _op(
        "POST",
        "/customers/{customerId}/tags",
        KS,
        "customers_write",
        "core",
        "customers/tags/attach-customer-tags",
    ),
    _op(
        "DELETE",
        "/customers/{customerId}/tags",
        KS,
        "customers_write",
        "core",
        "customers/tags/remove-customer-tag",
    ),
    _op("DELETE", "/customers/{customerId}/tags/{tag}", KS, "customers_write", "later"),
    _op("GET", "/customers/{customerId}/notifications", K, "customers_read", "later"),
    _op("GET", "/customers/{customerId}/notifications/count", K, "customers_read", "later"),
    _op("PUT", "/customers/{customerId}/notifications/read", KS, "customers_write", "later"),
    _op("POST", "/events", K, "events", "later"),
    _op("POST", "/events/reward-preview", K, "events", "later"),
)
OUTSIDE = (
    _op(
        "POST",
        "/customers/{customerId}/delete",
        KS,
        "customers_write",
        "core",
        "customers/management/delete-customer",
    ),
    _op("GET", "/batch/{jobId}", KS, "others", "later"),
    _op("DELETE", "/batch/{jobId}", KS, "others", "later"),
    _op("POST", "/inapp-messages/sync", K, "others", "later"),
    _op("POST", "/inapp-messages/events", K, "others", "later"),
    _op("POST", "/inapp-messages/variables", K, "others", "later"),
    _op("POST", "/mobile/logs", K, "others", "later"),
)
"""Routes that the document does not name but tutorials, older pages and client libraries use."""

PLAYER = _op(ANY, "/api/v3.0/integrations/player", KS, "others", "later")
BOT_SETTINGS = _op("GET", "/api/v1.0/Bots/BotSettings", K, "others", "later")
OPERATIONS = (*DOCUMENTED, *OUTSIDE, PLAYER, BOT_SETTINGS)
ACHIEVE = next(operation for operation in DOCUMENTED if operation.path == "/customers/social-challenges")
