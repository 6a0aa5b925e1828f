"""How an engine waits for what falls due: asleep until shortly before, then awake.

A machine that was asleep takes 10 to 200 µs to wake, depending on what its processor and its hypervisor do with an idle
core, and an alarm alone makes every arrival late by that. So the engine learns how late its wake-ups come, rises that
much earlier, and looks at the clock until the moment has come. Where arrivals follow one another faster than that, it
hardly sleeps at all, which also saves the cost of going to sleep.

Waiting awake is paid for by sleeping: for each second asleep the engine may spend a fixed part awake. That bounds the
share of a core it takes, and keeps real-time processes below the 95 % of a second at which Linux stops them for the
other 5 %: fifty milliseconds in which a thousand arrivals of twenty thousand a second pile up.
"""

from __future__ import annotations

from typing import Final

SHARED_RATIO: Final = 0.1
"""On a core that others use too: at most 9 % of it."""
OWN_RATIO: Final = 2.0
"""On a core of its own: two thirds of what its work leaves."""
TURN_SECONDS: Final = 20e-6
"""Falling asleep and waking up are work of the kernel's, and no sleep."""
LEAST_LEAD_SECONDS: Final = 40e-6
NAP_SECONDS: Final = 250e-6
"""One long rest costs as much as a short one. Where arrivals are dense, the core is given back for this long now and
then, and what falls due meanwhile goes out at once afterwards."""
SHARED_LEAD_SECONDS: Final = 60e-6
"""At most, on a core that others use too: there wake-ups are late because of them, and rising earlier would only add to
what keeps that core busy."""
OWN_LEAD_SECONDS: Final = 300e-6
"""At most, on a core of its own. What comes later than this was held up by something that rising earlier does not
mend."""
COLD_SECONDS: Final = 2e-3
"""After a pause of this length others have had the processor's caches."""
REHEARSAL_SECONDS: Final = 80e-6
"""What walking the way of a request takes then, which is done once before it counts."""
MOST_CREDIT_SECONDS: Final = 1e-3
_MARGIN_SECONDS: Final = 30e-6
"""From waking to being able to send: cold caches."""
_DECAY: Final = 1 / 32
_LONGEST_LOOK_SECONDS: Final = 20e-6
"""One look for events takes a few; a look that took longer was interrupted, and that time was not ours."""


class WakeupPolicy:
    """Times in seconds on any one clock."""

    def __init__(self, *, own_core: bool = False) -> None:
        self.lead_seconds = LEAST_LEAD_SECONDS
        """How long before a moment to rise for it."""
        self.linger_seconds = 0.0
        """How long to stay awake for the answer after having sent something."""
        self._ratio = OWN_RATIO if own_core else SHARED_RATIO
        self._most_lead = OWN_LEAD_SECONDS if own_core else SHARED_LEAD_SECONDS
        self._own_core = own_core
        self._credit = self._spent = 0.0

    def rise_for(self, due: float, now: float) -> float:
        """When to rise for what is due, as far as the credit will last by then."""
        pause = due - now
        lead = self.lead_seconds + (REHEARSAL_SECONDS if self.rehearses(pause) else 0.0)
        return due - min(lead, max(0.0, self._credit + self._ratio * pause))

    def rehearses(self, pause_seconds: float) -> bool:
        """Whether to walk the way of a request once before the one that comes after this pause."""
        return self._own_core and pause_seconds > COLD_SECONDS

    @property
    def affordable(self) -> bool:
        """Whether there is credit left to wait awake."""
        return self._credit > 0.0

    def naps(self, due: float, now: float) -> bool:
        """Whether to sleep past what is due: a core of its own needs a rest and there is no time for one before."""
        return self._own_core and due - now < 2 * TURN_SECONDS

    def slept(self, since: float, now: float, alarm: float) -> None:
        """The engine was asleep; `alarm` is when it had wanted to be woken at the latest."""
        rest = max(0.0, now - since - TURN_SECONDS)
        self._credit = min(MOST_CREDIT_SECONDS, self._credit + self._ratio * rest)
        if now >= alarm:
            wanted = min(self._most_lead, now - alarm + _MARGIN_SECONDS)
            # Early costs little and late is on record: up at once, down slowly.
            lead = self.lead_seconds
            self.lead_seconds = max(LEAST_LEAD_SECONDS, wanted, lead - (lead - wanted) * _DECAY)
            if self._own_core:
                self.linger_seconds = self.lead_seconds

    def looked(self, seconds: float) -> None:
        """One look for events, awake, found none."""
        seconds = min(seconds, _LONGEST_LOOK_SECONDS)
        self._credit -= seconds
        self._spent += seconds

    def take(self) -> float:
        """Seconds spent awake, waiting, since this was last asked."""
        spent, self._spent = self._spent, 0.0
        return spent
