"""The settings file: what it may say, what it says when nothing is said, and what is said about mistakes."""

import hashlib
import json
import re
import tomllib
from collections import defaultdict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from gateway.config import (
    Campaign,
    Channel,
    Config,
    ConfigError,
    Secret,
    Tier,
    Webhook,
    load,
    masked,
    warnings,
)
from gateway.config.notation import (
    Address,
    address,
    duration,
    duration_text,
    instant,
    instant_text,
    size,
    size_text,
)
from gateway.config.reading import forms, secret_kind, section_of

moments = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 2 < moment.year < 9_998)
EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
KEY = "a-key-of-some-length"
TABLES = {"channel": Channel, "campaign": Campaign, "tier": Tier, "webhook": Webhook}
MINIMAL = {
    "channel": '[[channel]]\nname = "x"\n',
    "campaign": '[[campaign]]\nid = 1\nname = "x"\n',
    "webhook": '[[webhook]]\nname = "x"\nurl = "https://x.example"\nsecret = "0123456789abcdef"\nevents = ["profile.created"]\n',
    "tier": '[[tier]]\norder = 1\nname = "x"\nmin_progress = 0\n',
}


@pytest.fixture
def read(tmp_path: Path):
    def read(text: str, env: dict[str, str] | None = None) -> Config:
        path = tmp_path / "gateway.toml"
        path.write_text(text)
        return load(path, env or {})

    return read


@pytest.fixture
def problems(read):
    def problems(text: str, env: dict[str, str] | None = None) -> tuple[str, ...]:
        with pytest.raises(ConfigError) as caught:
            read(text, env)
        return tuple(re.sub(r"^.*?gateway\.toml(, line \d+)?: ", "", one) for one in caught.value.problems)

    return problems


@pytest.fixture
def lines(read):
    """The line of each problem; 0 where it has none."""

    def lines(text: str, env: dict[str, str] | None = None) -> list[int]:
        with pytest.raises(ConfigError) as caught:
            read(text, env)
        found = [re.match(r".*?gateway\.toml(?:, line (\d+))?: ", one) for one in caught.value.problems]
        return [int(one[1] or 0) for one in found if one]

    return lines


# ---- the example ----


def shown_settings() -> dict[str, list[tuple[str, Any, str]]]:
    """By table: key, value and line of every setting that the example shows, commented out or not."""
    shown: defaultdict[str, list[tuple[str, Any, str]]] = defaultdict(list)
    table = ""
    for line in EXAMPLE.read_text().splitlines():
        if header := re.match(r"#?\[+(\w+)\]", line):
            table = header[1]
        elif re.match(r"#?\w+ = ", line):
            ((key, value),) = tomllib.loads(line.lstrip("#")).items()
            shown[table].append((key, value, line))
    return shown


def tables_of_the_file() -> list[tuple[str, FieldInfo]]:
    singles = [(setting.name, setting) for setting in fields(Config) if section_of(setting.type)]
    kinds = [(name, section_of(setting.type)) for name, setting in singles] + list(TABLES.items())
    return [(name, setting) for name, kind in kinds if kind for setting in fields(kind)]


def test_the_example_loads_in_an_empty_environment_without_a_warning():
    config = load(EXAMPLE, {})
    assert [channel.name for channel in config.channels] == ["web", "mobile", "pos", "callcenter"]
    assert len({channel.id_space for channel in config.channels}) == 4
    assert config.campaigns[0].points == 100
    assert warnings(config) == []


@pytest.mark.parametrize(
    ("table", "setting"), tables_of_the_file(), ids=lambda part: getattr(part, "encode_name", part)
)
def test_the_example_shows_every_setting(table: str, setting: FieldInfo):
    values = [value for key, value, _ in shown_settings()[table] if key in forms(setting)]
    assert values
    if nested := section_of(setting.type):
        assert {key for value in values for key in value} == {part.encode_name for part in fields(nested)}


