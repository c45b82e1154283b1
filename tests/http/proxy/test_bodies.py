"""What of a body is written anew, and that nothing else is."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.gameball.decode import parse
from gateway.http.gameball.envelope import INVALID_PAYLOAD, TOO_MANY_VALUES, Fault
from gateway.http.gameball.operations import CustomerPlaces
from gateway.http.proxy import body
from rules.normalize import Normalizer
from tests.support.in_process_gateway import default_rules

ONE, MANY = CustomerPlaces(body="one", attributes=True), CustomerPlaces(body="many", attributes=True)
KINDS = tuple(default_rules().identifiers)
NORMALIZER = Normalizer(default_rules())


def evidence(kind: str, text: str) -> Any:
    return NORMALIZER.evidence(kind, text, "EG")


read = partial(body.read, kinds=KINDS, normalize=evidence)


def rewritten(raw: bytes, canonical: str = "prf", named: CustomerPlaces = ONE) -> bytes:
    subjects = read(raw, named)
    assert not isinstance(subjects, Fault)
    for subject in subjects:
        if subject.customer_id:
            subject.call_it(canonical)
    return body.write(raw, subjects, many=named.body == "many")


def test_only_identities_change_and_the_rest_keeps_its_bytes() -> None:
    raw = (
        b'{ "z":1.50, "customerId" : "p-1","big":12345678901234567890123, "e":1E2,'
        b' "text":"\\u00e9\\/ \xc3\xa9", "mobile":"0100 123 4567", "nested":{"customerId":"p-1", "b":[ 1 , 2 ]},'
        b'"referrerCode":"p-1"}'
    )
    assert rewritten(raw) == (
        b'{"z":1.50,"customerId":"prf","big":12345678901234567890123,"e":1E2,'
        b'"text":"\\u00e9\\/ \xc3\xa9","mobile":"+201001234567","nested":{"customerId":"p-1", "b":[ 1 , 2 ]},'
        b'"referrerCode":"p-1"}'
    )


def test_a_body_that_is_right_as_it_is_passes_untouched() -> None:
    raw = b'{ "customerId": "ann", "email": "ann@example.com" , "mobile" : null }'
    assert rewritten(raw, "ann") is raw


members = st.dictionaries(
    st.text(max_size=6),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(
    members, st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and text.strip() == text)
)
def test_whatever_else_a_body_holds_arrives_as_it_was(others: dict[str, Any], canonical: str) -> None:
    known = {"customerid", "guest", "isguest", "customerattributes", *(kind.lower() for kind in KINDS)}
    others = {name: value for name, value in others.items() if name.lower() not in known}
    raw = json.dumps({**others, "customerId": "p-1"}, ensure_ascii=len(canonical) % 2 == 0).encode(
        "utf-8", "replace"
    )
    try:
        raw.decode()
        sent = rewritten(raw, canonical)
    except AssertionError:
        assert isinstance(parse(raw), Fault)  # a lone surrogate, or a number beyond all bounds
        return
    keep: dict[str, Any] = {"parse_float": str, "parse_int": str, "object_pairs_hook": list}
    before, after = json.loads(raw, **keep), json.loads(sent, **keep)
    assert after == [(name, canonical if name == "customerId" else value) for name, value in before]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                '"a":1',
                '"a" :1',
                '"b":1',
                '"a\\"":1',
                '"c":"x\\":1"',
                '"c":" :"',
                '"d":{"a":1,"a":2}',
                '"d":[]',
                '"e\\\\":1',
            ]
        ),
        max_size=5,
    )
)
def test_a_repeated_name_is_found_however_it_is_hidden(parts: list[str]) -> None:
    raw = ("{" + ",".join(parts) + "}").encode()
    pairs: list[list[tuple[str, Any]]] = []
    json.loads(raw, object_pairs_hook=lambda found: pairs.append(found))
    repeated = any(Counter(name for name, _ in found).most_common(1)[0][1] > 1 for found in pairs if found)
    assert isinstance(parse(raw), Fault) is repeated


def test_every_element_of_a_batch_names_its_customer() -> None:
    raw = b'[{"customerId":"a","email":"A@Example.com"},{"customerId":7,"x":[1.0]},{"orderId":"o"}]'
    assert rewritten(raw, "prf", MANY) == (
        b'[{"customerId":"prf","email":"a@example.com"},{"customerId":"prf","x":[1.0]},{"orderId":"o"}]'
    )


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (b'{"body":[]}', b'{"body":[]}'),
        (b'{ "body" : [ {"orderId":"o"} ] }', b'{ "body" : [ {"orderId":"o"} ] }'),
        (b' {"body":[{"customerId":"a"}]}', b'{"body":[{"customerId":"prf"}]}'),
        (b'{"Body":[{"customerId":"a"}]}', b'{"Body":[{"customerId":"prf"}]}'),
        (
            b'{"body":[{"customerId":7},{"CustomerId":"b"}]}',
            b'{"body":[{"customerId":"prf"},{"CustomerId":"prf"}]}',
        ),
        (
            b'{"name":"n\\u00e9","body":[{"customerId":"a","x": 1.50},{"orderId":"o"}],"customerId":"a","z":1E2}',
            b'{"name":"n\\u00e9","body":[{"customerId":"prf","x":1.50},{"orderId":"o"}],"customerId":"a","z":1E2}',
        ),
        (
            b'{"body":[{"customerId":"a","body":[{"customerId":"a"}]}]}',
            b'{"body":[{"customerId":"prf","body":[{"customerId":"a"}]}]}',
        ),
        (
            b'{"body":[{"customerId":"a","mobile":"01001234567","customerAttributes":{"mobile":"01001234567"}}]}',
            b'{"body":[{"customerId":"prf","mobile":"+201001234567","customerAttributes":{"mobile":"+201001234567"}}]}',
        ),
    ],
)
def test_a_batch_in_an_object_is_read_like_a_bare_one(raw: bytes, sent: bytes) -> None:
    assert rewritten(raw, "prf", MANY) == sent


@pytest.mark.parametrize(
    ("raw", "sent"),
    [
        (b'{"customerId":123}', b'{"customerId":"123"}'),
        (b'{"CustomerID":"p-1"}', b'{"CustomerID":"123"}'),
        (b'{"customerId":null,"x":1}', b'{"customerId":null,"x":1}'),
        (b'{"customerId":"p-1","MOBILE":"01001234567"}', b'{"customerId":"123","MOBILE":"+201001234567"}'),
        (
            b'{"customerId":"123","customerAttributes":{"Mobile":"01001234567","mail":"A@B.c"}}',
            b'{"customerId":"123","customerAttributes":{"Mobile":"+201001234567","mail":"A@B.c"}}',
        ),
        (b'{"customerId":"123","customerAttributes":{"mobile":"call me"}}', None),
        (b'{"customerId":"123","customerAttributes":"none"}', None),
        (b'{"customerId":"123","mobile":"12"}', None),
        (b'{"customerId":"123","mobile":1001234567}', b'{"customerId":"123","mobile":"+201001234567"}'),
        (b'{"customerId":"123","mobile":true}', None),
    ],
)
def test_odd_ways_of_writing_are_understood_or_left_alone(raw: bytes, sent: bytes | None) -> None:
    assert rewritten(raw, "123") == (raw if sent is None else sent)


@pytest.mark.parametrize(
    ("raw", "warning"),
    [
        (b'{"customerId":"a","mobile":"12"}', "mobile:"),
        (b'{"customerId":"a","mobile":12}', "mobile:not_text"),
        (b'{"customerId":"a","mobile":[]}', "mobile:not_text"),
        (b'{"customerId":"a","email":"nobody"}', "email:"),
    ],
)
def test_a_value_that_cannot_be_normalised_causes_a_warning_and_is_no_evidence(
    raw: bytes, warning: str
) -> None:
    subjects = read(raw, ONE)
    assert isinstance(subjects, list)
    (subject,) = subjects
    assert [one for one in subject.warnings if one.startswith(warning)]
    assert all(item.status == "invalid" for item in subject.evidence)


@pytest.mark.parametrize(
    ("named", "raw"),
    [
        (ONE, b'{"customerId":"a","customerId":"b"}'),
        (ONE, b'{"customerId":"a","CustomerId":"b"}'),
        (ONE, b'{"customerId":"a","customer\\u0049d":"b"}'),
        (ONE, b'{"customerId":"a"," customerId":"b"}'),
        (ONE, b'{"customerId":"a","customerId ":"b"}'),
        (ONE, b'{"customerId":"a","\\tcustomerId":"b"}'),
        (ONE, b'{"customerId":"a","customerId\\u0000":"b"}'),
        (ONE, b'{"customerId":"a","\\ufeffcustomerId":"b"}'),
        (ONE, b'{"customerId":"a","customer\\u200bId":"b"}'),
        (ONE, b'{"customerId":"a","customer\\u0131d":"b"}'),
        (ONE, b'{"customerId":"a","cu\\u017ftomerId":"b"}'),
        (ONE, '{"customerId":"a","\uff43ustomerId":"b"}'.encode()),
        (ONE, b'{"customerId":"a","customerId[]":"b"}'),
        (ONE, b'{"customerId":"a","customerId[0]":"b"}'),
        (ONE, b'{"customerId":"a","customerId.0":"b"}'),
        (ONE, b'{"customerId[]":["b"]}'),
        (ONE, b'{"customerId":"a","customerAttributes":{"email":"a@b.c","Email":"b@b.c"}}'),
        (ONE, b'{"customerId":"a","x":{"y":1,"y":2}}'),
        (ONE, b'{"customerId":{"a":1}}'),
        (ONE, b'{"customerId":true}'),
        (ONE, b'{"customerId":1.5}'),
        (ONE, b'[{"customerId":"a"}]'),
        (ONE, b'"a"'),
        (ONE, b""),
        (ONE, b'{"customerId":"a"} {}'),
        (ONE, b'{"customerId":"\xff"}'),
        (ONE, b'\xef\xbb\xbf{"customerId":"a"}'),
        (ONE, '{"customerId":"a"}'.encode("utf-16")),
        (ONE, b'{"customerId":"a\\u0000"}'),
        (ONE, b'{"customerId":"a","x":' + b"[" * 40 + b"]" * 40 + b"}"),
        (ONE, b'{"customerId":"a","x":' + b"[" * 1_000 + b"]" * 1_000 + b"}"),
        (MANY, b'{"customerId":"a"}'),
        (MANY, b"{}"),
        (MANY, b'{"body":null}'),
        (MANY, b'{"body":{"customerId":"a"}}'),
        (MANY, b'{"body":[{"customerId":"a"}],"Body":[{"customerId":"b"}]}'),
        (MANY, b'{"body":["a"]}'),
        (MANY, b'{"body":[[{"customerId":"a"}]]}'),
        (MANY, b'{"body":[{"customerId":"a","CustomerId":"b"}]}'),
        (MANY, b'[{"body":[{"customerId":"a"}]}, 1]'),
        (MANY, b"[null]"),
        (MANY, b'[["a"]]'),
        (MANY, b'[{"customerId":"a"},{"customerId":"b","customerId":"c"}]'),
    ],
)
def test_ambiguous_requests_are_refused(named: CustomerPlaces, raw: bytes) -> None:
    assert read(raw, named) == INVALID_PAYLOAD


def test_a_batch_is_bounded() -> None:
    raw = json.dumps([{"customerId": "a"}] * 1_000).encode()
    assert len(read(raw, MANY)) == 1_000  # pyright: ignore
    for written in ([{"customerId": "a"}] * 1_001, {"body": [{"customerId": "a"}] * 1_001}):
        assert read(json.dumps(written).encode(), MANY) == TOO_MANY_VALUES
