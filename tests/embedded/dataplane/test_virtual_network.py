"""The in-process network behaves like sockets: refusing, resetting, hanging up."""

from __future__ import annotations

import asyncio
import random

import pytest

from clusters.embedded.dataplane.deadline import Deadline
from clusters.embedded.dataplane.network import VirtualNetwork
from clusters.embedded.dataplane.revision import RequestTimeouts
from clusters.embedded.dataplane.task_owner import TaskOwner
from conformance.base.clock import run_virtual
from conformance.base.http.exchange import ExchangeError, Request, Response

REQUEST = Request("GET", "/", "h")


async def endless(request: Request) -> Response:
    del request
    await asyncio.sleep(1000)
    raise AssertionError


def test_an_address_can_be_taken_once_and_again_when_free() -> None:
    async def main() -> None:
        network = VirtualNetwork()
        listener = await network.serve("a", endless)
        with pytest.raises(OSError, match=r"^address a is in use$"):
            await network.serve("a", endless)
        await listener.close()
        assert not network.listening("a")
        await network.serve("a", endless)
        await listener.close()
        assert network.listening("a")

    run_virtual(main())


def test_nobody_listening_is_a_refused_connection() -> None:
    async def main() -> str:
        with pytest.raises(ExchangeError) as caught:
            await VirtualNetwork().call("a", REQUEST)
        return caught.value.kind

    assert run_virtual(main()) == "connect"


def test_a_listener_that_dies_resets_its_callers_through_all_hops_and_nobody_else() -> None:
    async def main() -> tuple[str, float, bool]:
        network = VirtualNetwork()
        inner = await network.serve("inner", endless)

        async def forward(request: Request) -> Response:
            return await network.call("inner", request)

        outer = await network.serve("outer", forward)
        await network.serve("other", endless)
        caller = asyncio.create_task(network.call("outer", REQUEST))
        bystander = asyncio.create_task(network.call("other", REQUEST))
        await asyncio.sleep(1)
        await inner.close()
        await outer.close()
        with pytest.raises(ExchangeError) as caught:
            await caller
        when, alive = asyncio.get_running_loop().time(), not bystander.done()
        bystander.cancel()
        await asyncio.wait([bystander])
        return caught.value.kind, when, alive

    assert run_virtual(main()) == ("reset", 1.0, True)


def test_both_hops_dying_at_the_same_moment_reset_the_caller_once() -> None:
    async def main() -> tuple[str, int]:
        network = VirtualNetwork()
        inner = await network.serve("inner", endless)

        async def forward(request: Request) -> Response:
            return await network.call("inner", request)

        outer = await network.serve("outer", forward)
        caller = asyncio.create_task(network.call("outer", REQUEST))
        await asyncio.sleep(1)
        async with asyncio.TaskGroup() as group:
            group.create_task(inner.close())
            group.create_task(outer.close())
        with pytest.raises(ExchangeError) as caught:
            await caller
        return caught.value.kind, caller.cancelling()

    assert run_virtual(main()) == ("reset", 0)


def test_a_caller_that_is_cancelled_stays_cancelled_when_its_listener_dies_too() -> None:
    async def main() -> bool:
        network = VirtualNetwork()
        listener = await network.serve("a", endless)
        caller = asyncio.create_task(network.call("a", REQUEST))
        await asyncio.sleep(1)
        caller.cancel()
        await listener.close()
        await asyncio.wait([caller])
        return caller.cancelled()

    assert run_virtual(main())


def test_hops_take_the_time_they_are_given() -> None:
    async def at_once(request: Request) -> Response:
        del request
        return Response(200)

    async def main() -> float:
        network = VirtualNetwork(hop_seconds=(0.001, 0.003), rng=random.Random(1))
        await network.serve("a", at_once)
        for _ in range(100):
            await network.call("a", REQUEST)
        return asyncio.get_running_loop().time()

    assert 0.15 < run_virtual(main()) < 0.25


def test_deadlines_end_requests_in_their_order_and_no_others() -> None:
    async def takes(request: Request) -> Response:
        await asyncio.sleep(float(request.path[1:]))
        return Response(200)

    async def main() -> list[tuple[float, int]]:
        deadline = Deadline(RequestTimeouts(10.0), "late")
        loop = asyncio.get_running_loop()

        async def one(begin: float, seconds: float) -> tuple[float, int]:
            await asyncio.sleep(begin)
            response = await deadline.answer(takes, Request("GET", f"/{seconds}", "h"))
            return loop.time(), response.status

        return list(await asyncio.gather(one(0, 5), one(1, 50), one(2, 9), one(3, 50), one(30, 50)))

    assert run_virtual(main()) == [(5.0, 200), (11.0, 504), (11.0, 200), (13.0, 504), (40.0, 504)]


def test_the_end_of_an_owners_block_ends_its_tasks() -> None:
    async def main() -> float:
        async with TaskOwner() as owner:
            owner.start(asyncio.sleep(1000))
            await asyncio.sleep(1)
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 1.0


def test_a_task_that_fails_takes_its_owners_block_down() -> None:
    async def fails() -> None:
        await asyncio.sleep(1)
        raise ValueError("broken")

    async def main() -> None:
        async with TaskOwner() as owner:
            owner.start(fails())
            await asyncio.sleep(1000)

    with pytest.raises(ExceptionGroup) as caught:
        run_virtual(main())
    assert caught.group_contains(ValueError, match=r"^broken$")
