"""The engines this system can run."""

from __future__ import annotations

import pytest

from conformance.load.pacing import available
from conformance.load.streams import StreamEngine
from tests.load.offering import Offer, offering


@pytest.fixture(params=["epoll", "asyncio"] if available() else ["asyncio"])
def offer(request: pytest.FixtureRequest) -> Offer:
    """Offers with each engine in turn."""
    if request.param == "asyncio":
        return offering(StreamEngine)
    from conformance.load.epoll import EpollEngine

    return offering(EpollEngine)
