"""A second real server that behaves as the loyalty platform is published to: its keys, quotas, error shapes, misspellings, and a
dedup window for each raw customer id; and that misbehaves on demand. It knows nothing of the gateway's code but the
platform's facts in `http/proxy/platform_operations.txt`.
"""

import asyncio
import contextlib
import json
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Callable
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from multidict import CIMultiDict

from tests.support import older_versions
from tests.support.platform_calls import (
    API_KEY,
    OPERATIONS,
    SECOND,
    SECRET_KEY,
    AnsweredByHand,
    Call,
    Clock,
    Customer,
    Operation,
    OwnClock,
    Refused,
    Seen,
    find_operation,
    parsed,
    rate_class_of,
    required,
)
from tests.support.upstream_faults import FAULTS

MULTIPLE = "can't send this action multiple times"


class Platform:
    """`always` and `next` name faults of `misbehaviour`, or "500", "502", "503", "504", "429", "swallowed" (carried out, then no
    answer), "slow" and "held" (until `released` is set); what `next` holds goes to one request each, None being none. `retry_after`
    goes out with "429". `disguise` writes an answer's body and headers otherwise, under `disguised_status` where that is set."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or OwnClock()
        self.seen: list[Seen] = []
        self.customers: dict[str, Customer] = {}
        self.campaigns = {11664: 100, 11665: 20}
        self.dedup_window = 60 * SECOND
        self.grant_delay = 0
        self.limits = True
        self.overruns = 0
        self.always: str | None = None
        self.next: deque[str | None] = deque()
        self.retry_after: str | None = None
        self.slowness = 0.1
        self.released = asyncio.Event()
        self.headers = CIMultiDict({"Server": "Kestrel", "X-Powered-By": "ASP.NET"})
        self.headers.add("Set-Cookie", "ARRAffinity=1; Path=/; HttpOnly")
        self.headers.add("Set-Cookie", "ARRAffinitySameSite=1; Path=/; HttpOnly")
        self.disguise: Callable[[bytes, CIMultiDict[str]], bytes] | None = None
        self.disguised_status = 0
        self.url = ""
        self.tls: ssl.SSLContext | None = None
        self._sent: defaultdict[str, deque[int]] = defaultdict(deque)
        self._accepted: dict[tuple[str, int], int] = {}
        self._due: list[tuple[int, str, int]] = []
        self._batches: dict[str, list[str]] = {}
        self._runner: web.ServerRunner | None = None
        self._port = 0

    # ---- the server ----

    async def accept(self) -> None:
        """Take connections; after `refuse`, on the same port as before."""
        server = web.Server(self._serve, access_log=None, auto_decompress=False, handler_cancellation=True)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True, ssl_context=self.tls)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def refuse(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        connection = id(request.transport)
        seen = Seen(
            request.method, request.raw_path, CIMultiDict(request.headers), body, self.clock.now(), connection
        )
        self.seen.append(seen)
        fault = self.next.popleft() if self.next else self.always
        if fault is None:
            return self._answer(seen)
        return await self._misbehave(fault, seen, request)

    async def _misbehave(self, fault: str, seen: Seen, request: web.BaseRequest) -> web.StreamResponse:
        if fault == "slow":
            await asyncio.sleep(self.slowness)
            return self._answer(seen)
        if fault == "held":
            await self.released.wait()
            return self._answer(seen)
        if fault == "429":
            return web.Response(
                status=429, headers={"Retry-After": self.retry_after} if self.retry_after else None
            )
        if fault.isdigit():
            refusal = Refused(int(fault), 5000, "something went wrong")
            return web.json_response(refusal.body, status=refusal.status)
        if fault == "swallowed":
            self._answer(seen)
            fault = "closed"
        assert isinstance(request.transport, asyncio.Transport)
        await FAULTS[fault](request.transport)
        return AnsweredByHand()

    # ---- what every call passes ----

    def _answer(self, seen: Seen) -> web.Response:
        self._grant_due()
        if seen.raw_path.startswith("/api/v1.0/Bots/BotSettings") and seen.headers.get("apikey") == API_KEY:
            return web.json_response({"clientBotSettings": {}}, headers=self.headers)
        older = older_versions.answer(self, seen, API_KEY, SECRET_KEY)
        if older is not None:
            return web.json_response(older.body, status=older.status, headers=self.headers)
        try:
            call = self._admit(seen)
            if call is None:
                return web.Response(
                    status=404, headers=self.headers
                )  # no route: an empty body, unlike an unknown customer
            status, answer = self._carry_out(call)
        except Refused as refused:
            status, answer = refused.status, refused.body
        if status == 429:
            return web.Response(status=429, headers=self.headers)
        if self.disguise is not None:
            headers = self.headers.copy()
            headers["Content-Type"] = "application/json; charset=utf-8"
            body = self.disguise(json.dumps(answer).encode(), headers)
            return web.Response(status=self.disguised_status or status, body=body, headers=headers)
        return (
            web.json_response(answer, status=status, headers=self.headers)
            if answer is not None
            else web.Response(headers=self.headers)
        )

    def _admit(self, seen: Seen) -> Call | None:
        path, _, query = seen.raw_path.partition("?")
        head, version, below = (
            path.partition("/api/v4")[0],
            *path.partition("/api/v4")[2].partition("/integrations")[::2],
        )
        if head or version not in {"", ".0", ".1"}:
            return None
        found = find_operation("GET" if seen.method == "HEAD" else seen.method, below.split("/"))
        if found is None:
            return None
        operation, parameters = found
        if seen.headers.get("apikey") != API_KEY:
            raise Refused(401, 1000, "Unauthorized access. Please authenticate to proceed.", short=True)
        if (operation.secret or version == ".1") and seen.headers.get("secretkey") != SECRET_KEY:
            code = 1006 if operation.path[-1] == "social-challenges" else 1001
            raise Refused(401, code, "your request is missing the secret key.")
        self.count(operation)
        return Call(
            operation,
            parameters,
            {name: values[0] for name, values in parse_qs(query).items()},
            parsed(seen.body),
        )

    def count(self, operation: Operation) -> None:
        """The quota of the operation's class in the last second and the last 30 seconds."""
        rate, (per_second, per_window) = rate_class_of(operation)
        now, sent = self.clock.now(), self._sent[rate]
        while sent and sent[0] <= now - 30 * SECOND:
            sent.popleft()
        recent = sum(1 for at in reversed(sent) if at > now - SECOND)
        if self.limits and (recent >= per_second or len(sent) >= per_window):
            self.overruns += 1
            raise Refused(429, 5000, "")
        sent.append(now)

    # ---- what it does ----

    def _carry_out(self, call: Call) -> tuple[int, Any]:
        handler = _HANDLERS.get(f"{call.operation.method} {'/'.join(call.operation.path)}")
        return handler(self, call) if handler else self._echo(call)

    def customer(self, customer_id: object) -> Customer:
        customer = self.customers.get(str(customer_id))
        if customer is None:
            raise Refused(404, 4004, "customer does not exist")
        return customer

    def ensure(self, customer_id: str) -> Customer:
        return self.customers.setdefault(customer_id, Customer(gameball_id=800_000 + len(self.customers)))

    def _upsert(self, call: Call) -> tuple[int, Any]:
        customer = self.ensure(required(call, "customerId", "customer id is missing"))
        customer.attributes.update(call.body.get("customerAttributes") or {})
        for name in ("email", "mobile"):
            if call.body.get(name):
                customer.attributes[name] = call.body[name]
        customer.guest = bool(call.body.get("guest", customer.guest))
        return 200, {"gameballId": customer.gameball_id}

    def _get(self, call: Call) -> tuple[int, Any]:
        customer = self.customer(call.customer_id)
        public = {
            name: value
            for name, value in customer.attributes.items()
            if name in {"country", "city", "gender"}
        }
        return 200, self._card(call, customer, public | {"utMs": [], "utms": []})

    def _details(self, call: Call) -> tuple[int, Any]:
        customer = self.customer(call.customer_id)
        return 200, self._card(call, customer, customer.attributes | {"joinDate": "2026-01-01T10:00:00"})

    def _card(self, call: Call, customer: Customer, attributes: dict[str, Any]) -> dict[str, Any]:
        return {
            "customerId": call.customer_id,
            "gameballId": customer.gameball_id,
            "customerAttributes": attributes | {"tags": sorted(customer.tags)},
            "referralCode": f"R{customer.gameball_id}",
        }

    def _delete(self, call: Call) -> tuple[int, Any]:
        self.customer(call.customer_id)
        del self.customers[str(call.customer_id)]
        return 200, None

    def _activate(self, call: Call) -> tuple[int, Any]:
        customer, active = self.customer(call.customer_id), call.body["isActive"]
        changed, customer.active = customer.active != active, active
        return 200, {"customerId": call.customer_id, "isActive": active, "stateChanged": changed}

    def _tag(self, call: Call) -> tuple[int, Any]:
        tags = {tag.strip() for tag in call.body["tags"].split(",")}
        customer = self.customer(call.customer_id)
        customer.tags = customer.tags | tags if call.operation.method == "POST" else customer.tags - tags
        return 200, {"success": True, "message": "tags updated"}

    def _balance(self, call: Call) -> tuple[int, Any]:
        points = self.customer(call.customer_id).points
        return 200, {
            "totalPointsBalance": points,
            "avaliablePointsBalance": points,
            "avaliablePointsValue": points / 100,
            "pendingPoints": 0,
            "nextExpiringPointsDate": "2027-12-01T00:00:00",
            "currency": "USD",
        }

    def _achieve(self, call: Call) -> tuple[int, Any]:
        customer_id = required(call, "customerId", "customer id is missing")
        campaign = required(call, "challengeId", "rewards campaign handle is missing")
        self.customer(customer_id)
        now, key = self.clock.now(), (customer_id, campaign)
        if key in self._accepted and now < self._accepted[key] + self.dedup_window:
            raise Refused(400, 4000, MULTIPLE)
        self._accepted[key] = now
        self._due.append((now + self.grant_delay, customer_id, campaign))
        return 202, {"customerId": customer_id, "challengeId": campaign}

    def _grant_due(self) -> None:
        now = self.clock.now()
        ready, self._due = (
            [due for due in self._due if due[0] <= now],
            [due for due in self._due if due[0] > now],
        )
        for _, customer_id, campaign in ready:
            customer = self.customers.get(customer_id)
            if customer is None or not customer.active or campaign not in self.campaigns:
                continue
            customer.achieved[campaign] += 1
            customer.points += self.campaigns[campaign]
            customer.activities.append(_activity(customer_id, customer, self.campaigns[campaign]))

    def _activities(self, call: Call) -> tuple[int, Any]:
        after, limit = int(call.query.get("startAfter", 0)), int(call.query.get("limit", 50))
        found = [one for one in self.customer(call.customer_id).activities if one["activityId"] > after]
        return 200, {"activities": found[:limit], "count": len(found[:limit]), "hasMore": len(found) > limit}

    def _count_activities(self, call: Call) -> tuple[int, Any]:
        return 200, {"count": len(self.customer(call.customer_id).activities)}

    def _progress(self, call: Call) -> tuple[int, Any]:
        customer, wanted = self.customer(call.customer_id), call.query.get("campaignId")
        return 200, [
            {
                "rewardsCampaignName": f"campaign {campaign}",
                "rewardsCampaignId": campaign,
                "isUnlocked": True,
                "achievedCount": customer.achieved[campaign],
                "completionPercentage": 100 if customer.achieved[campaign] else 0,
                "canAchieve": True,
            }
            for campaign in self.campaigns
            if wanted in {None, str(campaign)}
        ]

    def _job(self, call: Call) -> tuple[int, Any]:
        named = call.body.get("body", []) if isinstance(call.body, dict) else call.body or []
        batch = f"batch-{len(self._batches) + 1}"
        for one in named if call.operation.creates else []:
            self.ensure(one["customerId"])
        self._batches[batch] = [
            one.get("orderId", one["customerId"]) if isinstance(one, dict) else one for one in named
        ]

        return 200, {"batchId": batch}

    def _job_status(self, call: Call) -> tuple[int, Any]:
        done = self._batches.get(call.parameters["batchId"], [])
        return 200, {
            "status": "Completed",
            "response": {"successful": [{"customerId": one} for one in done], "failed": []},
        }

    def _echo(self, call: Call) -> tuple[int, Any]:
        """Any other operation: the customer that the request named, wherever its answer names one."""
        customer_id = call.customer_id
        if customer_id is not None and call.operation.creates:
            self.ensure(customer_id)
        answer: dict[str, Any] = {"success": True}
        for place in call.operation.answered:
            if "[]." not in place:
                answer[place] = customer_id
                continue
            many, _, name = place.partition("[].")
            everybody = customer_id is None or many in {"leaderboard", "referredFriends"}
            answer[many] = [
                {name: one, "rank": rank}
                for rank, one in enumerate(self.customers if everybody else [customer_id], 1)
            ]
        return 200, answer


