"""The account that Kubernetes gives a pod: how the suite reaches the API server from inside a cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where every pod has its token and the API server's authority, unless it declines."""
SERVER: Final = "KUBERNETES_SERVICE_HOST"


def inside_a_pod(folder: Path = FOLDER) -> bool:
    """Whether this process runs in a pod that has an account."""
    return bool(os.environ.get(SERVER)) and (folder / "token").is_file()


def use(configuration: Any, folder: Path = FOLDER) -> None:
    """Have a configuration of the official client use the pod's account, whose token is read anew every minute. Raises
    the client's ConfigException for files that are no account."""
    from kubernetes.aio.config.incluster_config import InClusterConfigLoader

    loader = InClusterConfigLoader(token_filename=str(folder / "token"), cert_filename=str(folder / "ca.crt"))
    loader.load_and_set(configuration)
