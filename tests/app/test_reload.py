"""New settings for a gateway that serves: what is told apart, what is taken over, what is refused by name."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from gateway.app.reload import Reloader
from gateway.app.service_manager import ServiceManager
from gateway.config import Config, ConfigError, key_digest, load
from gateway.config.change import changes, comparable
from gateway.http.admin.settings import MaskedSettings
from gateway.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from tests.support.running_gateway import RunningGateway, Start

KEY = b"the key of the marks"
SECRETS = {
    "GATEWAY_ADMIN_TOKEN": "admin-token-0123456789",
    "UPSTREAM": "upstream-key-0123456789",
    "OTHER": "another-key-01234567890",
}
BASE = """
[[channel]]
name = "web"
api_key = "web-api-key-0123456789"
secret_key = "web-secret-key-0123456789012345-"
[[channel]]
name = "pos"
[[campaign]]
id = 1
name = "Follow"
audience = { attributes = { vip = true } }
[[tier]]
order = 1
name = "Basic"
min_progress = 0
[[webhook]]
name = "crm"
url = "https://crm.example/hook?token=abc"
secret = "webhook-secret-0123456789"
events = ["profile.created"]
[upstream]
api_key_env = "UPSTREAM"
"""


def read(directory: Path, text: str) -> dict[str, Any]:
    path = directory / "settings.toml"
    path.write_text(text)
    return comparable(load(path, SECRETS), KEY)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('name = "pos"', 'name = "pos"\ndefault_region = "EG"', "channel[pos].default_region"),
        ('name = "pos"', 'name = "pos"\nkind = "offline"', "channel[pos].kind"),
        ('name = "pos"', 'name = "pos"\ntrusted = false', "channel[pos].trusted"),
        ('name = "pos"', f'name = "pos"\nsession_key = "{"k" * 32}"', "channel[pos].session_key"),
        ("web-api-key-0123456789", "web-api-key-9876543210", "channel[web].api_key"),
        ('name = "Follow"', 'name = "Follow"\npoints = 1', "campaign[1].points"),
        ("vip = true", "vip = 1", "campaign[1].audience"),
        ("min_progress = 0", "min_progress = 5", "tier[1].min_progress"),
        ("token=abc", "token=abd", "webhook[crm].url"),
        ("webhook-secret-0123456789", "webhook-secret-9876543210", "webhook[crm].secret"),
        ('["profile.created"]', '["profile.merged"]', "webhook[crm].events"),
        ("[upstream]", "[limits]\nfailures_per_minute = 1\n[upstream]", "limits.failures_per_minute"),
        ("[upstream]", '[trust]\npublic = "ignore"\n[upstream]', "trust.public"),
        ('name = "pos"', 'name = "pos"\ntrust = { public = "state" }', "channel[pos].trust"),
        ("[upstream]", '[log]\nlevel = "debug"\n[upstream]', "log.level"),
        ("[upstream]", '[program]\ntime_zone = "Africa/Cairo"\n[upstream]', "program.time_zone"),
        ("[upstream]", '[server]\ncors_origins = ["https://x.example"]\n[upstream]', "server.cors_origins"),
        ("[upstream]", '[server]\nallowed_hosts = ["x.example"]\n[upstream]', "server.allowed_hosts"),
        ("[upstream]", '[server]\ntrusted_proxies = ["10.0.0.0/8"]\n[upstream]', "server.trusted_proxies"),
        ("[upstream]", '[achievements]\ngrant_delay = ["1s", "2s"]\n[upstream]', "achievements.grant_delay"),
    ],
)
def test_a_setting_that_a_reload_takes_over_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    (found,) = changes(read(tmp_path, BASE), read(tmp_path, BASE.replace(old, new, 1)))
    assert (found.setting, found.kind, found.is_live) == (named, "changed", True)


@pytest.mark.parametrize(
    ("table", "setting"),
    [
        ("server", 'listen = "127.0.0.1:1"'),
        ("server", 'admin_listen = "127.0.0.1:1"'),
        ("server", 'admin_token = "another-admin-token"'),
        ("server", 'secret = "another-master-secret"'),
        ("server", 'secret_file = "elsewhere"'),
        ("server", 'max_body = "1MiB"'),
        ("store", 'url = "sqlite:///other.db"'),
        ("store", "queue_limit = 1"),
        ("gateway", 'mode = "forward"'),
        ("rules", 'seed = "preset:strict"'),
        ("api", "high_security = true"),
        ("achievements", 'delivery = "direct"'),
        ("upstream", 'base_url = "https://other.example"'),
        ("upstream", 'secret_key_env = "OTHER"'),
        ("upstream", "rates = { orders = [1, 2] }"),
        ("upstream", 'canonical_id = "profile"'),
        ("audit", 'checkpoint = "1s"'),
        ("clock", 'believe_after = "1s"'),
        ("log", 'file = "other.log"'),
    ],
)
def test_a_setting_that_needs_a_restart_is_named(tmp_path: Path, table: str, setting: str) -> None:
    keys = 'api_key_env = "UPSTREAM"\nsecret_key_env = "UPSTREAM"\n'
    tables = {"gateway": 'mode = "forward"\n', "upstream": keys}
    if setting.startswith("mode"):
        tables["gateway"] = ""
    before = BASE.partition("[upstream]")[0] + "".join(f"[{name}]\n{rows}" for name, rows in tables.items())
    name = setting.partition(" ")[0].removesuffix("_env")
    kept = [line for line in tables.get(table, "").splitlines() if not line.startswith(name)]
    after = BASE.partition("[upstream]")[0] + "".join(
        f"[{key}]\n" + "\n".join([*kept, setting] if key == table else rows.splitlines()) + "\n"
        for key, rows in {table: "", **tables}.items()
    )
    (found,) = changes(read(tmp_path, before), read(tmp_path, after))
    assert (found.setting, found.kind, found.is_live) == (f"{table}.{name}", "changed", False)


def test_tables_of_a_list_are_known_by_their_names_wherever_they_stand(tmp_path: Path) -> None:
    pos, kiosk = '[[channel]]\nname = "pos"\n', '[[channel]]\nname = "kiosk"\n'
    found = changes(read(tmp_path, BASE), read(tmp_path, kiosk + BASE.replace(pos, "")))
    assert [(one.setting, one.kind, one.is_live) for one in found] == [
        ("channel[pos]", "removed", True),
        ("channel[kiosk]", "added", True),
    ]
    (moved,) = changes(read(tmp_path, BASE), read(tmp_path, pos + BASE.replace(pos, "")))
    assert (moved.setting, moved.kind, moved.is_live) == ("channel", "reordered", True)


def test_moving_a_secret_is_no_change_and_no_secret_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("web-api-key-0123456789\n")
    elsewhere = BASE.replace('api_key = "web-api-key-0123456789"', f'api_key_file = "{file}"')
    assert changes(read(tmp_path, BASE), read(tmp_path, elsewhere)) == []
    shown = json.dumps(read(tmp_path, BASE))
    for secret in (
        "web-api-key",
        "web-secret-key",
        "webhook-secret",
        "upstream-key",
        "token=abc",
        "admin-token",
    ):
        assert secret not in shown


def test_a_key_known_only_by_its_digest_counts_as_changed(tmp_path: Path) -> None:
    """It no longer opens the session tokens of the channel's apps."""
    key = "web-secret-key-0123456789012345-"
    hashed = BASE.replace(f'secret_key = "{key}"', f'secret_key_hash = "{key_digest(key).hex()}"')
    (found,) = changes(read(tmp_path, BASE), read(tmp_path, hashed))
    assert found.setting == "channel[web].secret_key"


