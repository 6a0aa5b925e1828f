"""From inside a cluster the suite asks the API server as its pod's account."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conformance.base.errors import PlatformError
from conformance.kube import official_client, pod_account
from conformance.kube.official_client import connect

AUTHORITY = Path(__file__).parents[1] / "load" / "localhost.pem"


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pod's files, and a home without a kubeconfig."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text("first")
    shutil.copy(AUTHORITY, folder / "ca.crt")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(official_client, "inside_a_pod", lambda: pod_account.inside_a_pod(folder))
    monkeypatch.setattr(official_client, "use", lambda configuration: pod_account.use(configuration, folder))
    return folder


@pytest.mark.usefixtures("account")
async def test_a_pod_without_a_kubeconfig_is_its_own_account() -> None:
    api = await connect()
    try:
        assert api.server == "https://10.0.0.1:443"
        assert api.verifies
        assert (await api._headers(None))["authorization"].lower() == "bearer first"
    finally:
        await api.close()


@pytest.mark.usefixtures("account")
async def test_a_kubeconfig_that_is_named_goes_first(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match="no such file"):
        await connect(str(tmp_path / "missing"))


async def test_outside_of_a_cluster_a_kubeconfig_is_wanted(account: Path) -> None:
    (account / "token").unlink()
    with pytest.raises(PlatformError, match="at its default place"):
        await connect()
