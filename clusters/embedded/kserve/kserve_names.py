"""KServe's names for things: annotations, labels, containers (pkg/constants/constants.go)."""

from __future__ import annotations

from typing import Final

from clusters.embedded.objects.metadata import Object

DEPLOYMENT_MODE: Final = "serving.kserve.io/deploymentMode"
AUTOSCALER_CLASS: Final = "serving.kserve.io/autoscalerClass"
STOP: Final = "serving.kserve.io/stop"
SOURCE_URI: Final = "internal.serving.kserve.io/storage-initializer-sourceuri"
ACCELERATOR: Final = "serving.kserve.io/gke-accelerator"
SERVER_TYPE: Final = "serving.kserve.io/server-type"
MODEL_FORMAT: Final = "modelFormat"
INFERENCE_SERVICE: Final = "serving.kserve.io/inferenceservice"
COMPONENT: Final = "component"
VISIBILITY: Final = "networking.knative.dev/visibility"
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"

KNATIVE: Final = "Knative"
STANDARD: Final = "Standard"
OLD_MODES: Final = {"RawDeployment": STANDARD, "Serverless": KNATIVE}

CONTAINER: Final = "kserve-container"
INITIALIZER: Final = "storage-initializer"
MODEL_PATH: Final = "/mnt/models"

CLASS_ANNOTATION: Final = "autoscaling.knative.dev/class"
METRIC_ANNOTATION: Final = "autoscaling.knative.dev/metric"
TARGET_ANNOTATION: Final = "autoscaling.knative.dev/target"
MIN_SCALE_ANNOTATION: Final = "autoscaling.knative.dev/min-scale"
MAX_SCALE_ANNOTATION: Final = "autoscaling.knative.dev/max-scale"
INITIAL_SCALE_ANNOTATION: Final = "autoscaling.knative.dev/initial-scale"
KPA_CLASS: Final = "kpa.autoscaling.knative.dev"
HPA_CLASS: Final = "hpa.autoscaling.knative.dev"

PREDICTOR: Final = "predictor"
TRANSFORMER: Final = "transformer"
EXPLAINER: Final = "explainer"
COMPONENTS: Final = (PREDICTOR, TRANSFORMER, EXPLAINER)

FRAMEWORKS: Final = (
    "sklearn",
    "xgboost",
    "tensorflow",
    "pytorch",
    "triton",
    "onnx",
    "huggingface",
    "pmml",
    "lightgbm",
    "paddle",
)
"""Keys of the old schema, one for each framework."""


def component_name(service: str, component: str, spec: Object | None = None) -> str:
    """Name of a component's Knative Service or Deployment; a predictor may carry a name of its own."""
    own = (spec or {}).get("name") if component == PREDICTOR else None
    return f"{service}-{own}-{component}" if own else f"{service}-{component}"


def wants_gpu(resources: Object | None) -> bool:
    """Whether limits or requests name an NVIDIA device; the amount is not looked at (KServe's IsGPUEnabled)."""
    names = list((resources or {}).get("limits") or ()) + list((resources or {}).get("requests") or ())
    return any(name == "nvidia.com/gpu" or name.startswith("nvidia.com/mig") for name in names)