# ---- in a gateway ----

TWO_CHANNELS = """
[[channel]]
name = "web"
api_key = "web-api-key-0123456789"
secret_key = "web-secret-key-0123456789"
{more}
[[channel]]
name = "kiosk"
api_key = "kiosk-api-key-0123456789"
secret_key = "kiosk-secret-key-0123456789"
"""


async def status(gateway: "RunningGateway", channel: str, method: str = "POST", **headers: str) -> int:
    body = {"customerId": "ann"}
    async with gateway.call(method, "customers", channel=channel, json=body, headers=headers) as answer:
        return answer.status


async def test_channels_come_and_go_with_their_keys_of_both_kinds(start: "Start") -> None:
    async with start() as gateway:
        async with gateway.admin("POST", "keys", json={"channel": "pos"}) as issued:
            keys = await issued.json()
        given = {"apikey": keys["api_key"], "secretkey": keys["secret_key"]}
        assert [await status(gateway, name) for name in ("web", "pos", "kiosk")] == [200, 200, 401]
        assert await status(gateway, "pos", **given) == 200
        await gateway.reload(channels=TWO_CHANNELS.format(more=""))
        assert [await status(gateway, name) for name in ("web", "pos", "kiosk")] == [200, 401, 200]
        assert await status(gateway, "pos", **given) == 401
        await gateway.reload()
        assert await status(gateway, "pos", **given) == 200


