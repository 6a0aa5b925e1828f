"""A request's bytes: what goes out for a target, and what cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.load.endpoint import Endpoint, tls_context
from conformance.load.load_errors import InvalidLoadError
from conformance.load.load_plan import Target
from conformance.load.request_bytes import RequestBytes


def first_line(target: Target) -> str:
    return RequestBytes.of(target, Endpoint.of(target)).head(1).split(b"\r\n")[0].decode("ascii")


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://a", "POST / HTTP/1.1"),
        ("http://a?x=1#part", "POST /?x=1 HTTP/1.1"),
        ("http://a/v1/models/m:predict", "POST /v1/models/m:predict HTTP/1.1"),
        ("http://a/two words/ü?q=ü d", "POST /two%20words/%C3%BC?q=%C3%BC%20d HTTP/1.1"),
        ("http://a/already%20coded%2F?x=%C3%BC", "POST /already%20coded%2F?x=%C3%BC HTTP/1.1"),
    ],
)
def test_paths_go_out_as_they_are_and_what_cannot_be_in_a_request_is_coded(url: str, line: str) -> None:
    assert first_line(Target(url)) == line


@pytest.mark.parametrize("method", ["GÉT", "", "GET /x HTTP/1.1", "A:B"])
def test_a_method_that_is_no_word_is_refused(method: str) -> None:
    target = Target("http://a/", method=method)
    with pytest.raises(InvalidLoadError, match="is not a method"):
        RequestBytes.of(target, Endpoint.of(target))


def test_a_ca_file_without_certificates_is_named_without_jargon(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("nothing")
    with pytest.raises(InvalidLoadError, match=r"ca\.pem: no certificate found$"):
        tls_context(Target("https://a/", ca_file=str(path)))
