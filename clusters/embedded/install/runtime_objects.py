"""The ClusterServingRuntimes of KServe 0.20 for the formats of the documented examples, its storage container, and what
leads to metrics."""

from __future__ import annotations

from typing import Any, Final

from conformance.kube.resources import API_SERVICES, METRICS_SERVICE, POD_METRICS

Object = dict[str, Any]

RESOURCES: Final = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "1", "memory": "2Gi"}}


def _runtime(name: str, formats: list[Object], container: Object, *, protocols: list[str]) -> Object:
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterServingRuntime",
        "metadata": {"name": name},
        "spec": {
            "annotations": {"prometheus.kserve.io/port": "8080", "prometheus.kserve.io/path": "/metrics"},
            "supportedModelFormats": formats,
            "protocolVersions": protocols,
            "containers": [{"name": "kserve-container", "resources": RESOURCES, **container}],
        },
    }


def _format(name: str, version: str, priority: int) -> Object:
    return {"name": name, "version": version, "autoSelect": True, "priority": priority}


def cluster_runtimes() -> list[Object]:
    """Runtimes that every namespace may use."""
    tensorflow = {
        "image": "tensorflow/serving:2.6.2",
        "command": ["/usr/bin/tensorflow_model_server"],
        "args": [
            "--model_name={{.Name}}",
            "--port=9000",
            "--rest_api_port=8080",
            "--model_base_path=/mnt/models",
            "--rest_api_timeout_in_ms=60000",
        ],
    }
    torchserve = {
        "image": "pytorch/torchserve-kfs:0.9.0",
        "args": [
            "torchserve",
            "--start",
            "--model-store=/mnt/models/model-store",
            "--ts-config=/mnt/models/config/config.properties",
        ],
        "env": [{"name": "TS_SERVICE_ENVELOPE", "value": "{{.Labels.serviceEnvelope}}"}],
    }
    sklearn = {
        "image": "kserve/sklearnserver:v0.20.0",
        "args": ["--model_name={{.Name}}", "--model_dir=/mnt/models", "--http_port=8080"],
    }
    triton = {
        "image": "nvcr.io/nvidia/tritonserver:23.05-py3",
        "args": ["tritonserver", "--model-store=/mnt/models", "--grpc-port=9000", "--http-port=8080"],
    }
    triton_formats = [_format("tensorrt", "8", 1), _format("tensorflow", "1", 1), _format("tensorflow", "2", 1)]
    return [
        _runtime("kserve-sklearnserver", [_format("sklearn", "1", 1)], sklearn, protocols=["v1", "v2"]),
        _runtime(
            "kserve-tensorflow-serving",
            [_format("tensorflow", "1", 2), _format("tensorflow", "2", 2)],
            tensorflow,
            protocols=["v1", "grpc-v1"],
        ),
        _runtime(
            "kserve-torchserve",
            [_format("pytorch", "1", 2)],
            torchserve,
            protocols=["v1", "v2", "grpc-v2"],
        ),
        _runtime("kserve-tritonserver", triton_formats, triton, protocols=["v2", "grpc-v2"]),
    ]


def storage_container() -> Object:
    """The shipped ClusterStorageContainer."""
    return {
        "apiVersion": "serving.kserve.io/v1alpha1",
        "kind": "ClusterStorageContainer",
        "metadata": {"name": "default"},
        "spec": {
            "container": {
                "name": "storage-initializer",
                "image": "kserve/storage-initializer:v0.20.0",
                "resources": {
                    "requests": {"cpu": "100m", "memory": "100Mi"},
                    "limits": {"cpu": "1", "memory": "1Gi"},
                },
            },
            "supportedUriFormats": [
                {"prefix": "gs://"},
                {"prefix": "s3://"},
                {"prefix": "hdfs://"},
                {"prefix": "webhdfs://"},
                {"prefix": "hf://"},
                {"prefix": "pvc://"},
                {"regex": "https://(.+?).blob.core.windows.net/(.+)"},
                {"regex": "https?://(.+)/(.+)"},
            ],
            "workloadType": "initContainer",
        },
    }


def metrics_service() -> Object:
    """What leads the API server to metrics-server."""
    return {
        "apiVersion": API_SERVICES.api_version,
        "kind": API_SERVICES.kind,
        "metadata": {"name": METRICS_SERVICE},
        "spec": {
            "group": POD_METRICS.group,
            "version": POD_METRICS.version,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443},
        },
        "status": {"conditions": [{"type": "Available", "status": "True", "reason": "Passed"}]},
    }
