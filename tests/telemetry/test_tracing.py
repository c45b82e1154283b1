"""The queue of spans: what is followed, what is dropped, and what a span says."""

import random

from gateway import trace
from gateway.telemetry.tracing import BATCH, Outcome, Server, Tracing

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
FOLLOWED, NOT_FOLLOWED = f"{ID}-01", f"{ID}-00"
REQUEST = "req_0123456789ab0000002a"
NOON = 1_790_000_000_000_000_000


class Counts(dict[Outcome, int]):
    def add(self, outcome: Outcome, spans: int) -> None:
        self[outcome] = self.get(outcome, 0) + spans


def tracing_of(share: float = 1.0, counts: Counts | None = None) -> Tracing:
    return Tracing(share, (Counts() if counts is None else counts).add, random.Random(7), lambda: NOON)


def commit(tracing: Tracing, calls: int) -> None:
    tracing.note_commit([(FOLLOWED, REQUEST)] * calls, calls, 0.25)


def test_a_collector_that_is_down_costs_bounded_memory_and_the_newest_spans_are_counted_as_lost() -> None:
    counts = Counts()
    tracing = tracing_of(counts=counts)
    commit(tracing, 10_000)
    sizes = list(iter(lambda: len(tracing.take()), 0))
    assert sizes == [BATCH] * 8
    assert counts == {"no_room": 10_000 - sum(sizes)}


def test_a_full_batch_wakes_whoever_sends_it() -> None:
    tracing = tracing_of()
    commit(tracing, BATCH - 1)
    assert not tracing.full.is_set()
    commit(tracing, 1)
    assert tracing.full.is_set()
    tracing.take()
    assert not tracing.full.is_set()


def test_the_share_concerns_only_calls_whose_caller_names_no_trace() -> None:
    assert tracing_of(0.0).joined("") == ""
    for share in (0.0, 1.0):
        assert tracing_of(share).joined(FOLLOWED) == FOLLOWED
        assert tracing_of(share).joined(NOT_FOLLOWED) == NOT_FOLLOWED
    made = {
        tracing_of(1.0).joined(""),
        *(joined for joined in map(tracing_of(0.25).joined, [""] * 400) if joined),
    }
    assert 50 < len(made) < 150
    assert all(
        trace.is_sampled(one) and trace.taken([trace.headers(one, REQUEST)["traceparent"]]) == one
        for one in made
    )


def test_what_belongs_to_no_followed_call_makes_no_span() -> None:
    tracing = tracing_of()
    assert tracing.step(NOT_FOLLOWED, REQUEST, "GET", "/x", {}) is None
    assert tracing.step("", REQUEST, "GET", "/x", {}) is None
    tracing.note_call("", REQUEST, (), "GET", "/x", 200, 0.1, {})
    tracing.note_commit([("", REQUEST), (NOT_FOLLOWED, REQUEST)], 2, 0.1)
    assert tracing.take() == []


def test_a_span_ends_when_it_is_noted_and_began_so_long_before() -> None:
    tracing = tracing_of()
    commit(tracing, 1)
    (span,) = tracing.take()
    assert (span.began, span.ended) == (NOON - 250_000_000, NOON)


def test_an_answer_is_an_error_of_a_call_from_500_on_and_of_a_request_from_400_on() -> None:
    tracing = tracing_of()
    for status in (200, 404, 500):
        tracing.note_call(FOLLOWED, REQUEST, (), "GET", "/x", status, 0.1, {})
        step = tracing.step(FOLLOWED, REQUEST, "GET", "/x", {})
        assert step is not None
        step.server, step.status = Server("127.0.0.1", 80), status
        step.end()
    errors = [
        (span.kind, span.attributes["http.response.status_code"], span.error) for span in tracing.take()
    ]
    assert errors == [
        ("server", 200, ""),
        ("client", 200, ""),
        ("server", 404, ""),
        ("client", 404, "404"),
        ("server", 500, "500"),
        ("client", 500, "500"),
    ]


def test_a_method_that_http_does_not_know_is_not_repeated() -> None:
    tracing = tracing_of()
    tracing.note_call(FOLLOWED, REQUEST, (), "ANN", "", 405, 0.1, {})
    (span,) = tracing.take()
    assert (span.name, span.attributes["http.request.method"]) == ("HTTP", "_OTHER")
    assert "http.route" not in span.attributes