Handler = Callable[[Platform, Call], tuple[int, Any]]
_HANDLERS: dict[str, Handler] = {
    "POST /customers": Platform._upsert,
    "GET /customers/{customerId}": Platform._get,
    "GET /customers/{customerId}/details": Platform._details,
    "DELETE /customers/{customerId}": Platform._delete,
    "POST /customers/{customerId}/delete": Platform._delete,
    "PUT /customers/{customerId}/activate": Platform._activate,
    "POST /customers/{customerId}/tags": Platform._tag,
    "DELETE /customers/{customerId}/tags": Platform._tag,
    "GET /customers/{customerId}/balance": Platform._balance,
    "GET /customers/{customerId}/activities": Platform._activities,
    "GET /customers/{customerId}/activities/count": Platform._count_activities,
    "GET /customers/{customerId}/reward-campaigns-progress": Platform._progress,
    "POST /customers/social-challenges": Platform._achieve,
    "GET /batches/{batchId}/status": Platform._job_status,
    "GET /batch/{batchId}": Platform._job_status,
    **{
        f"POST {'/'.join(operation.path)}": Platform._job
        for operation in OPERATIONS
        if operation.path[1] == "batch" and operation.method == "POST"
    },
}


def _activity(customer_id: str, customer: Customer, points: int) -> dict[str, Any]:
    return {
        "activityId": len(customer.activities) + 1,
        "activityType": "CampaignRewarded",
        "activityDay": "Sunday",
        "activityDate": "November 22, 2026",
        "activityTime": "19:27:33",
        "customerId": customer_id,
        "email": customer.attributes.get("email"),
        "points": points,
        "transactionId": None,
    }


@contextlib.asynccontextmanager
async def serving(clock: Clock | None = None) -> AsyncGenerator[Platform]:
    platform = Platform(clock)
    await platform.accept()
    try:
        yield platform
    finally:
        await platform.refuse()
