"""Logs of the platform's own controllers, read once at the end of a run: evidence for whoever asks why it scaled so.

logs/controllers/NAMESPACE.POD.log     the last lines of all its containers, stamped by the node, redacted
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from conformance.base.errors import PlatformError
from conformance.kube.api_client import ApiClient
from conformance.kube.resources import PODS
from conformance.kube.verbs import ApiStatus, Object, list_all
from conformance.recording.redaction import Redactor

CONTROLLERS: Final = {
    "knative-serving": ("autoscaler", "activator", "controller"),
    "kserve": ("kserve-controller-manager",),
}
"""Namespace to how the names of its pods begin, as the projects' own manifests have them."""
LINES: Final = 1000
LOG_BYTES: Final = 256 * 1024
PODS_READ: Final = 12
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")


async def read(api: ApiClient, folder: Path, redactor: Redactor) -> tuple[str, ...]:
    """Write what can be read below the run's folder; returns the names of the files. Whatever cannot be read is left
    out: a platform of another make has none of these, and an account may not be let at them."""
    written: list[str] = []
    for space, beginnings in CONTROLLERS.items():
        try:
            found, _ = await list_all(api, PODS, space)
            wanted = [pod for pod in found if str(pod["metadata"]["name"]).startswith(beginnings)]
            for pod in sorted(wanted, key=lambda entry: str(entry["metadata"]["name"]))[:PODS_READ]:
                name = str(pod["metadata"]["name"])
                data = await _logs(api, space, pod, redactor)
                if data and _NAME.fullmatch(name):
                    logs = folder / "logs" / "controllers"
                    logs.mkdir(parents=True, exist_ok=True)
                    (logs / f"{space}.{name}.log").write_bytes(data)
                    written.append(f"{space}.{name}.log")
        except (ApiStatus, PlatformError):
            continue
    return tuple(written)


async def _logs(api: ApiClient, space: str, pod: Object, redactor: Redactor) -> bytes:
    parts = []
    for container in pod["spec"]["containers"]:
        query = {"container": str(container["name"]), "tailLines": str(LINES), "timestamps": "true"}
        answer = await api.request("GET", PODS.path(space, pod["metadata"]["name"], "log"), query=query)
        if answer.status == 200:
            parts.append(redactor.text(answer.body.decode("utf-8", "replace")).encode()[-LOG_BYTES:])
    return b"".join(parts)
