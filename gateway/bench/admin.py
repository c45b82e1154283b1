"""Asks a measured gateway's admin API, one request after another on one connection."""

import http.client
import json
from typing import Any

from gateway.bench.config import ENVIRONMENT
from gateway.bench.errors import BenchError
from gateway.bench.subjects import Subject

_HEADERS = {
    "Authorization": f"Bearer {ENVIRONMENT['GATEWAY_ADMIN_TOKEN']}",
    "Content-Type": "application/json",
}


class Admin:
    def __init__(self, subject: Subject) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", subject.admin_port, timeout=120)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Raises BenchError for an answer that is not 2xx."""
        text = self._text(method, f"/admin/v1{path}", None if body is None else json.dumps(body))
        return json.loads(text)

    def metric(self, name: str) -> float:
        lines = self._text("GET", "/metrics").splitlines()
        return sum(
            float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))
        )

    def _text(self, method: str, path: str, body: str | None = None) -> str:
        self._connection.request(method, path, body, _HEADERS)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.status // 100 != 2:
            raise BenchError(f"{method} {path.partition('?')[0]} was answered {answer.status}: {text[:200]}")
        return text
