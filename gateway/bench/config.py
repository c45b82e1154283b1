"""The configuration of a measured gateway: one channel, many campaigns, and a dedup window longer than any run."""

from gateway.bench.workload import API_KEY, CHANNEL, FIRST_CAMPAIGN, SECRET_KEY

CAMPAIGN = """
[[campaign]]
id = {id}
name = "Campaign {id}"
type = "social"
points = 10
max_achievements = 1
"""


ENVIRONMENT = {
    "GATEWAY_ADMIN_TOKEN": "bench-admin-token-" + "0" * 32,
    "GATEWAY_SECRET": "bench-secret-" + "0" * 32,
    "PYTHONDONTWRITEBYTECODE": "",
}
"""Of every measured process. As on a machine where the gateway is installed, the modules are compiled once and not at each
start."""
FORWARD = """
[gateway]
mode = "forward"

[upstream]
base_url = "http://127.0.0.1:{port}"
api_key = "bench-upstream-api-key"
secret_key = "bench-upstream-secret-key"
"""


def configuration(
    *,
    listen: int,
    admin_listen: int,
    database: str,
    campaigns: int,
    grant_delay: tuple[str, str],
    upstream: int | None = None,
) -> str:
    """`database` is a URL, `upstream` the port of the platform in forward mode."""
    shortest, longest = grant_delay
    offers = (CAMPAIGN.format(id=FIRST_CAMPAIGN + number) for number in range(campaigns))
    return f"""
[server]
listen = "127.0.0.1:{listen}"
admin_listen = "127.0.0.1:{admin_listen}"

[store]
url = "{database}"

[achievements]
dedup_window = "6h"
grant_delay = ["{shortest}", "{longest}"]

[[channel]]
name = "{CHANNEL}"
kind = "online"
id_space = "{CHANNEL}"
default_region = "EG"
api_key = "{API_KEY}"
secret_key = "{SECRET_KEY}"
{"".join(offers)}{FORWARD.format(port=upstream) if upstream else ""}"""
