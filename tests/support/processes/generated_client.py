"""Calls every operation by a generated client, in a process of its own: the client's packages are not the gateway's.

Reads on stdin where the gateway is and what to call, as JSON, and prints for each call what came back. It runs in the directory
that holds the client, and imports nothing of this project."""

import importlib
import inspect
import json
import sys
import threading
from enum import Enum
from types import ModuleType
from typing import Any, get_args, get_type_hints

PACKAGE = "gateway_admin"


def main() -> None:
    asked = json.load(sys.stdin)
    sys.path.insert(0, ".")
    make = importlib.import_module(f"{PACKAGE}.client").AuthenticatedClient

    def client(token: str, **more: Any) -> Any:
        return make(base_url=asked["url"], token=token, **more)

    rights = {name: client(token) for name, token in asked["tokens"].items()}
    answers: list[dict[str, Any]] = []
    for call in asked["calls"]:
        if call["live"]:
            answers.append(
                follow(call, client(asked["tokens"]["listener"], timeout=60), rights["admin"], asked)
            )
        else:
            answers.append(one(call, rights[call["as"]]))
    json.dump(answers, sys.stdout)


def one(call: dict[str, Any], client: Any) -> dict[str, Any]:
    """The status, the name of the type that was read, and whether the type tells all that was sent."""
    operation = module(call)
    answer = operation.sync_detailed(client=client, **arguments(operation, call))
    kind = type(answer.parsed)
    assert kind.__module__.startswith(f"{PACKAGE}.models."), (call["operation"], answer)
    return {
        "status": int(answer.status_code),
        "type": kind.__name__,
        "sent": json.loads(answer.content),
        "read": answer.parsed.to_dict(),
    }


def follow(call: dict[str, Any], client: Any, admin: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """A stream ends with the token of its listener, which is replaced as soon as the stream has begun."""
    begun = threading.Event()
    client.get_httpx_client().event_hooks["response"].append(lambda _: begun.set())
    operation, found = module(call), []
    given = arguments(operation, call)
    thread = threading.Thread(target=lambda: found.append(operation.sync_detailed(client=client, **given)))
    thread.start()
    assert begun.wait(60), "the stream does not begin"
    rotation = {"operation": "rotate_operator", "subject": "operators", "path": {"name": "listener"}}
    rotate = module(rotation)
    again = arguments(rotate, {**rotation, "query": {}, "body": {"grace_seconds": 0}})
    asked["tokens"]["listener"] = rotate.sync(client=admin, **again).token
    thread.join(60)
    (answer,) = found
    return {"status": int(answer.status_code), "type": type(answer.parsed).__name__, "read": answer.parsed}


def module(call: dict[str, Any]) -> ModuleType:
    return importlib.import_module(f"{PACKAGE}.api.{call['subject']}.{call['operation']}")


def arguments(operation: ModuleType, call: dict[str, Any]) -> dict[str, Any]:
    """What the function of the operation takes, in its own types."""
    kinds = get_type_hints(operation.sync_detailed)
    taken = inspect.signature(operation.sync_detailed).parameters
    given = {**call["path"], **call["query"]}
    made = {}
    for name, value in given.items():
        own = name if name in taken else f"{name}_"
        made[own] = typed(kinds[own], value)
    if call["body"] is not None:
        made["body"] = typed(kinds["body"], call["body"])
    return made


def typed(kind: Any, value: Any) -> Any:
    for one in get_args(kind) or (kind,):
        if isinstance(one, type) and issubclass(one, Enum):
            return one(value)
        if isinstance(value, dict) and hasattr(one, "from_dict"):
            return one.from_dict(value)
    return value


if __name__ == "__main__":
    main()