@pytest.mark.parametrize("setting", [s for s in fields(Config) if section_of(s.type)], ids=lambda s: s.name)
def test_a_table_of_the_example_holds_the_defaults(setting: FieldInfo):
    assert getattr(load(EXAMPLE, {}), setting.name) == getattr(Config(), setting.name)


@pytest.mark.parametrize("table", TABLES)
def test_a_setting_commented_out_in_a_list_of_the_example_is_the_default(read, table: str):
    by_key = {setting.encode_name: setting for setting in fields(TABLES[table])}
    for key, _, line in shown_settings()[table]:
        if line.startswith("#") and key in by_key and by_key[key].default not in (None, NODEFAULT):
            assert read(MINIMAL[table] + line.lstrip("#")) == read(MINIMAL[table])


def test_an_empty_file_is_all_defaults(read):
    assert read("") == Config()


# ---- mistakes ----


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (
            '[[webhook]]\nname = "x"\nurl = "https://x.example"\nsecret = "0123456789abcdef"\nevents = []',
            "webhook[0].events",
        ),
        ('[audit]\nanchor = "webhook:x"', "audit.anchor"),
        ('[audit]\nanchor = "anchors"', "audit.anchor"),
        ('[retention]\nachievements = "7d"', "retention.achievements"),
        ('[retention]\nledger_details = "1h"', "retention.ledger_details"),
        ('[retention]\naudit = "1h"\naudit_archive = "/archive"', "retention.audit"),
        ('[retention]\naudit = "400d"', "retention.audit_archive"),
        ('[retention]\naudit = "400d"\naudit_archive = "archive"', "retention.audit_archive"),
        (
            '[[webhook]]\nname = "x"\nurl = "https://x.example"\nsecret = "0123456789abcdef"\nevents = ["profile.gone"]',
            "webhook[0].events[0]",
        ),
        (
            '[[webhook]]\nname = "x"\nurl = "https://x.example"\nevents = ["profile.created"]',
            "webhook[0].secret",
        ),
        (
            '[[webhook]]\nname = "x"\nurl = "ftp://x.example"\nsecret = "0123456789abcdef"\nevents = ["profile.created"]',
            "webhook[0].url",
        ),
        ('[[channel]]\nname = "x"\nsession_key = "0123456789abcdef"', "channel[0].session_key"),
        ("serber = 1", "serber"),
        ("server = 1", "server"),
        ("channel = 1", "channel"),
        ("channel = [1]", "channel[0]"),
        ("[server]\nlissten = 1", "server.lissten"),
        ('[server]\nlisten = "8080"', "server.listen"),
        ('[server]\nlisten = "[::1:8080"', "server.listen"),
        ('[server]\nlisten = "127.0.0.1:65536"', "server.listen"),
        ('[server]\nadmin_listen = "127.0.0.1:8080"', "server.admin_listen"),
        ('[server]\nadmin_listen = "0.0.0.0:8081"', "server.admin_token"),
        ('[server]\nadmin_token = "short"', "server.admin_token"),
        ("[server]\nmax_body = 65536", "server.max_body"),
        ('[server]\nmax_body = "64KB"', "server.max_body"),
        ('[server]\nbody_timeout = "1h30m"', "server.body_timeout"),
        ("[server]\nmax_connections = 0", "server.max_connections"),
        ('[server]\ntrusted_proxies = ["::1", "10.0.0.1/8"]', "server.trusted_proxies[1]"),
        ('[server]\nallowed_hosts = ["x.example", "x.example:443"]', "server.allowed_hosts[1]"),
        ('[server]\noperator_header = "X-Forwarded-User"', "server.operator_header"),
        ('[server]\noperator_header = "X User"', "server.operator_header"),
        ('[[operator]]\nname = "ann"\nrole = "viewer"', "server.operator_header"),
        ('[[operator]]\nname = "ann"\nrole = "root"', "operator[0].role"),
        ('[[operator]]\nname = "Ann"\nrole = "viewer"', "operator[0].name"),
        ('[[operator]]\nname = "ann\\n"\nrole = "viewer"', "operator[0].name"),
        ('[server]\nallowed_hosts = ["https://x.example"]', "server.allowed_hosts[0]"),
        ('[server]\ncors_origins = "https://shop.example.com"', "server.cors_origins"),
        ('[server]\ncors_origins = ["https://a.example", "*"]', "server.cors_origins[1]"),
        ('[server]\ncors_origins = ["https://a.example", "null"]', "server.cors_origins[1]"),
        (
            '[server]\ncors_origins = ["https://a.example", "https://shop.example.com/"]',
            "server.cors_origins[1]",
        ),
        (
            '[server]\ncors_origins = ["https://a.example", "https://shop.example.com/shop"]',
            "server.cors_origins[1]",
        ),
        (
            '[server]\ncors_origins = ["https://a.example", "https://Shop.example.com"]',
            "server.cors_origins[1]",
        ),
        ('[server]\ncors_origins = ["https://a.example", "shop.example.com"]', "server.cors_origins[1]"),
        ('[server]\ncors_origins = ["https://a.example", "https://*.example.com"]', "server.cors_origins[1]"),
        (
            '[server]\ncors_origins = ["https://a.example", "https://shop.example.com:443"]',
            "server.cors_origins[1]",
        ),
        (
            '[server]\ncors_origins = ["https://a.example", "http://shop.example.com:80"]',
            "server.cors_origins[1]",
        ),
        (
            '[server]\ncors_origins = ["https://a.example", "https://shop.example.com:70000"]',
            "server.cors_origins[1]",
        ),
        (
            '[server]\ncors_origins = ["https://a.example", "https://ann@shop.example.com"]',
            "server.cors_origins[1]",
        ),
        ('[server]\ncors_origins = ["https://a.example", "https://café.example"]', "server.cors_origins[1]"),
        ('[server]\ncors_origins = ["https://a.example", ""]', "server.cors_origins[1]"),
        ('[store]\nurl = "mysql://localhost/db"', "store.url"),
        ('[gateway]\nmode = "both"', "gateway.mode"),
        ('[api]\nminimum_version = "v3"', "api.minimum_version"),
        ('[achievements]\ndedup_window = "8d"', "achievements.dedup_window"),
        ('[achievements]\ndedup_window = "179s"', "achievements.dedup_window"),
        ('[achievements]\ngrant_delay = ["3m", "20s"]', "achievements.grant_delay"),
        ('[achievements]\ngrant_delay = "20s"', "achievements.grant_delay"),
        ('[achievements]\ndelivery = "direct"', "achievements.delivery"),
        ('[[channel]]\nname = "a b"', "channel[0].name"),
        ('[[channel]]\nname = "a"\ndefault_region = "XX"', "channel[0].default_region"),
        ('[[channel]]\nname = "a"\nrate_limit = { per_second = 1 }', "channel[0].rate_limit.burst"),
        ('[[channel]]\nname = "a"\n[[channel]]\nname = "a"', "channel[1].name"),
        ('[[channel]]\nname = "a"\nsecret_key = "s"', "channel[0].api_key"),
        ('[[channel]]\nname = "a"\napi_key_hash = "abc"', "channel[0].api_key_hash"),
        ('[[channel]]\nname = "a"\napi_key_env = "UNSET"', "channel[0].api_key_env"),
        ('[[channel]]\nname = "a"\napi_key_file = "/nowhere"', "channel[0].api_key_file"),
        ('[[channel]]\nname = "a"\napi_key = "a b"', "channel[0].api_key"),
        ('[[channel]]\nname = "a"\napi_key = ""', "channel[0].api_key"),
        ('[[channel]]\nname = "a"\napi_key = "k"\napi_key_env = "K"', "channel[0].api_key"),
        ('[[campaign]]\nname = "x"', "campaign[0].id"),
        ('[[campaign]]\nid = 0\nname = "x"', "campaign[0].id"),
        (MINIMAL["campaign"] * 2, "campaign[1].id"),
        (MINIMAL["campaign"] + 'dedup_window = "10s"', "campaign[0].dedup_window"),
        (MINIMAL["campaign"] + "starts_at = 2026-01-01T00:00:00", "campaign[0].starts_at"),
        (MINIMAL["campaign"] + "starts_at = 2026-01-01", "campaign[0].starts_at"),
        (MINIMAL["campaign"] + 'starts_at = "2026-01-01T00:00:00Z"', "campaign[0].starts_at"),
        (MINIMAL["campaign"] + 'limit = { times = 1, per = "year" }', "campaign[0].limit.per"),
        (MINIMAL["campaign"] + "coupon = { value = 10 }", "campaign[0].coupon.type"),
        (MINIMAL["campaign"] + "audience = { attributes = { a = [] } }", "campaign[0].audience.attributes"),
        (
            MINIMAL["campaign"] + 'audience = { include_tags = ["a"], exclude_tags = ["a"] }',
            "campaign[0].audience.exclude_tags",
        ),
        (
            MINIMAL["campaign"] + 'audience = { include_tags = ["VIP"], exclude_tags = ["vip"] }',
            "campaign[0].audience.exclude_tags",
        ),
        (MINIMAL["tier"] * 2, "tier[1].order"),
        ('[program]\ntime_zone = "Mars/Phobos"', "program.time_zone"),
        ('[program]\ntime_zone = ""', "program.time_zone"),
        ('[program]\ncurrency = "usd"', "program.currency"),
        ('[program]\ncurrency = "USD\\n"', "program.currency"),
        ('[[channel]]\nname = "web\\n"', "channel[0].name"),
        ('[upstream]\nbase_url = "api.gameball.co"', "upstream.base_url"),
        ("[log]\nrequests = 1", "log.requests"),
        ("[limits]\nfailures_per_minute = -1", "limits.failures_per_minute"),
    ],
)
def test_a_mistake_is_reported_with_its_path_and_a_remedy(problems, text: str, path: str):
    problem = problems(text)[0]
    assert problem.startswith(f"{path}: ")
    assert "; " in problem


