"""The annotations a revision is scaled by, and how they are read.

A key may have an older spelling; the first spelling that is present decides, even when its value does not parse. A
value that does not parse counts as absent: validation is the webhook's task (`admission`), reading never fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from conformance.model.durations import SECOND_NANOSECONDS, parse_duration
from conformance.model.literals import parse_float, parse_integer

GROUP: Final = "autoscaling.knative.dev"
KPA_CLASS: Final = f"kpa.{GROUP}"
HPA_CLASS: Final = f"hpa.{GROUP}"

CONCURRENCY: Final = "concurrency"
RPS: Final = "rps"
CPU: Final = "cpu"
MEMORY: Final = "memory"

LINEAR: Final = "linear"
WEIGHTED: Final = "weighted-exponential"
WEIGHTED_OLD: Final = "weightedExponential"

UNSPECIFIED: Final = ""
UNREACHABLE: Final = "Unreachable"
"""The only reachability that counts as such: an unspecified or unknown one is reachable."""

TARGET_MINIMUM: Final = 0.01


class Key(NamedTuple):
    """One annotation: its spellings in order of precedence."""

    name: str
    alias: str | None = None

    def find(self, annotations: Mapping[str, str]) -> tuple[str, str] | None:
        """(spelling, value) of the annotation, None when there is none."""
        for spelling in (self.name, self.alias):
            if spelling is not None and spelling in annotations:
                return spelling, annotations[spelling]
        return None

    def read(self, annotations: Mapping[str, str]) -> str | None:
        """The raw value."""
        found = self.find(annotations)
        return None if found is None else found[1]

    def read_float(self, annotations: Mapping[str, str]) -> float | None:
        """The value as a number, None when absent or unparsable."""
        value = self.read(annotations)
        try:
            return None if value is None else parse_float(value)
        except ValueError:
            return None

    def read_count(self, annotations: Mapping[str, str]) -> int | None:
        """The value as a 32-bit integer, None when absent or unparsable."""
        value = self.read(annotations)
        try:
            return None if value is None else parse_integer(value, 32)
        except ValueError:
            return None

    def read_nanoseconds(self, annotations: Mapping[str, str]) -> int | None:
        """The value as a duration in nanoseconds, None when absent or unparsable."""
        value = self.read(annotations)
        try:
            return None if value is None else parse_duration(value)
        except ValueError:
            return None

    def read_seconds(self, annotations: Mapping[str, str]) -> float | None:
        """The value as a duration in seconds, None when absent or unparsable."""
        nanoseconds = self.read_nanoseconds(annotations)
        return None if nanoseconds is None else nanoseconds / SECOND_NANOSECONDS


CLASS: Final = Key(f"{GROUP}/class")
METRIC: Final = Key(f"{GROUP}/metric")
AGGREGATION: Final = Key(f"{GROUP}/metric-aggregation-algorithm", f"{GROUP}/metricAggregationAlgorithm")
TARGET: Final = Key(f"{GROUP}/target")
UTILIZATION: Final = Key(f"{GROUP}/target-utilization-percentage", f"{GROUP}/targetUtilizationPercentage")
BURST_CAPACITY: Final = Key(f"{GROUP}/target-burst-capacity", f"{GROUP}/targetBurstCapacity")
WINDOW: Final = Key(f"{GROUP}/window")
PANIC_WINDOW: Final = Key(f"{GROUP}/panic-window-percentage", f"{GROUP}/panicWindowPercentage")
PANIC_THRESHOLD: Final = Key(f"{GROUP}/panic-threshold-percentage", f"{GROUP}/panicThresholdPercentage")
MIN_SCALE: Final = Key(f"{GROUP}/min-scale", f"{GROUP}/minScale")
MAX_SCALE: Final = Key(f"{GROUP}/max-scale", f"{GROUP}/maxScale")
INITIAL_SCALE: Final = Key(f"{GROUP}/initial-scale", f"{GROUP}/initialScale")
ACTIVATION_SCALE: Final = Key(f"{GROUP}/activation-scale")
SCALE_DOWN_DELAY: Final = Key(f"{GROUP}/scale-down-delay", f"{GROUP}/scaleDownDelay")
POD_RETENTION: Final = Key(f"{GROUP}/scale-to-zero-pod-retention-period", f"{GROUP}/scaleToZeroPodRetentionPeriod")
PROGRESS_DEADLINE: Final = Key("serving.knative.dev/progress-deadline")
