"""What an engine is told to do, and what an engine is.

A job reaches a child process as one line of JSON through a pipe: headers may hold secrets, which command lines would
show to every user of the machine.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from conformance.load.generator import LoadResult, LoadSpec
from conformance.load.load_plan import LoadPlan, Target

NO_STOP_FD: Final = -1


@dataclass(frozen=True, slots=True)
class LoadJob:
    """One load, or one shard of it, and where its files go."""

    plan: LoadPlan
    target: Target
    folder: str
    index: int
    origin: float
    shard: int = 0
    shards: int = 1
    at: float | None = None
    """Monotonic second to start at; None starts as soon as connections are open."""
    priority: str = "elevated"
    """normal, elevated or realtime; what the system does not grant is left out."""

    @classmethod
    def of(cls, load: LoadSpec) -> LoadJob:
        """All of a load in one process."""
        return cls(load.plan, load.target, str(load.folder), load.index, load.origin_monotonic)

    def line(self) -> bytes:
        """One line of JSON."""
        value = asdict(self)
        value["plan"] = self.plan.body()
        value["target"]["body"] = base64.b64encode(self.target.body).decode()
        return json.dumps(value).encode() + b"\n"

    @classmethod
    def parse(cls, line: bytes) -> LoadJob:
        """Raises ValueError for anything else."""
        try:
            value = json.loads(line)
            return cls(**{**value, "plan": LoadPlan.from_body(value["plan"]), "target": _target(value["target"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a load job: {error}") from error


def _target(value: Mapping[str, Any]) -> Target:
    headers = tuple((str(name), str(text)) for name, text in value["headers"])
    return Target(**{**value, "headers": headers, "body": base64.b64decode(value["body"])})


class Engine(Protocol):
    """Offers one plan to its end."""

    def prepare(self) -> None:
        """Open connections before the clock starts."""

    def run(self, at: float | None = None) -> LoadResult:
        """From the start (monotonic seconds; by default at once) to the end. The writer stays open."""
