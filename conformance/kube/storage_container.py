"""Model storage without the internet: a ClusterStorageContainer whose init container only makes an empty model.

The first ClusterStorageContainer of an unsorted list that matches a URI wins, and the shipped `default` matches gs://.
Two matches are undefined, so `default` is disabled while ours is there. That is a change for the whole cluster: only
the providers that own their cluster make it; on an existing platform an administrator applies it, or the model is
fetched.
"""

from __future__ import annotations

from typing import Any, Final

from conformance.kube.resources import STORAGE_CONTAINERS

Object = dict[str, Any]

NAME: Final = "conformance-storage"
PREFIX: Final = "gs://kfserving-examples/"
SHIPPED: Final = "default"


def storage_container(image: str) -> Object:
    """Serves the documented `gs://kfserving-examples/` URIs from the witness image. KServe adds source and destination
    as arguments."""
    return {
        "apiVersion": STORAGE_CONTAINERS.api_version,
        "kind": STORAGE_CONTAINERS.kind,
        "metadata": {"name": NAME},
        "spec": {
            "container": {
                "name": "storage-initializer",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "command": ["python", "-m", "clusters.witness.model_storage"],
                "resources": {
                    "requests": {"cpu": "10m", "memory": "32Mi"},
                    "limits": {"cpu": "1", "memory": "128Mi"},
                },
            },
            "supportedUriFormats": [{"prefix": PREFIX}],
            "workloadType": "initContainer",
        },
    }


def shipped_disabled(disabled: bool = True) -> Object:
    """A patch for the shipped ClusterStorageContainer. `disabled` stands beside spec, not in it."""
    return {"disabled": disabled}
