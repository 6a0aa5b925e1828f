"""Options that `try` and `simulate` share: the manifest, hey's flags for the load, and the witness's times."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from conformance.base.errors import UsageError
from conformance.catalogue.own_manifest import OwnManifest
from conformance.catalogue.own_scenario import DEFAULT_PLAN
from conformance.load.flags import Flags, read_plan
from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import LoadPlan

LOAD: Final = ("duration", "workers", "requests", "rate_per_worker", "rate", "poisson", "timeout_seconds", "plan_file")
_OPTIONS: Final = (
    click.option("-z", "duration", metavar="DURATION", help="How long to send: 30s, 1m30s. [30s]"),
    click.option("-c", "workers", type=int, help="Callers, each with one request in flight. [5]"),
    click.option("-n", "requests", type=int, help="Requests in all, instead of -z."),
    click.option("-q", "rate_per_worker", type=float, help="Requests per second PER CALLER, as hey means it."),
    click.option("-rate", "--rate", "rate", type=float, help="Total rate of an open loop, instead of -c."),
    click.option("-poisson", "--poisson", "poisson", is_flag=True, help="Random gaps with the mean that -rate says."),
    click.option("-t", "timeout_seconds", type=click.FloatRange(0), help="How long a caller waits, in seconds. [20]"),
    click.option("--plan", "plan_file", metavar="FILE", help="Phases of traffic as YAML or JSON; docs/load.md."),
    click.option("-D", "body_file", metavar="FILE", help="Payload. [one instance in the form of the protocol]"),
    click.option("--path", help="Path of the requests. [that of the manifest's protocol]"),
    click.option("--service-ms", type=click.IntRange(0), help="Time that the witness takes for a request. [100]"),
    click.option("--start-seconds", type=click.FloatRange(0), help="From a container's start to its first answer. [6]"),
)
DEFAULT_WORKERS: Final = 5
DRAIN_SECONDS: Final = 10.0
"""Beyond what a caller waits: what is in flight at the end comes to its own end."""


def own_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command receives them by name."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def load_plan(given: Mapping[str, Any], seed: int = 0) -> LoadPlan:
    """The traffic that the flags ask for. Raises UsageError for flags that contradict each other."""
    found = {name: given[name] for name in LOAD if given.get(name)}
    if not found:
        return DEFAULT_PLAN
    try:
        if "plan_file" in found and len(found) == 1:
            return read_plan(found["plan_file"])
        if not found.keys() & {"workers", "rate", "poisson", "plan_file"}:
            found["workers"] = DEFAULT_WORKERS
        if not found.keys() & {"duration", "requests", "plan_file"}:
            found["duration"] = "30s"
        plan = Flags("http://service", seed=seed, **found).plan()
    except InvalidLoadError as error:
        raise UsageError(str(error)) from error
    if not plan.seconds:
        raise UsageError("-n without -z: say how long to send instead, since pods are counted over time")
    timeout = float(found.get("timeout_seconds", plan.timeout_seconds))
    return LoadPlan(plan.phases, seed=plan.seed, drain_seconds=timeout + DRAIN_SECONDS, timeout_seconds=timeout)


def payload(body_file: str | None) -> bytes | None:
    """Raises UsageError for a file that cannot be read."""
    if body_file is None:
        return None
    try:
        return Path(body_file).read_bytes()
    except OSError as error:
        raise UsageError(f"-D {body_file}: {error.strerror}") from error


def repeated(command: str, subject: str, given: Mapping[str, Any], more: Iterable[str] = ()) -> str:
    """The command line that says the same again, with the names of files and without the folders they lie in."""
    words = ["conformance", command, *([Path(subject).name] if subject else [])]
    flags = {
        "duration": "-z", "workers": "-c", "requests": "-n", "rate_per_worker": "-q", "rate": "-rate",
        "timeout_seconds": "-t",
        "plan_file": "--plan", "body_file": "-D", "path": "--path", "service_ms": "--service-ms",
        "start_seconds": "--start-seconds",
    }  # fmt: skip
    for name, flag in flags.items():
        value = given.get(name)
        if value is not None:
            shown = (
                Path(str(value)).name
                if name in ("plan_file", "body_file")
                else f"{value:g}"
                if isinstance(value, float)
                else str(value)
            )
            words += [flag, shown]
    if given.get("poisson"):
        words.append("-poisson")
    return shlex.join([*words, *more])


def read_manifest(path: str) -> OwnManifest:
    """Raises UsageError for a file that holds no service."""
    return OwnManifest.read(Path(path))
