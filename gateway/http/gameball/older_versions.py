"""Versions 1 to 3 of the platform's API, as its server libraries for PHP, Python, Ruby and .NET, its Magento module and the Segment
connector call them. The customer is `playerUniqueId`. It is not published which keys an operation needs: a call with the api key
alone is passed on with the api key alone, and the platform decides."""

from gateway.http.gameball.operations import ANY, GENERAL_PAGE, KS, CustomerPlaces, Operation, Version
from gateway.upstream.limiter import Rate

VERSIONS: dict[str, Version] = {
    "v1": "v1.0",
    "v1.0": "v1.0",
    "v2": "v2.0",
    "v2.0": "v2.0",
    "v3": "v3.0",
    "v3.0": "v3.0",
}
BELOW = "/api/v1-v3/integrations"
"""The prefix of paths in logs and metrics; the versions share one table."""


def _op(method: str, path: str, rate: Rate, *, creates: bool = False) -> Operation:
    named = CustomerPlaces("{playerUniqueId}" in path, creates=creates, by_name="people")
    return Operation(method, BELOW + path, KS, rate, "forward", GENERAL_PAGE, named, disputed=True)


OLDER = (
    _op("POST", "/player", "customers_write", creates=True),
    _op("POST", "/player/info", "customers_read"),
    _op("GET", "/player/{playerUniqueId}", "customers_read"),
    _op("GET", "/player/{playerUniqueId}/balance", "customers_read"),
    _op("GET", "/player/{playerUniqueId}/progress", "customers_read"),
    _op("POST", "/player/{playerUniqueId}/tags", "customers_write"),
    _op("DELETE", "/player/{playerUniqueId}/tags", "customers_write"),
    _op("POST", "/event", "events", creates=True),
    _op("POST", "/action", "events", creates=True),
    _op("POST", "/order", "orders", creates=True),
    _op("POST", "/referral", "others", creates=True),
    _op("POST", "/transaction/balance", "transactions"),
    _op("POST", "/transaction/hold", "transactions"),
    _op("DELETE", "/transaction/hold/{holdReference}", "transactions"),
    _op("POST", "/transaction/redeem", "transactions"),
    _op("POST", "/transaction/reward", "transactions", creates=True),
    _op("POST", "/transaction/cashback", "transactions"),
    _op("POST", "/transaction/cancel", "transactions"),
    _op("POST", "/transaction/refund", "transactions"),
    _op("POST", "/transaction/manual", "transactions"),
    _op("GET", "/transaction/list", "transactions"),
    _op("POST", "/coupon", "coupons"),
    _op("POST", "/coupon/validate", "coupons"),
    _op("POST", "/coupon/redeem", "coupons"),
    _op("PUT", "/discountcode", "coupons"),
    _op("GET", "/leaderboard", "others"),
    _op("GET", "/config", "others"),
    _op("GET", "/notifications/{playerUniqueId}", "customers_read"),
    _op("PUT", "/notifications", "customers_write"),
    _op("POST", "/batch", "others"),
    _op("GET", "/batch/{batchId}", "others"),
    _op("DELETE", "/batch/{batchId}", "others"),
)
"""Words in lower case: the clients write them in both."""
ANY_OLDER = _op(ANY, "/…", "others")
"""Calls that those clients are not known to make."""
INSTALLED = Operation(
    "POST", "/api/v1.0/Bots/Task", KS, "others", "forward", GENERAL_PAGE, CustomerPlaces(), disputed=True
)
"""The Magento module reports that it was installed."""
