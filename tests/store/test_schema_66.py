"""The step to schema 66: jobs that were running are cancelled, because no event vouches for them."""

import contextlib

from gateway.sqlite_library import sqlite3
from gateway.store.migrations.steps import all_migrations
from gateway.store.queries.jobs import JOB

_STEP = 66
_ADD = "INSERT INTO job VALUES (?, 'undo_merges', ?, 'why', 5, 'operator:ann', 7, 9, ?, 1, 0, NULL)"


def test_a_job_that_was_running_is_cancelled_and_one_that_is_done_stays_so() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        for step in all_migrations():
            if step.version == _STEP:
                for number, state in ((1, "done"), (2, "running")):
                    database.execute(_ADD, (number, '{"rule":"r"}', state))
            database.executescript(step.sql)
        done, running = [JOB.read(row) for row in database.execute(f"SELECT {JOB.select('j')} FROM job AS j")]
    assert (done.state, done.above, done.run_by, done.run_since) == ("done", 9, "operator:ann", 7)
    assert (running.state, running.ended_at, running.filter) == ("cancelled", 7, {"rule": "r"})
