"""TLS: verified against a CA file, by the Host's name, or not at all when told so."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from conformance.load.endpoint import tls_context
from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import LoadPlan, LoadShape, Phase, Target
from conformance.recording.rows import RowError
from tests.load.offering import Offer, one
from tests.load.server import serving

pytestmark = pytest.mark.smoke

CERTIFICATE = Path(__file__).parent / "localhost.pem"
"""A self-signed certificate for localhost and model.example.com with its key, made for these tests."""


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def test_a_certificate_of_the_given_authority_is_accepted(offer: Offer, tmp_path: Path) -> None:
    async with serving(tls=server_context()) as seen:
        target = Target(f"https://127.0.0.1:{seen.port}/ok", host="model.example.com", ca_file=str(CERTIFICATE))
        outcome = await offer(one(count=3), target, tmp_path)
    assert [(row.status, row.error) for row in outcome.rows] == [(200, 0)] * 3
    assert seen.connections == 1


async def test_a_certificate_of_an_unknown_authority_is_a_connect_error(offer: Offer, tmp_path: Path) -> None:
    async with serving(tls=server_context()) as seen:
        outcome = await offer(one(), Target(f"https://127.0.0.1:{seen.port}/ok"), tmp_path)
    assert [row.error for row in outcome.rows] == [RowError.CONNECT]
    assert "self-signed" in next(iter(outcome.lines[-1]["summary"]["causes"]))


async def test_the_certificate_has_to_name_the_host(offer: Offer, tmp_path: Path) -> None:
    async with serving(tls=server_context()) as seen:
        target = Target(f"https://127.0.0.1:{seen.port}/ok", host="other.example.com", ca_file=str(CERTIFICATE))
        outcome = await offer(one(), target, tmp_path)
    assert [row.error for row in outcome.rows] == [RowError.CONNECT]


async def test_verification_can_be_turned_off(offer: Offer, tmp_path: Path) -> None:
    async with serving(tls=server_context()) as seen:
        target = Target(f"https://127.0.0.1:{seen.port}/ok", verify=False)
        outcome = await offer(one(), target, tmp_path)
    assert [row.status for row in outcome.rows] == [200]


@pytest.mark.parametrize("path", ["/large", "/split", "/chunked"])
async def test_answers_over_several_tls_records_are_read_to_their_end(offer: Offer, tmp_path: Path, path: str) -> None:
    async with serving(tls=server_context()) as seen:
        target = Target(f"https://127.0.0.1:{seen.port}{path}", verify=False, body=b"x" * 100_000)
        outcome = await offer(one(count=2), target, tmp_path)
    assert [(row.status, row.error) for row in outcome.rows] == [(200, 0)] * 2
    assert seen.bodies == [b"x" * 100_000] * 2


async def test_a_tls_closed_loop_takes_the_short_path_too(offer: Offer, tmp_path: Path) -> None:
    async with serving(tls=server_context()) as seen:
        target = Target(f"https://127.0.0.1:{seen.port}/ok", verify=False)
        outcome = await offer(LoadPlan((Phase(LoadShape.CLOSED, 0.0, workers=2, count=40),)), target, tmp_path)
    assert outcome.offered.errors == 0
    assert len(outcome.rows) == 40
    assert seen.connections == 2


def test_an_unusable_ca_file_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidLoadError, match=r"CA file .*missing\.pem"):
        tls_context(Target("https://a/", ca_file=str(tmp_path / "missing.pem")))
