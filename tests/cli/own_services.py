"""InferenceServices as somebody brings them who wants to try their own, after the forms that KServe documents."""

from __future__ import annotations

from pathlib import Path

IRIS = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris, namespace: models}
spec:
  predictor:
    scaleTarget: 2
    model: {modelFormat: {name: sklearn}, storageUri: "gs://kfserving-examples/models/sklearn/1.0/model"}
"""
PAIR = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: digits}
spec:
  predictor:
    scaleTarget: 2
    pytorch: {storageUri: "gs://kfserving-examples/models/torchserve/image_classifier/v1"}
  transformer:
    scaleTarget: 4
    containers:
      - {name: kserve-container, image: "kserve/image-transformer:latest", args: [--model_name, mnist]}
"""
LANGUAGE_MODEL = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: words}
spec:
  predictor:
    minReplicas: 0
    maxReplicas: 3
    scaleTarget: 2
    containerConcurrency: 4
    model:
      modelFormat: {name: huggingface}
      args: [--model_name=qwen, --model_id=Qwen/Qwen2.5-0.5B-Instruct]
      resources: {limits: {nvidia.com/gpu: "1"}}
"""
CONTAINER = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat}
spec:
  predictor:
    containers:
      - name: kserve-container
        image: kserve/huggingfaceserver:latest
        args: [--model_name=llama]
        resources: {limits: {nvidia.com/gpu: "1"}}
      - {name: sidecar, image: "example/sidecar:1"}
"""


def written(folder: Path, text: str, name: str = "service.yaml") -> str:
    """Path of a file with a manifest."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)