def test_all_mistakes_are_reported_at_once(problems):
    text = """
        colour = "red"
        [server]
        listen = 8080
        max_body = "big"
        [achievements]
        dedup_window = "1s"
        [[channel]]
        name = "a"
        kind = "x"
        [[channel]]
        name = "a"
        default_region = "Egypt"
    """
    paths = [problem.partition(":")[0] for problem in problems(text)]
    assert paths == [
        "colour",
        "server.listen",
        "server.max_body",
        "achievements.dedup_window",
        "channel[0].kind",
        "channel[1].default_region",
        "channel[1].name",
    ]


WRONG_TYPES = [
    "10",
    "1.5",
    "true",
    '"text"',
    "[]",
    "[1]",
    '["a"]',
    "{ a = 1 }",
    "2026-01-01",
    "[[1]]",
    '[{ a = "b" }]',
]


def _settings() -> list[tuple[str, str]]:
    """Header and key of every setting, also of those in tables that may be given again."""
    found: list[tuple[str, str]] = []
    for table, setting in tables_of_the_file():
        header = f"[[{table}]]" if table in TABLES else f"[{table}]"
        found += [(header, key) for key in forms(setting)]
    return found


@pytest.mark.parametrize(("header", "key"), _settings(), ids=lambda name: name)
def test_a_value_of_any_type_is_a_setting_or_a_mistake_with_its_line(tmp_path: Path, header: str, key: str):
    path = tmp_path / "gateway.toml"
    refused = 0
    for value in WRONG_TYPES:
        path.write_text(f"# a comment\n{header}\n{key} = {value}\n")
        try:
            load(path, {})
        except ConfigError as error:
            refused += 1
            for problem in error.problems:
                assert re.match(rf"{re.escape(str(path))}, line [23]: \S+: .+; .+", problem), problem
    assert refused


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[server]\ntrusted_proxies = "10.0.0.0/8"', 2, "is not a list; write brackets"),
        ('[server]\n\n\ntrusted_proxies = [\n"10.0.0.0/8",\n"ten",\n]', 6, "is not a network"),
        ("[server]\nlisten = 8080", 2, "is not an address"),
        ('[channel]\nname = "web"', 1, "is not a list; write [[channel]], once for each"),
        (
            '[[channel]]\nname = "web"\n[[channel]]\n# the till\nname = "pos"\nkind = "till"',
            6,
            "is not one of",
        ),
        ('[[channel]]\nname = "web"\n[[channel]]\nkind = "offline"', 3, "is missing"),
        ("server = 1", 1, "is not a table"),
        ('[server]\nlisten = "127.0.0.1:1"\nadmin_listen = "127.0.0.1:1"', 3, "is the address of listen"),
        ('[[campaign]]\nid = 1\nname = "a"\naudience = { min_tier = "gold" }', 4, "is not allowed"),
        ('\n\n[servr]\nlisten = "127.0.0.1:1"', 3, "is not a setting; did you mean server?"),
        ("\ufeff[server]\nlisten = 1", 2, "is not an address"),
    ],
)
def test_a_mistake_names_its_line(problems, lines, text: str, line: int, says: str):
    assert lines(text)[0] == line
    assert says in problems(text)[0]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_byte_order_mark_is_accepted(tmp_path: Path, ending: str):
    path = tmp_path / "gateway.toml"
    path.write_bytes(ending.join(["\ufeff[log]", 'level = "warning"', ""]).encode())
    assert load(path, {}).log.level == "warning"


