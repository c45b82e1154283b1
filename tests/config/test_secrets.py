"""Secrets in the settings: every way to give one, and that none is ever shown."""

import hashlib
from pathlib import Path

import pytest

from gateway.config import (
    Secret,
    masked,
    warnings,
)
from gateway.config.reading import forms, secret_kind
from tests.support.settings_texts import KEY, channel_with, tables_of_the_file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_key_is_the_same_key_however_it_is_given(read, tmp_path: Path, encoding: str):
    (tmp_path / "key").write_text(f"{KEY}\r\n", encoding)
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
