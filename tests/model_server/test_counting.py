"""What is counted around a model server, as an ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

from clusters.kserve_model_server.request_counting import Counting
from clusters.witness.witness import stamp
from clusters.witness.witness_settings import WitnessSettings
from conformance.base.http.exchange import Request, Response

Message = MutableMapping[str, Any]
PREDICT = "/v1/models/flowers:predict"


class Server:
    """A server that answers when it is let."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.let = asyncio.Event()
        self.let.set()
        self.fails = False

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        await receive()
        await self.let.wait()
        if self.fails:
            raise RuntimeError("the server is broken")
        await send({"type": "http.response.start", "status": self.status, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})


class Caller:
    """Sends requests to a counted server."""

    def __init__(self, server: Server) -> None:
        self.counting = Counting(server, WitnessSettings(pod="pod-1"), ("GPU-1",))

    async def ask(self, path: str = PREDICT, method: str = "POST", identity: str = "") -> tuple[dict[str, str], bytes]:
        """Headers and body of the answer."""
        headers = [(b"x-request-id", identity.encode())] if identity else []
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b"{}"}

        await self.counting({"type": "http", "path": path, "method": method, "headers": headers}, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return found, b"".join(message.get("body", b"") for message in sent)


async def test_an_answer_names_the_pod_and_what_was_inside() -> None:
    headers, body = await Caller(Server()).ask()
    assert body == b"{}"
    assert headers["content-length"] == "2"
    assert (headers["x-pod"], headers["x-in-flight"], headers["x-high-water"]) == ("pod-1", "1", "1")
    assert float(headers["x-model-ms"]) >= 0


async def test_an_answer_says_which_request_it_answers() -> None:
    headers, _ = await Caller(Server()).ask(identity="17")
    asked = Request("POST", PREDICT, "h", (("x-request-id", "17"),), b"{}")
    assert headers["x-witness"] == stamp(asked, Response(200, (), b"{}"))


async def test_requests_inside_at_the_same_time_see_each_other() -> None:
    server = Server()
    server.let.clear()
    caller = Caller(server)
    asked = [asyncio.create_task(caller.ask()) for _ in range(3)]
    while caller.counting.in_flight < 3:
        await asyncio.sleep(0)
    server.let.set()
    answers = [headers for headers, _ in await asyncio.gather(*asked)]
    assert sorted(headers["x-in-flight"] for headers in answers) == ["1", "2", "3"]
    assert {headers["x-high-water"] for headers in answers} == {"3"}
    assert (caller.counting.in_flight, caller.counting.high_water, caller.counting.served) == (0, 3, 3)


async def test_refusals_count_and_carry_the_headers_too() -> None:
    caller = Caller(Server(status=400))
    headers, _ = await caller.ask()
    assert headers["x-in-flight"] == "1"
    assert caller.counting.served == 1


async def test_a_server_that_fails_leaves_nothing_in_flight() -> None:
    server = Server()
    server.fails = True
    caller = Caller(server)
    asked = asyncio.create_task(caller.ask())
    await asyncio.wait([asked])
    assert isinstance(asked.exception(), RuntimeError)
    assert (caller.counting.in_flight, caller.counting.served) == (0, 1)


async def test_probes_are_stamped_and_not_counted() -> None:
    caller = Caller(Server())
    for path, method in (("/v2/health/ready", "GET"), ("/v1/models/flowers", "GET"), (PREDICT, "GET")):
        headers, _ = await caller.ask(path, method)
        assert (headers["x-pod"], headers["x-in-flight"]) == ("pod-1", "0")
    assert caller.counting.served == 0


async def test_v2_requests_count() -> None:
    caller = Caller(Server())
    await caller.ask("/v2/models/flowers/infer")
    assert caller.counting.served == 1


async def test_its_report_is_the_witnesss() -> None:
    caller = Caller(Server())
    await caller.ask(identity="a")
    _, body = await caller.ask("/witness", "GET")
    report = json.loads(body)
    assert report.pop("started_wall") > 0
    assert report == {
        "pod": "pod-1",
        "kind": "model",
        "in_flight": 0,
        "high_water": 1,
        "served": 1,
        "devices": ["GPU-1"],
        "requests": ["a"],
    }


async def test_accounts_tell_each_request_once() -> None:
    caller = Caller(Server())
    await caller.ask(identity="a")
    assert caller.counting.account()["requests"] == ["a"]
    await caller.ask(identity="b")
    account = caller.counting.account()
    assert (account["requests"], account["served"]) == (["b"], 2)