def test_a_misspelt_setting_gets_the_nearest_one_as_its_remedy(problems):
    assert problems('[[channel]]\nname = "a"\napi_keys_env = "A"') == (
        "channel[0].api_keys_env: is not a setting; did you mean api_key_env?",
    )


@pytest.mark.parametrize("content", [b"[server", b"\xff", None])
def test_a_file_that_is_not_toml_is_one_problem(tmp_path: Path, content: bytes | None):
    path = tmp_path / "gateway.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert len(caught.value.problems) == 1
    assert str(path) in caught.value.problems[0]


def test_a_campaign_that_ends_before_it_starts_is_refused(problems):
    dates = "starts_at = 2026-01-02T00:00:00Z\nends_at = 2026-01-02T00:00:00Z"
    assert problems(MINIMAL["campaign"] + dates)[0].startswith("campaign[0].ends_at: ")


def test_tiers_that_do_not_rise_are_refused(problems):
    higher = '[[tier]]\norder = 2\nname = "y"\nmin_progress = 0\n'
    assert problems(MINIMAL["tier"] + higher)[0].startswith("tier[1].min_progress: ")


def test_forward_mode_needs_both_keys_of_the_upstream(problems, read):
    found = problems('[gateway]\nmode = "forward"')
    assert [problem.partition(":")[0] for problem in found] == ["upstream.api_key", "upstream.secret_key"]
    keys = '[gateway]\nmode = "forward"\n[upstream]\napi_key_env = "A"\nsecret_key_env = "S"'
    config = read(keys, {"A": "upstream-api", "S": "upstream-secret"})
    assert config.upstream.secret_key == Secret("upstream-secret")


