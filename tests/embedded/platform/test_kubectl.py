"""What somebody does with kubectl on a cluster, done on the embedded platform."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from conformance.base.http.exchange import Request
from conformance.base.http.http_client import Client
from tests.embedded.kubectl import SPACE, executable, kubectl
from tests.embedded.virtual import EXAMPLES, PAYLOAD

pytestmark = [
    pytest.mark.smoke,
    pytest.mark.long,
    pytest.mark.skipif(executable() is None, reason="kubectl is not installed"),
    pytest.mark.timeout(240),
]


async def test_a_deployment_rolls_out_back_and_away(tmp_path: Path) -> None:
    async with kubectl(tmp_path) as user:
        await user.play("rollouts")


async def test_an_inference_service_is_looked_at_from_all_sides(tmp_path: Path) -> None:
    async with kubectl(tmp_path, witness=True) as user:
        example = EXAMPLES / "autoscale-new.yaml"
        await user.play("applying", example=str(example))
        pod = (await user.run("get", "pods", "-o", "jsonpath={.items[0].metadata.name}")).strip()
        await user.play("looking", pod=pod, space=SPACE)
        edited = await user.run(
            "edit", "isvc", "flowers-sample", KUBE_EDITOR="sed -i 's/scaleTarget: 1/scaleTarget: 4/'"
        )
        assert "edited" in edited
        await user.play("changing")


async def test_nodes_are_drained_tainted_and_taken_back(tmp_path: Path) -> None:
    async with kubectl(tmp_path, nodes=2) as user:
        await user.play("nodes")


async def test_what_fails_says_why_wherever_one_looks(tmp_path: Path) -> None:
    async with kubectl(tmp_path) as user:
        await user.play("failing")


async def test_rights_and_namespaces_hold(tmp_path: Path) -> None:
    async with kubectl(tmp_path) as user:
        await user.play("access", space=SPACE)
        token = (await user.run("create", "token", "bot")).strip()
        assert "No resources found" in await user.run("get", "pods", "--token", token)
        assert "Forbidden" in await user.run("get", "secrets", "--token", token, fails=True)


async def test_watches_and_logs_follow_what_happens(tmp_path: Path) -> None:
    async with kubectl(tmp_path) as user, user.following("get", "pods", "-w", "--no-headers") as lines:
        await user.run("apply", "-f", "web.yaml")
        seen: dict[str, list[str]] = {}
        while sum(states[-1] == "Running 1/1" for states in seen.values()) < 2:
            name, ready, phase, *_ = (await lines.readline()).decode().split()
            seen.setdefault(name, []).append(f"{phase} {ready}")
        for states in seen.values():
            order = list(dict.fromkeys(states))
            assert order == ["Pending 0/1", "ContainerCreating 0/1", "Running 0/1", "Running 1/1"]


async def test_a_followed_log_tells_of_requests_as_they_are_served(tmp_path: Path) -> None:
    async with kubectl(tmp_path, witness=True) as user:
        await user.play("applying", example=str(EXAMPLES / "autoscale-new.yaml"))
        pod = (await user.run("get", "pods", "-o", "jsonpath={.items[0].metadata.name}")).strip()
        host, _, port = user.ingress.partition(":")
        client = Client()
        async with user.following("logs", "-f", pod, "-c", "kserve-container", "--since=1h") as lines:
            assert b"listening" in await lines.readline()
            outside = f"flowers-sample.{SPACE}.example.com"
            request = Request("POST", "/v1/models/flowers-sample:predict", outside, (), PAYLOAD)
            assert (await client.call(host, int(port), request)).status == 200
            assert json.loads(await lines.readline())["served"] == 1
        await client.close()


async def test_a_proxy_serves_what_the_api_server_does(tmp_path: Path) -> None:
    async with kubectl(tmp_path) as user, user.following("proxy", "--port=0") as lines:
        place = (await lines.readline()).decode().rpartition(" ")[2].strip()
        host, _, port = place.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /api/v1/nodes?limit=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        assert b"200 OK" in answer
        assert b'"kind":"NodeList"' in answer.replace(b" ", b"")