async def test_a_region_counts_from_the_reload_on_also_for_rows_read_by_the_other_process(
    start: "Start",
) -> None:
    async with start() as gateway:
        for first, region in enumerate(("EG", "GB"), 1):
            await gateway.reload(channels=TWO_CHANNELS.format(more=f'default_region = "{region}"'))
            number = {"EG": "0100123456", "GB": "0740012345"}[region]
            await save(gateway, f"called-{region}", f"{number}6")
            await bring(gateway, first, f"imported-{region}", f"{number}7")
        found = await gateway.rows(
            "SELECT DISTINCT value FROM observation WHERE type = 'mobile' ORDER BY value"
        )
        assert [value for (value,) in found] == [
            "+201001234566",
            "+201001234567",
            "+447400123456",
            "+447400123457",
        ]


async def save(gateway: "RunningGateway", customer_id: str, mobile: str) -> None:
    body = {"customerId": customer_id, "mobile": mobile}
    async with gateway.call("POST", "customers", json=body) as saved:
        assert saved.status == 200


async def bring(gateway: "RunningGateway", line: int, customer_id: str, mobile: str) -> None:
    body = {
        "channel": "web",
        "columns": ["customer_id", "mobile"],
        "first_line": line,
        "next_line": line + 1,
        "rows": [[line, [customer_id, mobile]]],
    }
    async with gateway.admin("POST", f"imports/{'0a' * 16}/rows", json=body) as taken:
        assert taken.status == 200, await taken.text()


async def test_what_an_app_without_the_secret_key_may_say_follows_the_reload(start: "Start") -> None:
    async def says(gateway: "RunningGateway", channel: str, customer_id: str) -> int:
        body = {"customerId": customer_id, "email": f"{customer_id}@example.com"}
        headers = {"apikey": f"{channel}-api-key-0123456789"}
        url = f"{gateway.url}/api/v4.0/integrations/customers"
        async with gateway.client.post(url, json=body, headers=headers) as saved:
            return saved.status

    async with start() as gateway:
        assert await says(gateway, "web", "ann") == 200
        await gateway.reload('[trust]\npublic = "ignore"\n', channels=TWO_CHANNELS.format(more=""))
        assert [await says(gateway, name, "bob") for name in ("web", "kiosk")] == [404, 404]
        await gateway.reload(channels=TWO_CHANNELS.format(more=""))
        assert [await says(gateway, name, "bob") for name in ("web", "kiosk")] == [200, 200]


async def test_a_reload_keeps_the_used_part_of_an_unchanged_rate_limit(start: "Start") -> None:
    burst = 30
    limited = TWO_CHANNELS.format(more=f"rate_limit = {{ per_second = 1, burst = {burst} }}")

    async def taken(gateway: "RunningGateway") -> int:
        """How many calls are taken before one is refused; double the burst where none is."""
        for number in range(2 * burst):
            if await status(gateway, "web") == 429:
                return number
        return 2 * burst

    async with start(channels=limited) as gateway:
        assert burst <= await taken(gateway) < 2 * burst
        await gateway.reload(channels=limited, campaigns="")
        assert await taken(gateway) < burst
        await gateway.reload(channels=TWO_CHANNELS.format(more=""), campaigns="")
        assert await taken(gateway) == 2 * burst


async def test_pages_of_an_added_origin_may_call(start: "Start") -> None:
    async def allowed(gateway: "RunningGateway") -> bool:
        asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        url = f"{gateway.url}/api/v4.1/integrations/customers"
        async with gateway.client.options(url, headers=asked) as answer:
            return "Access-Control-Allow-Origin" in answer.headers

    server = '[server]\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'
    async with start() as gateway:
        assert not await allowed(gateway)
        await gateway.reload(f'{server}cors_origins = ["https://shop.example"]\n')
        assert await allowed(gateway)
        await gateway.reload()
        assert not await allowed(gateway)