# ---- secrets ----


def channel_with(setting: str) -> str:
    return f'[[channel]]\nname = "web"\n{setting}\n'


def test_a_key_is_the_same_key_however_it_is_given(read, tmp_path: Path):
    (tmp_path / "key").write_text(f"{KEY}\n")
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    given_as = {
        f'api_key = "{KEY}"': "inline",
        f'api_key_file = "{tmp_path / "key"}"': f"file {tmp_path / 'key'}",
        'api_key_env = "WEB"': "env WEB",
        f'api_key_hash = "{digest}"': "hash",
    }
    for setting, source in given_as.items():
        key = read(channel_with(setting), {"WEB": KEY}).channels[0].api_key
        assert key.digest.hex() == digest
        assert key.matches(KEY)
        assert not key.matches(KEY + "x")
        assert key.source == source


def test_no_text_of_the_settings_shows_a_secret(read):
    text = (
        channel_with(f'api_key = "{KEY}"\nsecret_key_env = "WEB"')
        + f'[store]\nurl = "postgresql://gateway:{KEY}@one,two/db"\n[server]\nadmin_token = "{KEY}"'
    )
    config = read(text, {"WEB": KEY})
    assert KEY not in str(masked(config))
    assert KEY not in "\n".join(warnings(config))
    assert KEY not in f"{config.channels} {config.server!r} {config.server.admin_token}"
    assert config.server.admin_token.reveal() == KEY


