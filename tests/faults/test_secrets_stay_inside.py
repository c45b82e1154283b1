"""Whatever personal data or secret a call holds, wherever it holds it: no log line, no output, no metric and no audit event
shows it."""

import json
from collections.abc import Iterable

from tests.support.processes.client import (
    ACHIEVE,
    CUSTOMERS,
    Answer,
    HttpConnection,
    admin_request,
    call,
    request,
)
from tests.support.processes.evidence import rows
from tests.support.processes.gateway_process import API_KEY, SECRET_KEY, Process
from tests.support.processes.load import until

_NAME = "canaryname"
_EMAIL = "canary.bird@canarymail.example"
_MOBILE = "+201001234598"
_NATIONAL = "01001234598"
_TELLTALES = (_NAME, "canary.bird", "canarymail", "1001234598", "canarykey", API_KEY, SECRET_KEY)
_CUSTOMER = f"{CUSTOMERS}/canary-id"
_FIELDS = {
    "customerId": "canary-id",
    "email": _EMAIL,
    "mobile": _NATIONAL,
    "customerAttributes": {
        "displayName": _NAME,
        "firstName": _NAME,
        "lastName": _NAME,
        "email": _EMAIL,
        "mobile": _MOBILE,
        "dateOfBirth": "1980-01-01",
        "custom": {"favourite": _EMAIL},
    },
    "referrerCode": _NAME,
    "unknown": _EMAIL,
}


def _calls() -> Iterable[bytes]:
    """Accepted, refused, malformed and unauthenticated calls with a canary in every place that a caller can fill."""
    whole = json.dumps(_FIELDS).encode()
    achieve = {"customerId": "canary-id", "challengeId": 1, "email": _EMAIL, "mobile": _MOBILE}
    yield request("POST", CUSTOMERS, whole)
    yield request("POST", CUSTOMERS, whole[:-3])
    yield request("POST", CUSTOMERS, json.dumps({**_FIELDS, "email": {"x": _EMAIL}}).encode())
    yield request(
        "POST",
        CUSTOMERS,
        json.dumps({**_FIELDS, "email": f"{_EMAIL} <bad", "mobile": f"{_NATIONAL}x"}).encode(),
    )
    for customer_id in (_EMAIL, _MOBILE, f"{_NAME}\x00", _NAME * 20):
        yield request("POST", CUSTOMERS, json.dumps({"customerId": customer_id}).encode())
    yield request("POST", ACHIEVE, json.dumps(achieve).encode(), {"Idempotency-Key": "canarykey"})
    yield request("POST", ACHIEVE, json.dumps(achieve).encode(), {"Idempotency-Key": "canarykey"})
    yield request(
        "POST", ACHIEVE, json.dumps({**achieve, "challengeId": 2}).encode(), {"Idempotency-Key": "canarykey"}
    )
    yield request("POST", ACHIEVE, json.dumps(achieve).encode(), {"Idempotency-Key": f"{_EMAIL} bad"})
    yield request("POST", ACHIEVE, json.dumps({**achieve, "challengeId": _EMAIL}).encode())
    yield request("POST", ACHIEVE, json.dumps({**achieve, "customerId": _NAME}).encode())
    yield request("POST", f"{_CUSTOMER}/tags", json.dumps({"tags": ["vip"], "note": _EMAIL}).encode())
    for path in (_EMAIL, "%2B201001234598", _NAME, f"..%2f{_NAME}"):
        yield request("GET", f"{CUSTOMERS}/{path}")
        yield request("GET", f"{CUSTOMERS}/{path}/details?email={_EMAIL}&mobile=%2B201001234598")
    yield request("GET", f"/{_EMAIL}?{_EMAIL}")
    yield request("GET", f"/api/v4.1/{_EMAIL}//x")
    yield request("BREW", f"{CUSTOMERS}/{_EMAIL}")
    headers: dict[str, str] = dict.fromkeys(
        ("User-Agent", "X-Request-Id", "X-Forwarded-For", "Referer", "Cookie", "Lang"), _EMAIL
    )
    yield request("GET", _CUSTOMER, headers=headers)
    yield request("GET", _CUSTOMER, headers={"apikey": _EMAIL, "secretkey": _NAME}, keys=False)
    yield request("GET", _CUSTOMER, headers={"apikey": API_KEY, "secretkey": _NAME}, keys=False)
    yield request("POST", CUSTOMERS, whole, {"Content-Type": f"text/{_NAME}"})
    yield request("POST", CUSTOMERS, whole, {"Content-Encoding": _NAME})
    yield request("GET", _CUSTOMER, headers={"X_Email": _EMAIL, "Host": _EMAIL})
    yield request("GET", _CUSTOMER, headers={f"Bad {_EMAIL}": _EMAIL})
    yield f"GET /{_EMAIL} {_NAME}/1.1\r\n\r\n".encode()


async def _make_all_calls(process: Process) -> list[Answer]:
    answers: list[Answer] = []
    for data in _calls():
        async with HttpConnection(process.port) as connection:
            answer = await connection.call(data)
        if answer is not None:
            answers.append(answer)
    return answers


async def test_no_output_contains_personal_data_or_keys(steady: Process) -> None:
    answers = await _make_all_calls(steady)
    last = (await call(steady.port, request("GET", _CUSTOMER))).headers["x-request-id"]
    assert {200, 202, 400, 401, 404} <= {answer.status for answer in answers}
    assert all(answer.status < 500 for answer in answers)
    await until(lambda: last in steady.log.read_text())
    metrics = await call(steady.admin_port, admin_request("/metrics"))
    told = {
        "log": steady.log.read_text(),
        "output": steady.output.read_text(),
        "metrics": metrics.body.decode(),
        "refusals": "\n".join(answer.body.decode() for answer in answers if answer.status >= 400),
        "audit": "\n".join(map(str, rows(steady.database, "SELECT * FROM audit"))),
    }
    leaks = [(place, word) for place, text in told.items() for word in _TELLTALES if word in text.lower()]
    assert leaks == []
    assert all(told.values())
