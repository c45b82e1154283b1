"""The trace of a call: taken over or made, and what is sent on of it."""

import pytest

from gateway import trace

ID, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUEST = "req_0123456789ab0000002a"


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ([], ""),
        ([f"00-{ID}-{PARENT}-01"], f"{ID}-01"),
        ([f"00-{ID}-{PARENT}-00"], f"{ID}-00"),
        ([f"01-{ID}-{PARENT}-01-what-is-new"], f"{ID}-01"),
        ([f"00-{ID}-{PARENT}-01-what-is-new"], ""),
        ([f"ff-{ID}-{PARENT}-01"], ""),
        ([f"00-{'0' * 32}-{PARENT}-01"], ""),
        ([f"00-{ID}-{'0' * 16}-01"], ""),
        ([f"00-{ID.upper()}-{PARENT}-01"], ""),
        ([f" 00-{ID}-{PARENT}-01"], ""),
        ([f"00-{ID}-{PARENT}"], ""),
        (["ann@example.com"], ""),
        ([f"00-{ID}-{PARENT}-01"] * 2, ""),
    ],
)
def test_only_a_well_formed_trace_is_taken(headers: list[str], taken: str) -> None:
    assert trace.taken(headers) == taken


@pytest.mark.parametrize(
    ("taken", "step", "sent"),
    [
        (f"{ID}-01", "", f"00-{ID}-456789ab0000002a-01"),
        (f"{ID}-01", "00000000000000ff", f"00-{ID}-00000000000000ff-01"),
        ("", "", "00-0000000000000123456789ab0000002a-456789ab0000002a-00"),
        ("", trace.step_of_delivery(255), "00-0000000000000123456789ab0000002a-00000000000000ff-00"),
    ],
)
def test_an_outgoing_call_is_a_step_of_the_same_trace(taken: str, step: str, sent: str) -> None:
    headers = trace.headers(taken, REQUEST, step)
    assert headers == {"X-Request-Id": REQUEST, "traceparent": sent}
    assert trace.taken([sent])
    assert trace.trace_id(taken, REQUEST) == sent.split("-")[1]


def test_an_operators_call_has_a_trace_and_background_work_has_none() -> None:
    headers = trace.headers("", "req_0123456789abcdef")
    assert trace.taken([headers["traceparent"]])
    assert trace.headers("", "") == {}
    assert trace.trace_id("", "") == ""


def test_whoever_begins_a_trace_decides_whether_it_is_followed() -> None:
    followed = {flags: trace.is_sampled(f"{ID}-{flags}") for flags in ("00", "01", "02", "03", "0a", "ff")}
    assert followed == {"00": False, "01": True, "02": False, "03": True, "0a": False, "ff": True}
    assert not trace.is_sampled("")
    assert trace.begun(42) == f"{42:032x}-01"
    assert trace.is_sampled(trace.begun(42))


def test_a_call_is_a_step_under_the_callers_step() -> None:
    assert trace.parent([f"00-{ID}-{PARENT}-01"]) == PARENT
    assert trace.parent(["ann@example.com"]) == trace.parent([]) == ""
    sent = trace.headers(f"{ID}-01", REQUEST)["traceparent"]
    assert trace.parent([sent]) == trace.step_of_call(REQUEST)
