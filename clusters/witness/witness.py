"""The witness itself: a `Handler` that answers for the model and counts what reaches it.

Every answer says which pod gave it, how many requests were in the container when it arrived (itself included), how many
there have been at most, how long it stayed inside, and, where a request costs anything, the processor time burnt and
the memory held. These are the model's side of every verdict, so only requests to the model count, not probes. Such an
answer says whose it is, too: `x-witness` holds the request's `x-request-id` and
checksums of the body that came in and of the body that went out, so that the caller knows the answer for its own.
"""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Callable
from typing import Final

from clusters.witness.costs import AccountedCosts, Costs
from clusters.witness.openai_answers import completed
from clusters.witness.witness_answers import (
    BadBodyError,
    inference,
    json_response,
    model_status,
    predicted,
    transformed,
)
from clusters.witness.witness_settings import MEBIBYTE, WitnessKind, WitnessSettings
from conformance.base.clock import Clock
from conformance.base.http.exchange import ExchangeError, Handler, Request, Response

REMEMBERED: Final = 2000
"""Request ids kept for /witness, the newest."""
LATE_SECONDS: Final = 0.1
"""A timer this late was not served by this machine when it was due; kept by the second, the newest."""
SPEAK_SECONDS: Final = 1.0
"""How often it tells its log what is new, so that little is unknown of a pod that still runs."""
ASK: Final = re.compile(r"/v1/models/([^/:]+):(predict|classify|regress|explain)")
STATUS: Final = re.compile(r"/v1/models/([^/:]+)(?:/versions/\d+)?(?:/metadata)?")
INFER: Final = re.compile(r"/v2/models/([^/:]+)(?:/versions/[^/]+)?/infer")
COMPLETE: Final = re.compile(r"((?:/openai)?/v1/(?:chat/)?completions)")
V2_READY: Final = re.compile(r"/v2/models/([^/]+)(?:/versions/[^/]+)?(/ready)?")
FORWARDED: Final = ("x-request-id", "x-service-ms", "x-cpu-ms", "x-hold-mb", "traceparent", "content-type")
"""Headers that a transformer passes on to its predictor; what they say of costs is meant for the model alone."""
STAMP: Final = "x-witness"
WRONG_ANSWER: Final = "predictor"
"""The fourth word of a transformer's stamp when what it got was not the answer to what it asked."""
WRONG: Final = "x-predictor-witness"
"""Header of a transformer's answer: the stamp of a predictor's answer that was another's."""
PASSED_BACK: Final = ("x-pod", "x-in-flight", "x-high-water", "x-model-ms")
"""Headers of the predictor's answer that a transformer passes back as `x-predictor-…`."""


def checksums(name: str, given: int, answered: int) -> str:
    """What answers say of themselves: the request's name and both bodies' CRC-32."""
    return f"{name or '-'} {given:08x} {answered:08x}"


def stamp(request: Request, response: Response) -> str:
    """What says that a response is the one to a request: the request's name, checksums of both bodies; and, of a
    transformer, that its predictor's was not."""
    name = request.header("x-request-id") or ""
    found = checksums(name, zlib.crc32(request.body), zlib.crc32(response.body))
    return found if response.header(WRONG) is None else f"{found} {WRONG_ANSWER}"


def _answers(response: Response, request: Request) -> bool:
    """Whether a response is the one to a request, as far as it says. A gateway may have named the request anew."""
    signed = response.header(STAMP)
    if signed is None:
        return True
    name, _, checksums = signed.partition(" ")
    known, _, wanted = stamp(request, response).partition(" ")
    return checksums == wanted and (name == known or not name.isdigit())