async def test_the_admin_api_shows_the_settings_in_use_and_no_secret(start: "Start") -> None:
    async with start() as gateway:
        masked = MaskedSettings()
        before = masked.of(gateway.services)
        assert masked.of(gateway.services) is before
        async with gateway.admin("GET", "settings") as answer:
            assert (await answer.json())["settings"] == before.settings
        await gateway.reload(channels=TWO_CHANNELS.format(more=""))
        assert masked.of(gateway.services) is not before
        async with gateway.admin("GET", "settings") as answer:
            text = await answer.text()
        settings = json.loads(text)["settings"]
        assert settings == comparable(gateway.services.config, SECRETS["GATEWAY_ADMIN_TOKEN"].encode())
        assert [channel["name"] for channel in settings["channel"]] == ["web", "kiosk"]
        sources = json.loads(text)["sources"]
        asked = (
            "server.admin_token",
            "log.file",
            "log.level",
            "channel[web].api_key",
            "channel[web].trusted",
        )
        assert [sources[name] for name in asked] == [
            "env GATEWAY_ADMIN_TOKEN",
            "file",
            "default",
            "file",
            "default",
        ]
        assert not [word for word in ("api-key-", "secret-key-", "admin-token") if word in text]


async def test_one_setting_that_cannot_be_reloaded_stops_the_whole_reload(start: "Start") -> None:
    async with start() as gateway:
        before = gateway.services.config
        with pytest.raises(ConfigError) as refused:
            await gateway.reload(
                '[audit]\ncheckpoint = "2s"\n[clock]\nbelieve_after = "1s"\n',
                channels=TWO_CHANNELS.format(more=""),
            )
        assert [problem.partition(":")[0] for problem in refused.value.problems] == [
            "audit.checkpoint",
            "clock.believe_after",
        ]
        assert gateway.services.config is before
        assert [await status(gateway, name) for name in ("web", "pos", "kiosk")] == [200, 200, 401]


async def test_a_campaign_that_is_gone_is_judged_as_it_is_at_the_grant(start: "Start") -> None:
    waits = '[achievements]\ngrant_delay = ["1s", "1s"]\n'
    async with start(waits) as gateway:
        assert await status(gateway, "web") == 200
        body = {"customerId": "ann", "challengeId": 11664}
        async with gateway.call("POST", "customers/social-challenges", json=body) as accepted:
            assert accepted.status == 202
        await gateway.reload(waits, campaigns="")
        while not (states := await gateway.rows("SELECT state FROM achievement WHERE state <> 'accepted'")):  # noqa: ASYNC110 - a worker decides it
            await asyncio.sleep(0.02)
    assert states == [("ignored",)]


async def test_the_gateway_keeps_running_whatever_is_wrong_with_the_file(start: "Start") -> None:
    asked, tried, loop = asyncio.Event(), asyncio.Queue[bool](), asyncio.get_running_loop()

    def broken() -> Config:
        loop.call_soon_threadsafe(tried.put_nowait, True)
        raise RecursionError("with a secret in its text")

    async with start() as gateway:
        reloading = asyncio.create_task(Reloader(gateway.services, broken, asked, ServiceManager({})).run())
        for _ in range(3):
            asked.set()
            assert await tried.get()
        assert not reloading.done()
        reloading.cancel()
        assert await status(gateway, "web") == 200
        log = (gateway.directory / "gateway.log").read_text()
    assert log.count("the settings cannot be used: RecursionError") >= 2
    assert "with a secret" not in log


def test_a_reload_changes_the_log_level(tmp_path: Path) -> None:
    telemetry = Telemetry(level="warning", path=str(tmp_path / "log"), log_requests=False)
    log = structlog.get_logger("test")
    log.info("one")
    telemetry.use(level="info", log_requests=True)
    log.info("two")
    telemetry.use(level="error", log_requests=True)
    log.warning("three")
    telemetry.close()
    assert [json.loads(line)["event"] for line in (tmp_path / "log").read_text().splitlines()] == ["two"]
