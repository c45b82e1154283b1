"""`kill -9` while a job runs, and calls beside it: every change is made once, with the count of the job, and calls do not wait for
its end."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.sqlite_library import sqlite3
from tests.support.processes.gateway_process import ADMIN_TOKEN, API_KEY, SECRET_KEY, Process

_PATIENCE = 90.0
_KILLS = 2


class Desk:
    """A gateway with `pairs` of customers who share an address and differ in their numbers, and a job that answers them all."""

    def __init__(self, directory: Path, pairs: int) -> None:
        self.process, self.pairs = Process(directory), pairs
        self.process.start()
        for number in range(pairs):
            for side in (1, 2):
                mobile = f"+2010{side}{1_000_000 + 7 * number}"
                self.call(f"{number}-{side}", email=f"{number}@example.com", mobile=mobile)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
        return self._send(self.process.admin_port, method, f"/admin/v1{path}", headers, body)

    def call(self, customer_id: str, **identifiers: str) -> Any:
        headers = {"apikey": API_KEY, "secretkey": SECRET_KEY, "Content-Type": "application/json"}
        path = "/api/v4.1/integrations/customers"
        return self._send(
            self.process.port, "POST", path, headers, {"customerId": customer_id, **identifiers}
        )

    def _send(self, port: int, method: str, path: str, headers: dict[str, str], body: Any) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request(method, path, json.dumps(body or {}), headers)
            answer = connection.getresponse()
            told = answer.read()
            assert answer.status == 200, told
            return json.loads(told)

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self.process.database}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()

    def begin(self) -> str:
        body = {"since": "1d", "reason": "families"}
        assert self.ask("POST", "/reviews/reject", {**body, "dry_run": True})["matched"] == self.pairs
        return self.ask("POST", "/reviews/reject", {**body, "expected": self.pairs})["job"]["id"]

    def answered(self) -> int:
        [[count]] = self.rows("SELECT COUNT(*) FROM audit WHERE action = 'review.rejected'")
        return count

    def wait_for(self, answers: int) -> None:
        """Calls make the job pause between its steps, so it is not over before it is looked at."""
        deadline = time.monotonic() + _PATIENCE
        while self.answered() < answers:
            assert time.monotonic() < deadline
            self.call("0-1")


@pytest.fixture
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    made = Desk(tmp_path, request.param)
    yield made
    made.process.kill()


@pytest.mark.parametrize("desk", [60], indirect=True)
def test_a_job_that_was_killed_continues_and_does_each_thing_once(desk: Desk) -> None:
    job, torn = desk.begin(), 0
    for kill in range(1, _KILLS + 1):
        desk.wait_for(kill * desk.pairs // (_KILLS + 1))
        desk.process.kill()
        [(done, state)] = desk.rows("SELECT done, state FROM job")
        assert done == desk.answered()
        torn += state == "running"
        desk.process.start()
    assert torn
    desk.wait_for(desk.pairs)
    while (shown := desk.ask("GET", f"/jobs/{job}"))["state"] == "running":
        time.sleep(0.01)
    assert (shown["state"], shown["done"], shown["passed"]) == ("done", desk.pairs, 0)
    [[objects]] = desk.rows("SELECT COUNT(DISTINCT object) FROM audit WHERE action = 'review.rejected'")
    assert (objects, desk.answered()) == (desk.pairs, desk.pairs)
    assert desk.rows("SELECT COUNT(*) FROM review WHERE state = 'open'") == [(0,)]
    told = desk.rows("SELECT action FROM audit WHERE action LIKE 'job.%' ORDER BY event_id")
    assert told == [("job.started",), ("job.ended",)]


@pytest.mark.parametrize("desk", [pytest.param(10_000, marks=pytest.mark.soak)], indirect=True)
def test_calls_go_on_between_the_steps_of_a_long_job(desk: Desk) -> None:
    job = desk.begin()
    calls, counts = 0, list[int]()
    while (shown := desk.ask("GET", f"/jobs/{job}"))["state"] == "running":
        for _ in range(20):
            calls += 1
            desk.call(f"new-{calls}")
        counts.append(shown["done"])
    assert (shown["state"], shown["done"]) == ("done", desk.pairs)
    assert calls > 1_000
    assert len(set(counts)) > 50
