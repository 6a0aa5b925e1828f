"""hey's command line as a plan and a target: what each flag means here, and what is refused instead of ignored."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import yaml

from conformance.load.endpoint import Endpoint
from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.load.schedule import phase_ends, tick_seconds, validate

AGENT: Final = "conformance-load"
DEFAULT_REQUESTS: Final = 200
DEFAULT_WORKERS: Final = 50
DEFAULT_CONTENT_TYPE: Final = "text/html"
"""hey's. A model server that looks at it wants -T application/json."""
MAX_PLAN_NODES: Final = 100_000
"""Values in a plan file with all YAML aliases written out: more phases than anybody writes."""
MAX_PLAN_DEPTH: Final = 20
"""A plan has three levels; deeper nesting overflows the C stack of PyYAML's composer."""
_YAML_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")


def seconds(text: str) -> float:
    """A duration as Go writes it: 30s, 1m30s, 500ms. Raises InvalidLoadError."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidLoadError(f"-z {text!r} is not a duration; write 30s, 500ms or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


@dataclass(frozen=True, slots=True)
class Flags:
    """What was given; None where nothing was."""

    url: str
    requests: int | None = None
    workers: int | None = None
    rate_per_worker: float | None = None
    duration: str | None = None
    rate: float | None = None
    poisson: bool = False
    seed: int = 0
    plan_file: str | None = None
    timeout_seconds: float = 20.0
    drain_seconds: float | None = None
    max_in_flight: int | None = None
    method: str = "GET"
    headers: tuple[str, ...] = ()
    accept: str | None = None
    content_type: str = DEFAULT_CONTENT_TYPE
    authorization: str | None = None
    user_agent: str | None = None
    body: str | None = None
    body_file: str | None = None
    host: str | None = None
    address: str | None = None
    ca_file: str | None = None
    verify: bool = True
    keep_alive: bool = True
    request_ids: bool = False

    def plan(self) -> LoadPlan:
        """Raises InvalidLoadError when flags contradict each other."""
        if self.plan_file is not None:
            given = ("requests", "workers", "rate_per_worker", "duration", "rate")
            if any(getattr(self, name) is not None for name in given) or self.poisson:
                raise InvalidLoadError(
                    "--plan says all about the traffic; leave out -n, -c, -q, -z, -rate and -poisson"
                )
            plan = read_plan(self.plan_file)
        else:
            plan = LoadPlan((self._phase(),), seed=self.seed, timeout_seconds=self.timeout_seconds)
        if self.drain_seconds is not None or self.plan_file is None:
            # hey waits for what is in flight as long as a request may take.
            drain = self.timeout_seconds + 1.0 if self.drain_seconds is None else self.drain_seconds
            plan = replace(plan, drain_seconds=drain if self.timeout_seconds or self.drain_seconds else 1e9)
        if self.max_in_flight is not None:
            plan = replace(plan, max_in_flight=self.max_in_flight)
        validate(plan)
        self._check_first_tick(plan)
        return plan

    def _phase(self) -> Phase:
        length = seconds(self.duration) if self.duration is not None else 0.0
        if self.rate is not None or self.poisson:
            return self._open_phase(length)
        if self.duration is None:
            requests = DEFAULT_REQUESTS if self.requests is None else self.requests
        elif self.requests is not None:
            raise InvalidLoadError("-n with -z: hey ignores -n then; give one of them")
        else:
            requests = 0
        workers = DEFAULT_WORKERS if self.workers is None else self.workers
        if workers < 1 or requests < 0:
            raise InvalidLoadError(f"-n {requests} -c {workers}: neither can be below 1")
        if self.duration is None and requests < workers:
            raise InvalidLoadError(f"-n {requests} is less than -c {workers}; every worker sends n/c requests")
        if self.rate_per_worker:
            return Phase(LoadShape.SALVO, length, workers=workers, rate_per_worker=self.rate_per_worker, count=requests)
        return Phase(LoadShape.CLOSED, length, workers=workers, count=requests)

    def _open_phase(self, length: float) -> Phase:
        if self.rate is None or self.rate <= 0:
            raise InvalidLoadError("-poisson and -rate need a rate above 0: -rate 50")
        if self.workers is not None or self.rate_per_worker is not None:
            raise InvalidLoadError("-rate is the total rate of an open loop; -c and -q belong to hey's closed one")
        if (self.duration is None) == (self.requests is None):
            raise InvalidLoadError("-rate needs either -z (how long) or -n (how many)")
        if self.requests is not None:
            length = self.requests / self.rate
        return Phase(LoadShape.POISSON if self.poisson else LoadShape.CONSTANT, length, rate=self.rate)

    def _check_first_tick(self, plan: LoadPlan) -> None:
        """hey would run past its own deadline to send one; silence would be no better."""
        for phase, end in zip(plan.phases, phase_ends(plan), strict=True):
            if phase.shape is LoadShape.SALVO and tick_seconds(phase.rate_per_worker) > min(end, phase.seconds or end):
                first = tick_seconds(phase.rate_per_worker)
                raise InvalidLoadError(f"a worker's first request is due after {first:g} s, beyond -z; raise -q or -z")

    def target(self) -> Target:
        """Raises InvalidLoadError for a URL, headers, files or credentials that cannot be used."""
        Endpoint.of(Target(self.url))
        return Target(
            self.url,
            method=self.method.upper(),
            host=self.host,
            address=self.address,
            headers=tuple(self._headers()),
            body=self._body(),
            ca_file=self.ca_file,
            verify=self.verify,
            keep_alive=self.keep_alive,
            request_ids=self.request_ids,
        )

    def _headers(self) -> list[tuple[str, str]]:
        own = [_header(text) for text in self.headers]
        names = {name.lower() for name, _ in own}
        if "host" in names:
            raise InvalidLoadError("-H 'Host: ...' is ignored by hey; say -host NAME")
        agent = f"{self.user_agent} {AGENT}" if self.user_agent else AGENT
        default = [("User-Agent", agent), ("Content-Type", self.content_type)]
        if self.accept:
            default.append(("Accept", self.accept))
        authorization = self.authorization or _credentials(self.url)
        if authorization:
            if ":" not in authorization:
                raise InvalidLoadError("-a wants user:password")
            code = base64.b64encode(authorization.encode()).decode()
            default.append(("Authorization", f"Basic {code}"))
        return [entry for entry in default if entry[0].lower() not in names] + own

    def _body(self) -> bytes:
        if self.body_file is None:
            return (self.body or "").encode()
        if self.body is not None:
            raise InvalidLoadError("-d and -D both give a body; give one of them")
        try:
            return Path(self.body_file).read_bytes()
        except OSError as error:
            raise InvalidLoadError(f"-D {self.body_file}: {error.strerror}") from error


def _credentials(url: str) -> str:
    """user:password of a URL that holds them, else nothing."""
    parts = urlsplit(url)
    return "" if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise InvalidLoadError(f"-H {text!r} is not 'Name: value'")
    return name.strip(), value.strip()


def read_plan(path: str) -> LoadPlan:
    """The plan in a JSON or YAML file. Raises InvalidLoadError."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        value = json.loads(text) if path.endswith(".json") else _load_yaml(text)
        if not isinstance(value, Mapping):
            raise ValueError("a plan is an object with `phases`")
        return LoadPlan.from_body(value)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError, yaml.YAMLError) as error:
        raise InvalidLoadError(f"--plan {path}: {error}") from error


def _load_yaml(text: str) -> Any:
    """What a YAML text says, counted before it is built: nested aliases make gigabytes of a few bytes."""
    sizes: dict[str | None, int] = {}
    opened: list[tuple[str | None, int]] = []
    size = 0
    for event in yaml.parse(text, Loader=_YAML_LOADER):
        if isinstance(event, yaml.AliasEvent):
            # One that names a collection still open would contain itself.
            size += sizes.get(event.anchor, MAX_PLAN_NODES + 1)
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, size))
            size += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            sizes[anchor] = size - before
        elif isinstance(event, yaml.ScalarEvent):
            sizes[event.anchor] = 1
            size += 1
        if size > MAX_PLAN_NODES or len(opened) > MAX_PLAN_DEPTH:
            raise ValueError(f"more than {MAX_PLAN_NODES} values or {MAX_PLAN_DEPTH} levels")
    return yaml.load(text, Loader=_YAML_LOADER)  # noqa: S506 - a safe loader
