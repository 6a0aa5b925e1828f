"""How an engine waits for what falls due: asleep until shortly before, then spinning (looking at the clock).

A machine that was asleep takes 10 to 200 µs to wake, depending on what its processor and its hypervisor do with an idle
core, and a timer alone makes every arrival late by that. So the engine learns how late its wake-ups come, wakes that
much earlier, and spins until the moment has come. Where arrivals follow one another faster than that, it
hardly sleeps at all, which also saves the cost of going to sleep.

Spinning is paid for by sleeping: for each second asleep the engine may spin for a fixed part of it. That bounds the
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
REST_SECONDS: Final = 250e-6
"""One long rest costs as much as a short one. Where arrivals are dense, the core is given back for this long now and
then, and what falls due meanwhile goes out at once afterwards."""
SHARED_LEAD_SECONDS: Final = 60e-6
"""At most, on a core that others use too: there wake-ups are late because of them, and waking earlier would only add to
what keeps that core busy."""
OWN_LEAD_SECONDS: Final = 300e-6
"""At most, on a core of its own. What comes later than this was held up by something that waking earlier does not
mend."""
COLD_SECONDS: Final = 2e-3
"""After a pause of this length others have had the processor's caches."""
REHEARSAL_SECONDS: Final = 80e-6
"""What going through a request's code without sending it takes then, which is done once before it counts."""
MOST_CREDIT_SECONDS: Final = 1e-3
_MARGIN_SECONDS: Final = 30e-6
"""From waking to being able to send: cold caches."""
_DECAY: Final = 1 / 32
_LONGEST_SPIN_SECONDS: Final = 20e-6
"""One look for events takes a few; a look that took longer was interrupted, and that time was not ours."""


class WakeupPolicy:
    """Times in seconds on any one clock."""

    def __init__(self, *, own_core: bool = False) -> None:
        self.lead_seconds = LEAST_LEAD_SECONDS
        """How long before a moment to wake for it."""
        self.spin_after_seconds = 0.0
        """How long to spin for the answer after having sent something."""
        self._ratio = OWN_RATIO if own_core else SHARED_RATIO
        self._most_lead = OWN_LEAD_SECONDS if own_core else SHARED_LEAD_SECONDS
        self._own_core = own_core
        self._credit = self._spent = 0.0

    def spin_from(self, due: float, now: float) -> float:
        """When to wake for what is due and spin, as far as the credit will last by then."""
        pause = due - now
        lead = self.lead_seconds + (REHEARSAL_SECONDS if self.rehearses(pause) else 0.0)
        return due - min(lead, max(0.0, self._credit + self._ratio * pause))

    def rehearses(self, pause_seconds: float) -> bool:
        """Whether to go through a request's code once without sending it, before the request after this pause."""
        return self._own_core and pause_seconds > COLD_SECONDS

    @property
    def affordable(self) -> bool:
        """Whether there is credit left to spin."""
        return self._credit > 0.0

    def must_rest(self, due: float, now: float) -> bool:
        """Whether to sleep past what is due: a core of its own needs a rest and there is no time for one before."""
        return self._own_core and due - now < 2 * TURN_SECONDS

    def slept(self, since: float, now: float, wake_at: float) -> None:
        """The engine was asleep; `wake_at` is when it had wanted to be woken at the latest."""
        rest = max(0.0, now - since - TURN_SECONDS)
        self._credit = min(MOST_CREDIT_SECONDS, self._credit + self._ratio * rest)
        if now >= wake_at:
            wanted = min(self._most_lead, now - wake_at + _MARGIN_SECONDS)
            # Early costs little and late is on record: up at once, down slowly.
            lead = self.lead_seconds
            self.lead_seconds = max(LEAST_LEAD_SECONDS, wanted, lead - (lead - wanted) * _DECAY)
            if self._own_core:
                self.spin_after_seconds = self.lead_seconds

    def spun(self, seconds: float) -> None:
        """One look for events while spinning found none."""
        seconds = min(seconds, _LONGEST_SPIN_SECONDS)
        self._credit -= seconds
        self._spent += seconds

    def take_spun_seconds(self) -> float:
        """Seconds spent spinning since this was last asked."""
        spent, self._spent = self._spent, 0.0
        return spent
