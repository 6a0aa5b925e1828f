"""The engines this system can run."""

from __future__ import annotations

import pytest

from conformance.load.asyncio_engine import AsyncioEngine
from conformance.load.realtime import has_timerfd
from tests.load.offering import Offer, offering


@pytest.fixture(params=["epoll", "asyncio"] if has_timerfd() else ["asyncio"])
def offer(request: pytest.FixtureRequest) -> Offer:
    """Offers with each engine in turn."""
    if request.param == "asyncio":
        return offering(AsyncioEngine)
    from conformance.load.epoll_engine import EpollEngine

    return offering(EpollEngine)
