"""`gateway rules` and `gateway check`: from a rule file to activation and back."""

from __future__ import annotations

from pathlib import Path

from rules.language.parse import preset
from tests.support.shell import Shell


def test_a_check_shows_the_settings_with_secrets_masked(shell: Shell) -> None:
    with shell.config.open("a") as file:
        file.write('api_key = "a-very-secret-key-0001"\nsecret_key = "a-very-secret-key-0002"\n')
    shown = shell("check")
    assert 'achievements.dedup_window = "5m"' in shown
    assert "a-very-secret-key" not in shown + shell.err + str(shell.json("check"))


def test_a_check_includes_the_rules_that_a_fresh_database_starts_with(shell: Shell, tmp_path: Path) -> None:
    rules = tmp_path / "mine.toml"
    rules.write_text(preset("email").replace("[[rule]]", '[[rule]]\ncolour = "red"', 1))
    with shell.config.open("a") as file:
        file.write(f'[rules]\nseed = "{rules}"\n')
    shell("check", code=2)
    assert "colour" in shell.err


def test_rules_are_checked_without_settings_or_database(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(preset("strict"))
    shell("rules", "check", str(file))
    file.write_text(preset("strict") + "[colours]\n[shapes]\n")
    shell("rules", "check", str(file), code=2)
    assert len(shell.err.splitlines()) == 2
    assert len(shell.json("rules", "check", str(file), code=2)["problems"]) == 2
    assert [path.name for path in tmp_path.glob("gateway.db*")] == []


def test_a_key_without_effect_is_warned_of_and_the_file_is_in_order(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(preset("email").replace("[[rule]]", '[[rule]]\nconfirm_missing = "review"', 1))
    assert "is in order" in shell("rules", "check", str(file))
    (line,) = shell.err.splitlines()
    assert line.startswith(f"warning: {file}: line ")
    assert "has no effect without confirm_any" in line
    (warning,) = shell.json("rules", "check", str(file))["warnings"]
    assert line.endswith(warning)


def test_rules_go_from_the_file_to_activation_and_back(shell: Shell, tmp_path: Path) -> None:
    shell("db", "migrate")
    (seed,) = shell.json("rules", "list")["items"]
    file = tmp_path / "mine.toml"
    text = preset("email").replace("[rules]\n", '[rules]\nactivation = "immediate"\n', 1)
    file.write_text(text)
    applied = shell.json("rules", "apply", str(file))
    assert applied["active"]
    assert shell("rules", "show", applied["version"]) == text
    shell("rules", "activate", seed["version"])
    assert [one["active"] for one in shell.json("rules", "list")["items"]] == [False, True]


def test_rules_that_need_a_dry_run_are_stored_and_not_activated(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(preset("email"))
    applied = shell.json("rules", "apply", str(file))
    assert not applied["active"]
    shell("rules", "activate", applied["version"], code=1)
    assert "plan_required" in shell.err


def test_rules_become_active_once_their_plan_was_seen_and_applied(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(preset("email"))
    shell("rules", "apply", str(file))
    assert f"gateway rules plan {file}" in shell.err
    assert "profiles that would merge" in shell("rules", "plan", str(file))
    assert "nothing was changed" in shell.err
    assert shell.json("rules", "plan", str(file))["counts"]["merged"] == 0
    assert shell.json("rules", "apply", str(file))["active"]
    file.write_text('colour = "red"')
    shell("rules", "plan", str(file), code=2)