def _told(request: Request, name: str, limit: float, what: str) -> float | None:
    """The number in a header; None without it. Raises BadBodyError."""
    text = request.header(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < limit:
        raise BadBodyError(f"header {name}: {text!r} is not {what}")
    return value


class Witness:
    """One container. Listening before its start is over is up to whoever serves it."""

    def __init__(
        self,
        settings: WitnessSettings,
        clock: Clock,
        *,
        fetch: Handler | None = None,
        devices: tuple[str, ...] = (),
        costs: Costs | None = None,
    ) -> None:
        """`fetch` reaches the predictor; transformers only. `devices`: accelerators that it was given. `costs`: what
        bears the costs of requests; without it they are only accounted for."""
        self.costs: Costs = costs or AccountedCosts(clock)
        self.held_bytes = 0
        self.settings = settings
        self.in_flight = 0
        self.high_water = 0
        self.served = 0
        self._name = ("x-pod", settings.pod)
        self._clock = clock
        self._fetch = fetch
        self._devices = devices
        self._started_wall = clock.wall()
        self._requests: deque[str] = deque(maxlen=REMEMBERED)
        self._untold: deque[str] = deque(maxlen=REMEMBERED)
        self._late: dict[int, float] = {}
        self._told = 0

    async def __call__(self, request: Request) -> Response:
        path = request.path.partition("?")[0]
        asked = ASK.fullmatch(path) if ":" in path else INFER.fullmatch(path) or COMPLETE.fullmatch(path)
        if asked is None:
            return self._describe(request, path)
        if request.method != "POST":
            return self._stamp(json_response(405, {"error": f"Method {request.method} not allowed"}), 0.0)
        return await self._serve(request, asked.group(1), path.startswith("/v2"))

    def report(self) -> dict[str, object]:
        """What /witness says."""
        return {
            "pod": self.settings.pod,
            "kind": self.settings.kind.value,
            "in_flight": self.in_flight,
            "high_water": self.high_water,
            "served": self.served,
            **self._costs(),
            "devices": list(self._devices),
            "started_wall": self._started_wall,
            "requests": list(self._requests),
        }

    def _costs(self) -> dict[str, object]:
        """What requests have burnt so far and hold now; nothing where none has cost anything."""
        used = round(self.costs.used_seconds(), 3)
        return {"cpu_seconds": used, "held_mb": self.held_bytes // MEBIBYTE} if used or self.held_bytes else {}

    def account(self) -> dict[str, object]:
        """The report for a log: its `requests` are those since the last account, so that all of them add up, and so are
        the seconds (Unix time) in which it was starved, each with how late its worst timer was."""
        found = {**self.report(), "requests": list(self._untold)}
        if self._late:
            found["late"] = [[second, round(late, 3)] for second, late in self._late.items()]
        self._late.clear()
        self._untold.clear()
        self._told = self.served
        return found

    async def log_accounts(self, say: Callable[[dict[str, object]], None]) -> None:
        """Give an account of every second in which something was served, until cancelled."""
        while True:
            await self._sleep(SPEAK_SECONDS)
            if self.served != self._told or self._late:
                say(self.account())

    async def _serve(self, request: Request, model: str, v2: bool) -> Response:
        began = self._clock.monotonic()
        identity = request.header("x-request-id")
        if identity is not None:
            self._requests.append(identity)
            self._untold.append(identity)
        self.in_flight += 1
        here = self.in_flight
        self.high_water = max(self.high_water, here)
        try:
            if self.settings.kind is WitnessKind.TRANSFORMER:
                response = await self._transform(request, v2)
            else:
                response = await self._predict(request, model, v2)
        except BadBodyError as error:
            response = json_response(400, {"error": str(error)})
        finally:
            self.in_flight -= 1
        self.served += 1
        signed = (*response.headers, (STAMP, stamp(request, response)))
        return self._stamp(response.with_headers(signed), self._clock.monotonic() - began, here)

    async def _predict(self, request: Request, model: str, v2: bool) -> Response:
        seconds, cost = self._service_seconds(request), self._cost(request)
        if v2:
            response = inference(model, request.body)
        elif model.startswith("/"):
            response = completed(model, request.body)
        else:
            response = predicted(request.body)
        return await self._spend(response, seconds, *cost)

    async def _spend(self, response: Response, seconds: float, cpu_seconds: float, held_bytes: int) -> Response:
        """Take the service time, burn and hold what the request costs, and say so in the answer."""
        began = self._clock.monotonic()
        held = self.costs.take(held_bytes) if held_bytes else None
        self.held_bytes += held_bytes
        try:
            if cpu_seconds:
                await self.costs.burn(cpu_seconds)
            if (left := began + seconds - self._clock.monotonic()) > 0:
                await self._sleep(left)
        finally:
            self.held_bytes -= held_bytes
            del held
        if not (cpu_seconds or held_bytes):
            return response
        said = (("x-burnt-ms", f"{cpu_seconds * 1000:g}"), ("x-held-mb", f"{held_bytes / MEBIBYTE:g}"))
        return response.with_headers((*response.headers, *said))

    async def _sleep(self, seconds: float) -> None:
        """Take so long, and note when it took longer."""
        due = self._clock.monotonic() + seconds
        await self._clock.sleep(seconds)
        late = self._clock.monotonic() - due
        if late > LATE_SECONDS and len(self._late) < REMEMBERED:
            second = int(self._clock.wall())
            self._late[second] = max(late, self._late.get(second, 0.0))

    async def _transform(self, request: Request, v2: bool) -> Response:
        """Own service time, then the predictor, on the same path. Its refusals are passed back as they are."""
        body = request.body if v2 else transformed(request.body)
        settings = self.settings
        own = await self._spend(Response(200), settings.service_seconds, settings.cpu_seconds, settings.held_bytes)
        if self._fetch is None:
            return json_response(500, {"error": "no way to the predictor"})
        headers = tuple((name, value) for name, value in request.headers if name in FORWARDED)
        asked = Request("POST", request.path, self.settings.predictor_host, headers, body)
        try:
            answer = await self._fetch(asked)
        except ExchangeError as error:
            return json_response(502, {"error": f"predictor {self.settings.predictor_host}: {error}"})
        kept = [(name, value) for name, value in answer.headers if name == "content-type"]
        back = [(f"x-predictor-{name[2:]}", value) for name, value in answer.headers if name in PASSED_BACK]
        if not _answers(answer, asked):
            back.append((WRONG, answer.header(STAMP) or ""))
        return Response(answer.status, (*kept, *back, *own.headers), answer.body)

    def _service_seconds(self, request: Request) -> float:
        milliseconds = _told(request, "x-service-ms", 3_600_000, "a time in milliseconds")
        return self.settings.service_seconds if milliseconds is None else milliseconds / 1000

    def _cost(self, request: Request) -> tuple[float, int]:
        """Processor seconds and bytes that a request costs."""
        burnt = _told(request, "x-cpu-ms", 3_600_000, "a time in milliseconds")
        held = _told(request, "x-hold-mb", 65_536, "an amount in mebibytes")
        settings = self.settings
        return (
            settings.cpu_seconds if burnt is None else burnt / 1000,
            settings.held_bytes if held is None else int(held * MEBIBYTE),
        )

    def _describe(self, request: Request, path: str) -> Response:
        """Everything but requests to the model."""
        if request.method not in ("GET", "HEAD"):
            response = json_response(404, {"error": f"Malformed request: {request.method} {path}"})
        elif path == "/witness":
            response = json_response(200, self.report())
        elif path in ("/", "/healthz"):
            response = json_response(200, {"status": "alive"})
        elif path in ("/v1/models", "/v2/models"):
            response = json_response(200, {"models": [self.settings.model_name] if self.settings.model_name else []})
        elif STATUS.fullmatch(path):
            response = model_status()
        elif path in ("/v2", "/v2/"):
            response = json_response(200, {"name": "witness", "version": "1", "extensions": []})
        elif path in ("/v2/health/live", "/v2/health/ready"):
            response = json_response(200, {path.rpartition("/")[2]: True})
        elif found := V2_READY.fullmatch(path):
            response = json_response(200, {"name": found.group(1), "ready": True})
        else:
            response = json_response(404, {"error": f"Malformed request: {request.method} {path}"})
        return self._stamp(response, 0.0)

    def _stamp(self, response: Response, seconds: float, in_flight: int | None = None) -> Response:
        headers = (
            *response.headers,
            self._name,
            ("x-in-flight", str(self.in_flight if in_flight is None else in_flight)),
            ("x-high-water", str(self.high_water)),
            ("x-model-ms", f"{seconds * 1000:.3f}"),
        )
        return Response(response.status, headers, response.body)
