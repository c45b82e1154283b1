"""Mistakes in the settings: each is reported with its path, its line and a remedy."""

import re
from pathlib import Path

import pytest

from gateway.config import (
    ConfigError,
    Secret,
    load,
)
from gateway.config.reading import forms
from tests.support.settings_texts import MINIMAL, TABLES, tables_of_the_file

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
