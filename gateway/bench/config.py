"""The configuration of a measured gateway: one channel, many campaigns, a dedup window no run outlasts."""

from pathlib import Path

from gateway.bench.workload import API_KEY, CHANNEL, FIRST_CAMPAIGN, SECRET_KEY

CAMPAIGN = """
[[campaign]]
id = {id}
name = "Campaign {id}"
type = "social"
points = 10
max_achievements = 1
"""


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
    database: Path,
    campaigns: int,
    grant_delay: tuple[str, str],
    upstream: int | None = None,
) -> str:
    """`upstream` is the port of the platform in forward mode."""
    shortest, longest = grant_delay
    offers = (CAMPAIGN.format(id=FIRST_CAMPAIGN + number) for number in range(campaigns))
    return f"""
[server]
listen = "127.0.0.1:{listen}"
admin_listen = "127.0.0.1:{admin_listen}"

[store]
url = "sqlite:///{database}"

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
