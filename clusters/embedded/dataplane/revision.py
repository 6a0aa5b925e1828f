"""What the data plane knows of a revision, and what it tells the autoscaler about one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

QUEUE_PORT: Final = 8012
"""Where queue-proxy listens in every pod (Knative's runtime contract)."""
USER_PORT: Final = 8080
"""Where the model server listens unless its container says otherwise."""


class RevisionKey(NamedTuple):
    """A revision's name; sorts, so that everything kept by revision has one order."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class RevisionSpec:
    """The part of a Knative Revision's spec that shapes its traffic."""

    key: RevisionKey
    container_concurrency: int = 0
    """Requests a pod runs at a time; 0 has no limit."""
    timeout_seconds: float = 300.0
    response_start_timeout_seconds: float = 0.0
    """0: as long as `timeout_seconds`."""
    idle_timeout_seconds: float = 0.0
    """0: as long as `timeout_seconds`."""


@dataclass(frozen=True, slots=True)
class RequestTimeouts:
    """How long a request may take, in seconds; 0 for the last two sets no limit of their own."""

    whole_seconds: float
    response_start_seconds: float = 0.0
    """Until the answer begins."""
    idle_seconds: float = 0.0
    """Without anything from the model server."""

    @property
    def until_begun(self) -> float:
        """The shortest of them holds until an answer begins."""
        return min(limit for limit in (self.whole_seconds, self.response_start_seconds, self.idle_seconds) if limit > 0)

    def times(self, factor: float) -> RequestTimeouts:
        """All of them longer or shorter."""
        return RequestTimeouts(
            self.whole_seconds * factor, self.response_start_seconds * factor, self.idle_seconds * factor
        )


@dataclass(frozen=True, slots=True)
class PodStat:
    """One finished second as a pod's metrics port gives it. Concurrency includes requests waiting in the breaker."""

    pod: str
    concurrency: float
    proxied_concurrency: float
    """The part that came through an activator, which reports it too."""
    request_count: float
    """Arrivals per second."""
    proxied_request_count: float
    uptime_seconds: float


@dataclass(frozen=True, slots=True)
class ActivatorStat:
    """One message of an activator about one revision."""

    activator: str
    revision: RevisionKey
    concurrency: float
    request_count: float
    immediate: bool
    """True for the first request of a revision it had no entry for; False for the report of a second."""