@pytest.mark.parametrize(
    "text",
    [
        f'[[channel]]\nname = "a"\napi_key = "{KEY} x"',
        f'[[channel]]\nname = "a"\napi_key_hash = "{KEY}"',
        f'[store]\nurl = "mysql://gateway:{KEY}@host/db"',
        f'[upstream]\nbase_url = "https://{KEY}@host"',
        f'[log]\nlevel = "{KEY}"',
        f'[[channel]]\nname = "a"\napi_key_env = "{KEY}"',
        f'[[channel]]\nname = "a"\napi_key_file = "{KEY}"',
    ],
)
def test_no_problem_shows_a_secret_written_in_the_wrong_place(problems, text: str):
    assert KEY not in "\n".join(problems(text))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@ss@h/db", "postgresql://u:******@h/db"),
        (
            "postgresql://h1:5432,h2/db?user=u&password=p&x=1",
            "postgresql://h1:5432,h2/db?user=u&password=******&x=1",
        ),
        ("postgresql://u@h:5432/db?options=a@b", "postgresql://u@h:5432/db?options=a@b"),
        ("sqlite:////var/lib/gateway.db", "sqlite:////var/lib/gateway.db"),
    ],
)
def test_the_database_is_shown_without_its_password(read, url: str, shown: str):
    config = read(f'[store]\nurl = "{url}"')
    assert masked(config)["store"]["url"] == shown
    assert bool([line for line in warnings(config) if line.startswith("store.url")]) == (url != shown)


def test_a_short_key_is_accepted_only_inline_and_on_loopback(read, problems):
    assert read(channel_with('api_key = "short"')).channels[0].api_key
    assert problems(channel_with('api_key_env = "K"'), {"K": "short"})[0].startswith("channel[0].api_key: ")
    everywhere = '[server]\nlisten = "0.0.0.0:8080"\n'
    assert problems(everywhere + channel_with('api_key = "short"'))[0].startswith("channel[0].api_key: ")


def test_two_channels_cannot_share_an_api_key(problems):
    both = channel_with(f'api_key = "{KEY}"') + f'[[channel]]\nname = "pos"\napi_key = "{KEY}"'
    assert problems(both)[0].startswith("channel[1].api_key: ")


def test_an_inline_key_on_an_open_listener_is_a_warning(read):
    config = read('[server]\nlisten = "0.0.0.0:8080"\n' + channel_with(f'api_key = "{KEY}"'))
    assert [line.partition(":")[0] for line in warnings(config)] == ["channel[0].api_key"]


def test_the_admin_token_comes_from_its_default_variable_unless_named_otherwise(read):
    env = {"GATEWAY_ADMIN_TOKEN": "the-default-admin-token", "OTHER": "another-admin-token"}
    assert read("", env).server.admin_token == Secret("the-default-admin-token")
    assert read('[server]\nadmin_token_env = "OTHER"', env).server.admin_token == Secret(
        "another-admin-token"
    )
    assert read('[server]\nadmin_token_env = "GATEWAY_ADMIN_TOKEN"').server.admin_token is None
    assert read("", {"GATEWAY_ADMIN_TOKEN": ""}).server.admin_token is None


