"""The container file and the compose files: what they promise; and, in the long tests, an image that is built and run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "deploy/container"
CONTAINERFILE = (CONTAINER / "Containerfile").read_text()
COMPOSE = {path.name: yaml.safe_load(path.read_text()) for path in sorted(CONTAINER.glob("compose.*.yaml"))}


def instructions() -> list[tuple[str, str]]:
    """Each with its argument, lines joined and remarks left out."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", CONTAINERFILE, flags=re.M))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def last_stage() -> dict[str, str]:
    found = instructions()
    start = max(place for place, (word, _) in enumerate(found) if word == "FROM")
    return dict(found[start:])


def ours(compose: Any) -> list[Any]:
    return [service for service in compose["services"].values() if service["image"] == "gateway"]


def test_the_image_runs_unprivileged_and_declares_its_health_check_and_stop_signal() -> None:
    stage = last_stage()
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", stage["USER"])
    assert stage["STOPSIGNAL"] == "SIGTERM"
    assert "/healthz" in stage["HEALTHCHECK"]
    assert stage["ENTRYPOINT"] == '["gateway"]'
    assert len([word for word, _ in instructions() if word == "FROM"]) == 2


def test_nothing_secret_gets_into_a_layer() -> None:
    for word, rest in instructions():
        assert word != "ADD"
        if word in ("ARG", "ENV", "LABEL"):
            assert not re.search(r"secret|token|password|key", rest, flags=re.I)
    copied = [rest.split()[:-1] for word, rest in instructions() if word == "COPY" and "--from" not in rest]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert (ROOT / ".dockerignore").read_text().splitlines()[0] == "*"
    assert {source for sources in copied for source in sources} == allowed
    assert all((ROOT / source).exists() for source in allowed)


@pytest.mark.parametrize("name", COMPOSE)
def test_a_service_writes_to_its_volumes_only_and_keeps_its_secrets_in_files(name: str) -> None:
    services = ours(COMPOSE[name])
    ignored = {line[1:] for line in (CONTAINER / ".gitignore").read_text().splitlines()}
    assert services
    for service in services:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["user"] == last_stage()["USER"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    for service in COMPOSE[name]["services"].values():
        mounted = [volume.split(":") for volume in service["volumes"]]
        files = [(source, mode) for source, _, *mode in mounted if source.startswith("./")]
        assert {source[2:] for source, _ in files} <= ignored
        assert all(mode == ["ro"] for _, mode in files)
        assert not [key for key in service.get("environment", {}) if key.endswith("PASSWORD")]


def test_gateways_on_postgresql_wait_for_it_and_have_ports_of_their_own() -> None:
    services = ours(COMPOSE["compose.postgresql.yaml"])
    assert len(services) == 2
    assert all(
        service["depends_on"] == {"postgres": {"condition": "service_healthy"}} for service in services
    )
    ports = [port for service in services for port in service["ports"]]
    assert len(set(ports)) == len(ports)


@pytest.mark.soak
def test_the_image_is_built_and_serves(tmp_path: Path) -> None:
    """From a base that is made of Debian's packages, as no registry is needed for it: debootstrap and buildah, as root."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git", "tests"))
    (checkout / "gateway/own.secret").write_text("a secret of this test")
    packages = "--include=python3,python3-venv,ca-certificates"
    run("debootstrap", "--variant=minbase", packages, "bookworm", str(tmp_path / "base"))
    stored = ["--storage-driver", "vfs", "--root", f"{tmp_path}/images", "--runroot", f"{tmp_path}/run"]
    base = run("buildah", *stored, "from", "scratch")
    run("buildah", *stored, "add", "--quiet", base, str(tmp_path / "base"), "/")
    run("buildah", *stored, "commit", "--quiet", base, "localhost/debian:12")
    build = [
        "--isolation",
        "chroot",
        "--network",
        "host",
        "--format",
        "docker",
        "--volume",
        "/etc/ssl/certs:/etc/ssl/certs:ro",
    ]
    named = [
        "--build-arg",
        "BASE=localhost/debian:12",
        "--file",
        "deploy/container/Containerfile",
        "--tag",
        "gateway",
        ".",
    ]
    run("buildah", *stored, "build", *build, *named, cwd=checkout)
    made = run("buildah", *stored, "from", "gateway")
    script = (
        "gateway init --config /tmp/c.toml; gateway serve --config /tmp/c.toml 2>/tmp/said & p=$!;"
        " until grep -q 'Try it' /tmp/said; do sleep 0.1; done; id -u;"
        " python3 -c 'import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:8081/healthz\").status)';"
        " find / -name '*.secret' -path '*site-packages*' 2>/dev/null;"
        " touch /etc/x 2>/dev/null; kill $p; wait $p; echo ended $?"
    )
    said = run("buildah", *stored, "run", "--isolation", "chroot", made, "--", "sh", "-c", script)
    lines = [line for line in said.splitlines() if not line.startswith("{")]
    assert lines == ["wrote /tmp/c.toml", "10001", "200", "ended 0"]


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout.strip()
