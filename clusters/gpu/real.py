"""Real accelerators in a kind cluster: NVIDIA's container toolkit in the nodes, its device plugin in the cluster.

The steps are those of NVIDIA's nvkind for one worker with all GPUs, except that the nvidia runtime becomes the node's
default: documented manifests name no RuntimeClass. The host needs the driver, the toolkit with
`accept-nvidia-visible-devices-as-volume-mounts = true`, and the nvidia runtime as Docker's default.
"""

from __future__ import annotations

from typing import Final

from clusters.discovery.accelerators import offered
from clusters.images.container_cli import ContainerCli
from clusters.install.installer import Installer
from clusters.install.manifests import Manifests
from clusters.versions import device_plugin
from conformance.base.clock import Clock
from conformance.kube.api_client import ApiClient

_KEYRING: Final = "/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg"
_PACKAGES: Final = "https://nvidia.github.io/libnvidia-container"

NODE_COMMANDS: Final[tuple[tuple[str, ...], ...]] = (
    ("apt-get", "update", "-q"),
    ("apt-get", "install", "-qy", "--no-install-recommends", "curl", "gpg", "ca-certificates"),
    ("curl", "-fsSL", "-o", "/tmp/nvidia.asc", f"{_PACKAGES}/gpgkey"),
    ("gpg", "--batch", "--yes", "--dearmor", "-o", _KEYRING, "/tmp/nvidia.asc"),
    (
        "cp",
        "/dev/stdin",
        "/etc/apt/sources.list.d/nvidia-container-toolkit.list",
    ),
    ("apt-get", "update", "-q"),
    ("apt-get", "install", "-qy", "--no-install-recommends", "nvidia-container-toolkit"),
    ("nvidia-ctk", "runtime", "configure", "--runtime=containerd", "--config-source=file", "--set-as-default"),
    ("systemctl", "restart", "containerd"),
)
"""For every node that has the mount, in order; the fifth gets `SOURCES` on its standard input."""

SOURCES: Final = f"deb [signed-by={_KEYRING}] {_PACKAGES}/stable/deb/$(ARCH) /\n".encode()


async def prepare_node(docker: ContainerCli, node: str) -> None:
    """Put the container toolkit into a kind node. Raises PlatformError with the step that failed."""
    for argv in NODE_COMMANDS:
        await docker.execute(node, argv, SOURCES if argv[0] == "cp" else None)


async def install_plugin(
    api: ApiClient, installer: Installer, manifests: Manifests, resource: str, clock: Clock, within: float
) -> int:
    """Install the device plugin and wait until some node has accelerators; returns how many there are.

    Raises PlatformError when none appears: the usual reason is a host without the nvidia runtime as default."""
    url, _ = device_plugin("nvidia")
    await installer.apply((await manifests.read(url)).objects, "device plugin")
    return await offered(api, resource, 1, clock, within)
