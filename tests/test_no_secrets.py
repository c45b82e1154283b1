"""No secret is in the source tree or in the packages built from it."""

import hashlib
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_NAMES = re.compile(
    r"(\.secret|\.pem|\.key|\.p12|\.pfx|\.jks|\.kdbx|\.netrc|\.pgpass|\.htpasswd|(^|/)config\.toml|(^|/)\.env|(^|/)id_(rsa|dsa|ecdsa|ed25519))$"
)
_SHAPES = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY"
    rb"|\bAKIA[0-9A-Z]{16}\b"
    rb"|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    rb"|\bxox[abprs]-[0-9A-Za-z-]{20,}"
    rb"|\bsk_live_[0-9A-Za-z]{16,}"
)
_HEX = re.compile(rb"(?<![0-9A-Za-z])[0-9a-fA-F]{64,}(?![0-9A-Za-z])")
_ALONE = re.compile(rb"\s*[0-9A-Za-z+/=_-]{24,}\s*")
_BEFORE_A_DIGEST = (b"--hash=sha256:", b".mmd ")
"""Of a package in a lock file, and of the source of a picture."""
_KNOWN_DIGESTS = {
    "3c9d4cd803a39c4e1ef349bd034be588a210f69c35959896f9b0ff818955ea43",  # gateway/config/master_secret.py: a digest
    "ab8c36d36d628573ab59f3c0b6e837799e9673cf3546b3e283d93e10da6bbd7d",  # gateway/store/migrations/steps.py: a digest
}
_OF_TESTS = ("tests/store/schema_52.sql", "gateway/http/admin/examples/")
"""What the gateways of tests wrote: it has digests and signatures under the test's own secret."""


def _suspicious(name: str, content: bytes) -> list[str]:
    """What of one file looks like a secret."""
    found = [f"{name}: such a file holds a secret"] if _NAMES.search(name) else []
    found += [f"{name}: {shape.group()[:16]!r}…" for shape in _SHAPES.finditer(content)]
    found += [
        f"{name}: 64 hex digits, {digits.group()[:4]!r}…"
        for digits in _HEX.finditer(content)
        if not any(place in name for place in _OF_TESTS)
        and digits.group().decode().lower() not in _KNOWN_DIGESTS
        and not content.endswith(_BEFORE_A_DIGEST, 0, digits.start())
    ]
    if _ALONE.fullmatch(content):
        found.append(f"{name}: one long word and nothing else")
    return found


def _tree() -> Mapping[str, bytes]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [path for path in listed.decode().split("\0") if path and (ROOT / path).is_file()]
    return {path: (ROOT / path).read_bytes() for path in paths}


def _packed(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                if not name.endswith("/RECORD"):
                    yield name, wheel.read(name)
        return
    with tarfile.open(archive) as sdist:
        for member in sdist.getmembers():
            if (file := sdist.extractfile(member)) is not None:
                yield member.name, file.read()


def test_no_file_of_the_tree_looks_like_a_secret() -> None:
    tree = _tree()
    assert tree
    assert [line for name, content in tree.items() for line in _suspicious(name, content)] == []


def test_the_packages_leave_secrets_and_settings_of_a_checkout_behind(tmp_path: Path) -> None:
    """Built from a copy of the tree in which a gateway has run."""
    checkout, built = tmp_path / "checkout", tmp_path / "dist"
    for name, content in _tree().items():
        if not name.startswith("tests/") or name == "tests/test_no_secrets.py":
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_bytes(content)
    secret = hashlib.sha256(b"a secret of this test").hexdigest()
    for name in (
        "gateway.secret",
        "gateway.db.secret",
        "deploy/till.secret",
        "gateway/own.secret",
        "config.toml",
    ):
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text(secret + "\n")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(built)],
        cwd=checkout,
        capture_output=True,
        check=True,
    )
    archives = sorted(built.iterdir())
    assert [archive.suffix for archive in archives] == [".whl", ".gz"]
    for archive in archives:
        files = list(_packed(archive))
        assert any(name.endswith("gateway/app/opening.py") for name, _ in files)
        assert [line for name, content in files for line in _suspicious(name, content)] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gateway.secret", b""),
        ("deploy/config.toml", b"[server]"),
        ("tls/server.key", b"x"),
        ("a.txt", b"-----BEGIN EC " + b"PRIVATE KEY-----"),
        ("a.py", b'secret = "' + b"0f" * 32 + b'"'),
        ("data", b"Zm9vYmFy" * 4),
    ],
)
def test_the_search_finds_what_a_secret_looks_like(name: str, content: bytes) -> None:
    assert _suspicious(name, content)
