"""A run records whether it knew whom it talked to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.base.clock import RealClock
from conformance.kube.cluster import Cluster, Ingress
from conformance.kube.official_client import connect
from conformance.run.scenario_run import connection


@pytest.mark.parametrize(
    ("cluster", "verified"),
    [
        ({"server": "https://127.0.0.1:1"}, True),
        ({"server": "https://127.0.0.1:1", "insecure-skip-tls-verify": True}, False),
        ({"server": "http://127.0.0.1:1"}, True),
    ],
)
async def test_a_kubeconfig_that_skips_verification_is_noticed(
    tmp_path: Path, cluster: dict[str, Any], verified: bool
) -> None:
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": cluster}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }  # fmt: skip
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    api = await connect(str(path))
    try:
        assert api.verifies is verified
    finally:
        await api.close()


@pytest.mark.parametrize(
    ("ingress", "verified"),
    [
        (Ingress("a:443", scheme="https"), True),
        (Ingress("a:443", scheme="https", verify=False), False),
        (Ingress("a:80", scheme="http", verify=False), True),
    ],
)
def test_an_ingress_without_verification_is_noticed(ingress: Ingress, verified: bool) -> None:
    cluster = Cluster("existing", None, ingress, None, RealClock(), api_verified=False)  # type: ignore[arg-type]
    found = connection(cluster)
    assert found["ingress_verified"] is verified
    assert found["ingress_encrypted"] is (ingress.scheme == "https")
    assert found["api_verified"] is False
