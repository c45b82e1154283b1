"""The wheel: built twice the same, it runs where there is no checkout, from settings that it wrote itself."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BARE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def build(checkout: Path, into: Path) -> Path:
    """As `pip wheel` does, with the pinned back end."""
    command = ["-m", "hatchling", "build", "--target", "wheel", "--directory", str(into)]
    subprocess.run([sys.executable, *command], cwd=checkout, check=True, capture_output=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def copy_of_the_tree(into: Path) -> Path:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in listed.decode().split("\0"):
        if name.startswith(("gateway", "rules", "config.", "pyproject", "README", ".gitignore")):
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, into / name, follow_symlinks=False)
    return into


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`gateway` in an environment of its own: what it depends on comes from ours, the gateway itself from the wheel only."""
    directory = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory)], check=True)
    packages = next(directory.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = ["-m", "pip", "--python", str(directory / "bin/python"), "install", "--no-deps", "--no-index"]
    subprocess.run([sys.executable, *install, "--quiet", "--ignore-installed", str(wheel)], check=True)
    return directory / "bin/gateway"


def test_two_builds_are_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """Wherever it is built, whatever the times of the files."""
    with tempfile.TemporaryDirectory() as elsewhere:
        again = build(copy_of_the_tree(Path(elsewhere)), tmp_path)
        assert again.name == wheel.name
        assert again.read_bytes() == wheel.read_bytes()


def test_it_installs_two_packages_and_nothing_beside_them(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    (described,) = {name.partition("/")[0] for name in names} - {"gateway", "rules"}
    assert described.endswith(".dist-info")
    assert "gateway/config.example.toml" in names
    assert {
        f"gateway/http/console/{one}" for one in ("texts.toml", "templates/frame.html", "static/console.css")
    } <= {*names}
    assert not [name for name in names if name.endswith((".pyc", ".db", ".log"))]


def test_it_serves_from_the_settings_that_it_wrote(
    program: Path, tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    public, admin = unused_tcp_port_factory(), unused_tcp_port_factory()
    said = subprocess.run(
        [program, "init"], cwd=tmp_path, env=BARE, check=True, capture_output=True, text=True
    )
    assert said.stdout == "wrote config.toml\n"
    settings = tmp_path / "config.toml"
    text = settings.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{public}")
    settings.write_text(text.replace("127.0.0.1:8081", f"127.0.0.1:{admin}"))
    api_key, secret_key = re.findall(r'^\w+_key = "(gw_\w+)"', text, flags=re.M)[:2]
    process = subprocess.Popen(
        [program, "serve"], cwd=tmp_path, env=BARE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert f"http://127.0.0.1:{public}" in "".join(iter(process.stderr.readline, "Try it:\n"))
        call = urllib.request.Request(
            f"http://127.0.0.1:{public}/api/v4.1/integrations/customers",
            b'{"customerId": "c-1"}',
            {"apikey": api_key, "secretkey": secret_key, "content-type": "application/json"},
        )
        with urllib.request.urlopen(call, timeout=20) as answer:
            assert answer.status == 200
        where = subprocess.run(
            [program.with_name("python"), "-c", "import gateway, rules; print(gateway.__file__, rules.__file__)"],
            cwd=tmp_path, env=BARE, check=True, capture_output=True, text=True,
        )  # fmt: skip
        assert str(ROOT) not in where.stdout
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert os.listdir(tmp_path)


@pytest.mark.soak
def test_it_runs_on_each_python_of_this_machine(wheel: Path, tmp_path: Path) -> None:
    """With everything fetched as an installation fetches it."""
    named = [shutil.which(f"python3.{minor}") for minor in range(11, 15)]
    pythons = [python for python in named if python and answers(python)]
    assert pythons
    for number, python in enumerate(pythons):
        place = tmp_path / str(number)
        subprocess.run([python, "-m", "venv", str(place)], check=True)
        install = [place / "bin/pip", "install", "--quiet"]
        lock = ROOT / "requirements/runtime.txt"
        subprocess.run([*install, "--require-hashes", "--requirement", lock], check=True)
        subprocess.run([*install, "--no-deps", str(wheel)], check=True)
        for words in (["init"], ["check"], ["demo"]):
            ended = subprocess.run([place / "bin/gateway", *words], cwd=place, env=BARE, check=False)
            assert ended.returncode == 0, (python, words)


def answers(python: str) -> bool:
    return subprocess.run([python, "-c", "import venv"], check=False, capture_output=True).returncode == 0
