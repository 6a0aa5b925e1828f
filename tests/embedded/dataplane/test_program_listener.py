"""An address of the cluster that leads to another program's port."""

from __future__ import annotations

import pytest

from clusters.embedded.dataplane.sockets import SocketNetwork
from conformance.base.http.exchange import ExchangeError, Request, Response
from conformance.base.http.http_server import Server

pytestmark = pytest.mark.smoke

ADDRESS = "10.244.0.2:8080"
ASK = Request("GET", "/", "m")


async def answer(request: Request) -> Response:
    return Response(200, (), request.path.encode())


async def test_calls_reach_the_program_until_the_address_is_forgotten() -> None:
    network, program = SocketNetwork(), Server(answer)
    await program.listen()
    listener = network.attach(ADDRESS, program.port)
    assert network.listening(ADDRESS)
    assert (network.port(ADDRESS), listener.bound) == (program.port, f"127.0.0.1:{program.port}")
    assert (await network.call(ADDRESS, ASK)).body == b"/"
    await listener.close()
    assert network.port(ADDRESS) is None
    with pytest.raises(ExchangeError, match="connection refused"):
        await network.call(ADDRESS, ASK)
    await network.close()
    await program.close()


async def test_an_address_belongs_to_one_listener() -> None:
    network = SocketNetwork()
    listener = await network.serve(ADDRESS, answer)
    with pytest.raises(OSError, match=r"^address 10\.244\.0\.2:8080 is in use$"):
        network.attach(ADDRESS, 1)
    assert network.port(ADDRESS) == int(listener.bound.rpartition(":")[2])
    await network.close()
