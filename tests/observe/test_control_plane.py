"""A restart of the autoscaler in the middle of a scenario shows in the recording, and so in the verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.kube.api_client import Answer
from conformance.observe import control_plane
from conformance.recording.facts import Fact
from conformance.recording.writer import Header, Recorder


class ApiClient:
    """An API server with some pods of the autoscaler."""

    def __init__(self, *pods: Mapping[str, Any], status: int = 200) -> None:
        self.pods = pods
        self.status = status
        self.asked: list[Any] = []

    async def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None, **_: Any) -> Answer:
        self.asked.append((path, (query or {}).get("labelSelector")))
        listed = {"kind": "PodList", "metadata": {}, "items": list(self.pods)}
        return Answer(self.status, {}, json.dumps(listed if self.status == 200 else {"kind": "Status"}).encode())

    def stream(self, path: str, *, query: Mapping[str, str] | None = None) -> Any:
        raise AssertionError("nothing is watched here")

    async def close(self) -> None:
        """Nothing is held open."""


class Still:
    """A clock that stands."""

    def monotonic(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 1000.0


def pod(uid: str, restarts: int = 0) -> dict[str, Any]:
    return {"metadata": {"name": f"autoscaler-{uid}", "uid": uid}, "status": {"containerStatuses": [
        {"name": "autoscaler", "restartCount": restarts}]}}  # fmt: skip


async def noted(folder: Path, *doors: ApiClient) -> list[Mapping[str, Any]]:
    """Bodies of what is written, one reading of each api."""
    with Recorder(folder / "recording", Header("s", "r", 0, "real", 0.0, 1000.0, "0", "existing", {}), Still()) as told:
        for api in doors:
            await control_plane.note(api, told)
    lines = (folder / "recording" / "facts.jsonl").read_text(encoding="utf-8").splitlines()
    return [Fact.parse(line).body.plain() for line in lines]


async def test_an_autoscaler_that_stays_has_one_version(tmp_path: Path) -> None:
    before, after = await noted(tmp_path, ApiClient(pod("a"), pod("b")), ApiClient(pod("b"), pod("a")))
    assert before == after
    assert before["data"] == {"pods": "2"}


@pytest.mark.parametrize("later", [pod("a", restarts=1), pod("c")])
async def test_one_that_restarts_or_moves_has_another(tmp_path: Path, later: Mapping[str, Any]) -> None:
    before, after = await noted(tmp_path, ApiClient(pod("a")), ApiClient(later))
    assert before["data"] == after["data"]
    assert before["version"] != after["version"]


async def test_only_the_autoscalers_pods_are_asked_for(tmp_path: Path) -> None:
    api = ApiClient(pod("a"))
    await noted(tmp_path, api)
    assert api.asked == [("/api/v1/namespaces/knative-serving/pods", "app=autoscaler")]


@pytest.mark.parametrize("api", [ApiClient(), ApiClient(status=403)])
async def test_where_there_are_none_to_see_nothing_is_written(tmp_path: Path, api: ApiClient) -> None:
    assert await noted(tmp_path, api) == []
