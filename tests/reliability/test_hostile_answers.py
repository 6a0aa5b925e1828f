"""Whatever an API server or an ingress answers, the harness comes to an end in bounded time and memory, with a word."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.base.clock import RealClock
from conformance.base.errors import PlatformError
from conformance.kube import official_client
from conformance.kube.cluster import Ingress
from conformance.kube.resources import PODS
from conformance.kube.verbs import list_all, watch
from conformance.load.child import ChildGenerator
from conformance.load.generator import LoadSpec
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.recording.rows import Row, RowError
from conformance.run import probe
from tests.reliability.hostile import ANSWERS, OK, Answering, hostile, plain, without_end
from tests.reliability.large import peak_mib

PATIENCE_SECONDS = 40.0
HELD_MIB = 192
"""The largest answer that is taken, 64 MiB, twice while it is put together, and what the test's own server holds."""
CHILD_MIB = 512


@pytest.fixture
def held() -> Iterator[None]:
    """The process never takes more than so much beyond the most it took before."""
    # The answers of the test before may hang in cycles that no collection has come by yet.
    gc.collect()
    before = peak_mib()
    yield
    assert peak_mib() - before < HELD_MIB


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends what never ends after two seconds instead of thirty."""
    for module, name in (
        (official_client, "REQUEST_SECONDS"),
        (official_client, "SILENT_SECONDS"),
        (probe, "PROBE_SECONDS"),
    ):
        monkeypatch.setattr(module, name, 2.0)


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("name", ANSWERS)
async def test_a_list_ends_in_words(name: str, tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), hostile(ANSWERS[name]) as server:
        api = await official_client.connect(server.kubeconfig(tmp_path))
        try:
            with pytest.raises(PlatformError) as told:
                await list_all(api, PODS, "space")
        finally:
            await api.close()
    assert str(told.value)
    assert "canary-token" not in str(told.value)


WATCHES = {
    **{name: ANSWERS[name] for name in (
        "a body larger than any memory", "headers without end", "a head that drips", "nothing at all",
        "a body packed a thousandfold", "not JSON", "nested without end", "elsewhere, to a file",
    )},
    "an error without end": without_end(b"HTTP/1.1 500 Oops\r\ncontent-length: 99999999999\r\n\r\n", b"x" * 65536),
    "an event of nothing": plain(b'{"type":"ADDED","object":null}\n'),
    "an event of no kind": plain(b'{"type":"\\u001b[2J","object":{"metadata":{}}}\n'),
    "an error with a word for a code": plain(b'{"type":"ERROR","object":{"code":"410"}}\n'),
    "an event that is not a number": plain(b'{"type":"ADDED","object":{"metadata":{},"x":Infinity}}\n'),
}  # fmt: skip


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("name", WATCHES)
async def test_a_watch_ends_in_words(name: str, tmp_path: Path) -> None:
    async def follow() -> None:
        async with watch(api, PODS, "space", "1") as changes:
            async for _ in changes:
                pass

    async with asyncio.timeout(PATIENCE_SECONDS), hostile(WATCHES[name]) as server:
        api = await official_client.connect(server.kubeconfig(tmp_path))
        try:
            with pytest.raises(PlatformError):
                await follow()
        finally:
            await api.close()


async def test_a_redirect_takes_no_token_to_another_host(tmp_path: Path) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), hostile(plain(b"{}")) as other:
        away = plain(b"", f"location: http://127.0.0.1:{other.port}/stolen", status="307 Temporary Redirect")
        async with hostile(away) as server:
            api = await official_client.connect(server.kubeconfig(tmp_path))
            try:
                with pytest.raises(PlatformError, match="307"):
                    await list_all(api, PODS, "space")
            finally:
                await api.close()
            status, _ = await probe.probe(Ingress(address=f"127.0.0.1:{server.port}"), to(server.port), "GET")
            assert status == 307
        assert b"canary-token" in server.heads[0]
        assert other.heads == []


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("name", ANSWERS)
async def test_a_probe_ends(name: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS), hostile(ANSWERS[name]) as server:
        status, text = await probe.probe(Ingress(address=f"127.0.0.1:{server.port}"), to(server.port), "POST")
        assert 0 <= status < 1000
        assert len(text) <= probe.MAX_BYTES


WITNESS = (
    "x-in-flight: nan", "x-high-water: 1e999", "x-model-ms: -inf", "x-pod: \x1b[2J<script>alert(1)</script>../../x",
)  # fmt: skip
LOADS: dict[str, tuple[Answering, set[RowError]]] = {
    "a body without end": (ANSWERS["a body without end"], {RowError.TIMEOUT}),
    "headers without end": (ANSWERS["headers without end"], {RowError.PROTOCOL}),
    "one header without end": (ANSWERS["one header without end"], {RowError.PROTOCOL}),
    "a head that drips": (ANSWERS["a head that drips"], {RowError.TIMEOUT}),
    "no HTTP": (ANSWERS["no HTTP"], {RowError.PROTOCOL}),
    "a witness of nonsense": (plain(b"{}", *WITNESS), {RowError.NONE}),
    "a number that is none for a length": (
        without_end(OK + b"content-length: 99999999999999999999999\r\n\r\n", b"x"), {RowError.PROTOCOL},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOADS)
async def test_a_load_ends_with_a_row_for_each_request(name: str, tmp_path: Path) -> None:
    answering, errors = LOADS[name]
    plan = LoadPlan(phases=(Phase(LoadShape.CONSTANT, 1.0, rate=5.0),), timeout_seconds=1.0, drain_seconds=2.0)
    async with asyncio.timeout(PATIENCE_SECONDS), hostile(answering) as server:
        await ChildGenerator("normal").offer(LoadSpec(plan, to(server.port), tmp_path, 0, RealClock().monotonic()))
    data = (tmp_path / "load-0.rows").read_bytes()
    rows = [Row.unpack(data[at : at + 72]) for at in range(0, len(data), 72)]
    assert len(rows) == 5
    assert {row.error for row in rows} == errors
    assert {row.in_flight for row in rows} == {row.model_seconds for row in rows} == {0}
    assert b"\x1b" not in (tmp_path / "load-0.names").read_bytes()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1 if sys.platform == "darwin" else 1 / 1024)
    # A child counts with its parent's memory until it has become a program of its own.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert peak < max(CHILD_MIB << 20, 1.25 * own)


def to(port: int) -> Target:
    return Target(url=f"http://127.0.0.1:{port}/v1/models/x:predict", host="x.example", body=b"{}")
