"""Logs of the platform's controllers are kept where they can be read, without secrets and within bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.base.clock import run_virtual
from conformance.kube.api_client import Answer
from conformance.observe.controllers import LOG_BYTES, read
from conformance.recording.redaction import Redactor


class Controlled:
    """A api to a platform with an autoscaler that has said something."""

    def __init__(self, text: str, *, lists: int = 200, logs: int = 200) -> None:
        self.text = text
        self.lists = lists
        self.logs = logs

    async def request(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, **options: Any
    ) -> Answer:
        if path.endswith("/log"):
            return Answer(self.logs, {}, self.text.encode())
        names = ["autoscaler-6d7f", "net-kourier-1", "autoscaler-../../evil"] if "/knative-serving/" in path else []
        pods = [{"metadata": {"name": name}, "spec": {"containers": [{"name": "main"}]}} for name in names]
        return Answer(self.lists, {}, json.dumps({"items": pods, "metadata": {}}).encode())

    def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> Any:
        raise AssertionError("nothing is followed")

    async def close(self) -> None:
        """Nothing is held open."""


def test_the_autoscalers_log_is_kept_without_what_is_nobodys_business(tmp_path: Path) -> None:
    redactor = Redactor(("very-secret",))
    names = run_virtual(read(Controlled("scaled at 10.0.0.7 with very-secret\n"), tmp_path, redactor))
    assert names == ("knative-serving.autoscaler-6d7f.log",)
    (path,) = (tmp_path / "logs" / "controllers").iterdir()
    assert path.read_text(encoding="utf-8") == "scaled at address-1 with redacted\n"


def test_a_long_log_is_kept_from_its_end(tmp_path: Path) -> None:
    run_virtual(read(Controlled("x" * 400_000 + "the end"), tmp_path, Redactor()))
    data = (tmp_path / "logs" / "controllers" / "knative-serving.autoscaler-6d7f.log").read_bytes()
    assert len(data) == LOG_BYTES
    assert data.endswith(b"the end")


@pytest.mark.parametrize("statuses", [{"lists": 403}, {"logs": 403}, {"lists": 404}])
def test_what_may_not_be_read_is_left_out(tmp_path: Path, statuses: dict[str, int]) -> None:
    assert run_virtual(read(Controlled("hello\n", **statuses), tmp_path, Redactor())) == ()
    assert not (tmp_path / "logs").exists()
