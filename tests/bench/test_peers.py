"""The peers of the benchmark: what they have to do before their figures count, and that nothing else needs them."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from rich.progress import Progress

from gateway.bench import peers
from gateway.bench.database import Databases, SqliteFile
from gateway.bench.errors import BenchError
from gateway.bench.options import FULL, QUICK, BenchOptions
from gateway.bench.rounds import Session
from gateway.bench.subjects import Subject, direct
from gateway.bench.workload import achieve_request, person

PEOPLE = 3


def test_a_run_has_no_peers_unless_they_are_asked_for() -> None:
    assert "peers" not in FULL.parts + QUICK.parts


def test_packages_that_are_missing_are_named_with_the_file_that_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "_NEEDED", ("json", "no_such_package"))
    session = Session(BenchOptions(), tmp_path, Databases(""), Progress(disable=True))
    with pytest.raises(BenchError, match=r"^no_such_package .*requirements/peers\.txt"):
        peers.peers(session)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> SqliteFile:
    return SqliteFile(tmp_path_factory.mktemp("peer") / "peer.db")


@pytest.fixture(scope="module")
def service(database: SqliteFile, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with direct(tmp_path_factory.mktemp("service"), database, PEOPLE) as subject:
        yield subject


def send(service: Subject, request: bytes) -> tuple[int, str]:
    """The status, and the customer whom the answer names."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    connection = HTTPConnection("127.0.0.1", service.port, timeout=10)
    connection.request("POST", first.split()[1], body, dict(line.split(": ", 1) for line in lines))
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)["customerId"] if text else ""


def test_the_direct_service_stores_each_achievement_once(service: Subject, database: SqliteFile) -> None:
    known = person(1)
    assert send(service, achieve_request(known, 7)) == (202, known.customer_id)
    assert send(service, achieve_request(known, 7)) == (409, known.customer_id)
    assert send(service, achieve_request(known, 8)) == (202, known.customer_id)
    stored = database.rows("SELECT customer, challenge FROM achievement WHERE challenge IN (7, 8) ORDER BY 2")
    assert stored == [(known.customer_id, 7), (known.customer_id, 8)]


def test_the_direct_service_knows_a_customer_by_an_email_or_a_mobile(
    service: Subject, database: SqliteFile
) -> None:
    known, stranger = person(2), person(PEOPLE + 5)
    assert send(service, achieve_request(known._replace(customer_id="till-9"), 9)) == (202, known.customer_id)
    assert send(service, achieve_request(stranger, 9)) == (202, stranger.customer_id)
    assert database.rows("SELECT count(*) FROM customer") == [(PEOPLE + 1,)]


def test_the_direct_service_asks_for_the_keys(service: Subject) -> None:
    request = achieve_request(person(0), 1).replace(b"secretkey: b", b"secretkey: x")
    assert send(service, request) == (401, "")
