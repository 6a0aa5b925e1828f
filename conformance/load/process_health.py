"""The generator's own state of health, once a second: what it took from the machine and what was taken from it."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Final

_STAT: Final = Path("/proc/stat")
_BIN_SECONDS: Final = 5e-6
_BINS: Final = 4096
_MICROSECOND_DIGITS: Final = 6


class ProcessHealth:
    """Differences of the process's and the machine's counters between two readings."""

    def __init__(self) -> None:
        self._file = os.open(_STAT, os.O_RDONLY | os.O_CLOEXEC) if _STAT.exists() else -1
        self._last = self._counters()

    def _counters(self) -> tuple[float, float, int, int, int]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        steal, total = self._machine()
        return time.monotonic(), used.ru_utime + used.ru_stime, used.ru_nivcsw, steal, total

    def _machine(self) -> tuple[int, int]:
        """Ticks stolen by the hypervisor and ticks in all, over all cores; zeros where there is no /proc."""
        if self._file < 0:
            return 0, 0
        fields = [int(word) for word in os.pread(self._file, 256, 0).split(b"\n", 1)[0].split()[1:9]]
        return (fields[7] if len(fields) > 7 else 0), sum(fields)

    def read(self, vigil_seconds: float = 0.0) -> dict[str, float]:
        """Figures since the last reading, in which the engine waited awake for so long: that is no sign of being busy
        and stands apart."""
        before, self._last = self._last, self._counters()
        seconds, cpu, switches, steal, total = (now - then for now, then in zip(self._last, before, strict=True))
        return {
            "cpu_share": round(max(0.0, cpu - vigil_seconds) / seconds, 4) if seconds > 0 else 0.0,
            "vigil_share": round(vigil_seconds / seconds, 4) if seconds > 0 else 0.0,
            "steal_share": round(steal / total, 4) if total > 0 else 0.0,
            "involuntary_switches": int(switches),
        }

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)


class LagHistogram:
    """Percentiles of lateness without keeping or sorting twenty thousand values a second, which would itself be late.

    5 µs bins up to 20 ms; what is later is kept value by value.
    """

    def __init__(self) -> None:
        self._bins = [0] * _BINS
        self._beyond: list[float] = []
        self._count = 0

    def add(self, seconds: float) -> None:
        """Count one arrival."""
        self._count += 1
        number = int(seconds / _BIN_SECONDS)
        if number < _BINS:
            self._bins[number] += 1
        else:
            self._beyond.append(seconds)

    def take(self) -> dict[str, float]:
        """p50 and p99 (nearest rank, upper edge of the bin; 0 without arrivals), and start afresh."""
        found = {f"lag_p{name}_seconds": round(self._rank(share), _MICROSECOND_DIGITS) for name, share in _SHARES}
        if self._count:
            self._bins = [0] * _BINS
            self._beyond.clear()
            self._count = 0
        return found

    def _rank(self, share: float) -> float:
        wanted = max(1, -int(-self._count * share // 1))
        if not self._count:
            return 0.0
        seen = 0
        if wanted <= self._count - len(self._beyond):
            for number, count in enumerate(self._bins):
                seen += count
                if seen >= wanted:
                    return (number + 1) * _BIN_SECONDS
        return sorted(self._beyond)[wanted - 1 - (self._count - len(self._beyond))]


_SHARES: Final = (("50", 0.5), ("99", 0.99))