def test_the_master_secret_file_is_a_setting_and_is_not_read(read):
    config = read('[server]\nsecret_file = "not-there-yet"')
    assert (config.server.secret_file, config.server.secret) == ("not-there-yet", None)


def test_every_secret_can_come_from_a_variable():
    secrets = [setting for _, setting in tables_of_the_file() if secret_kind(setting.type)]
    assert all(f"{setting.encode_name}_env" in forms(setting) for setting in secrets)


# ---- what values mean ----


def test_a_channel_hands_out_its_own_ids_unless_it_shares_an_id_space(read):
    config = read('[[channel]]\nname = "web"\n[[channel]]\nname = "mobile"\nid_space = "web"')
    assert [channel.id_space for channel in config.channels] == ["web", "web"]


def test_a_database_file_is_known_by_its_path(read):
    assert read('[store]\nurl = "sqlite:////var/lib/gateway.db"').store.sqlite_path == "/var/lib/gateway.db"
    assert read('[store]\nurl = "postgresql://u@h/db"').store.sqlite_path is None


def test_a_tier_lock_that_no_tier_opens_is_a_warning(read):
    text = MINIMAL["channel"] + MINIMAL["campaign"] + "audience = { min_tier = 1 }\n"
    assert [line.partition(":")[0] for line in warnings(read(text))] == ["campaign[0].audience.min_tier"]
    assert warnings(read(text + MINIMAL["tier"])) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [("250ms", 250), ("300s", 300_000), ("5m", 300_000), ("72h", 259_200_000), ("400d", 34_560_000_000)],
)
def test_durations_are_milliseconds(text: str, expected: int):
    assert duration(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1B", 1), ("64KiB", 65_536), ("1MiB", 1 << 20), ("2GiB", 2 << 30)]
)
def test_sizes_are_bytes(text: str, expected: int):
    assert size(text) == expected


@pytest.mark.parametrize("text", ["", "5", "s", "-5s", "5 s", "1.5s", "5S", "٥s", 5, True, None])
def test_text_that_is_not_a_duration_is_refused(text: object):
    with pytest.raises(ValueError, match="is not a duration; write"):
        duration(text)


@given(st.integers(0, 10**14))
def test_durations_and_sizes_are_read_back_as_they_are_shown(amount: int):
    assert duration(duration_text(amount)) == amount
    assert size(size_text(amount)) == amount


@given(moments, st.integers(-720, 840))
def test_instants_are_the_same_in_every_offset(moment: datetime, offset: int):
    utc = moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)
    milliseconds = instant(utc.astimezone(timezone(timedelta(minutes=offset))))
    assert datetime.fromisoformat(instant_text(milliseconds)) == utc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("[::1]:0", Address("::1", 0)),
        ("localhost:80", Address("localhost", 80)),
        ("gateway.example:65535", Address("gateway.example", 65_535)),
    ],
)
def test_addresses_are_read_and_shown_the_same(text: str, expected: Address):
    assert address(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    ("text", "loopback"),
    [
        ("127.8.0.1:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("h:1", False),
    ],
)
def test_only_loopback_addresses_count_as_loopback(text: str, loopback: bool):
    assert address(text).is_loopback is loopback


def test_an_origin_is_what_a_browser_writes(tmp_path: Path) -> None:
    origins = [
        "https://shop.example.com",
        "http://localhost:3000",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://xn--caf-dma.example",
        "https://shop.example.com:8443",
        "http://shop.example.com:443",
        "capacitor://localhost",
        "ionic://localhost",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    ]
    path = tmp_path / "config.toml"
    path.write_text(f"[server]\ncors_origins = {json.dumps(origins)}\n")
    assert load(path, {}).server.cors_origins == tuple(origins)
