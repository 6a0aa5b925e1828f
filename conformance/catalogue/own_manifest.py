"""A manifest of the user's own: what it asks for, as far as somebody has to know it who deploys and loads it.

Where KServe gives a default, the same one is assumed here; where a model server decides (the path of an LLM, the shape
of an input) the usual form of KServe's documentation is taken, and said, so that it can be corrected.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import yaml

from conformance.base import bounded_yaml
from conformance.base.errors import UsageError, nearest
from conformance.base.locations import FIXTURES
from conformance.kube.resources import CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS, SERVING_RUNTIMES, Resource
from conformance.kube.serving_runtimes import WITNESS_PLACEHOLDER, ModelFormat

Object = Mapping[str, Any]

KIND: Final = "InferenceService"
BESIDE: Final[Mapping[str, Resource]] = {
    each.kind: each for each in (SERVING_RUNTIMES, SECRETS, CONFIG_MAPS, SERVICE_ACCOUNTS)
}
"""What may stand in the file beside the service; it is made in the same namespace first, and goes with it."""
COMPONENTS: Final = ("predictor", "transformer", "explainer")
FRAMEWORKS: Final = (
    "sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm", "paddle",
)  # fmt: skip
"""Keys of the old schema, each of which is also the name of a model format."""
SECOND_PROTOCOL: Final = ("triton", "vllm")
GENERATIVE: Final = ("huggingface", "vllm")
"""Formats whose servers speak OpenAI's protocol; images of containers of one's own are called by them too."""
MODE: Final = "serving.kserve.io/deploymentMode"
MODES: Final[Mapping[str, str]] = {
    "Serverless": "Knative", "Knative": "Knative", "RawDeployment": "Standard", "Standard": "Standard",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OwnManifest:
    """One InferenceService, and what its file holds beside it."""

    service: Object
    beside: tuple[Object, ...] = ()

    @classmethod
    def read(cls, path: Path) -> OwnManifest:
        """Raises UsageError for a file that cannot be read, or does not hold exactly one InferenceService."""
        try:
            return cls.parse(path.read_bytes(), path.name)
        except OSError as error:
            raise UsageError(f"manifest {path}: {error.strerror}") from error

    @classmethod
    def parse(cls, text: bytes, where: str) -> OwnManifest:
        """Raises UsageError, which begins with `where`."""
        try:
            found = [value for value in bounded_yaml.load_all(text) if value is not None]
        except yaml.MarkedYAMLError as error:
            line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
            raise UsageError(f"{where}{line}: not YAML: {error.problem}") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(f"{where}: not YAML: {' '.join(str(error).split())}") from error
        for value in found:
            kind = value.get("kind") if isinstance(value, Mapping) else None
            if kind != KIND and kind not in BESIDE:
                hint = nearest(str(kind), (KIND, *BESIDE))
                raise UsageError(f"{where}: kind {kind!r} is nothing that is deployed here; {hint}")
        services = [value for value in found if value["kind"] == KIND]
        if len(services) != 1:
            raise UsageError(f"{where}: {len(services)} InferenceServices; a manifest holds exactly one")
        own = cls(services[0], tuple(value for value in found if value["kind"] != KIND))
        for value in found:
            metadata = value.get("metadata")
            if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
                raise UsageError(f"{where}: a {value['kind']} without metadata.name")
        if not isinstance(own.spec.get("predictor"), Mapping):
            raise UsageError(f"{where}: {own.name} has no spec.predictor")
        return own

    @property
    def name(self) -> str:
        return str(self.service["metadata"]["name"])

    @property
    def namespace(self) -> str | None:
        """Where the file would have it; each run has namespaces of its own."""
        found = self.service["metadata"].get("namespace")
        return None if found is None else str(found)

    @property
    def spec(self) -> Object:
        return _mapping(self.service.get("spec"))

    @property
    def components(self) -> tuple[str, ...]:
        return tuple(name for name in COMPONENTS if isinstance(self.spec.get(name), Mapping))

    @property
    def mode(self) -> str:
        """Knative or Standard where the manifest says, else empty: the cluster's default."""
        stated = _mapping(self.service["metadata"].get("annotations")).get(MODE)
        return MODES.get(str(stated), "")

    @property
    def model(self) -> Object | None:
        """The predictor's `model`, in the form of the new schema; None for a container of its own."""
        predictor = _mapping(self.spec.get("predictor"))
        if isinstance(predictor.get("model"), Mapping):
            return cast(Object, predictor["model"])
        for name in FRAMEWORKS:
            if name in predictor:
                return {"modelFormat": {"name": name}, **_mapping(predictor[name])}
        return None

    @property
    def format(self) -> str:
        """Name of the model's format; empty for a container of its own."""
        return str(_mapping((self.model or {}).get("modelFormat")).get("name") or "")

    @property
    def protocol(self) -> str:
        """v1, v2 or openai: what a caller speaks."""
        stated = (self.model or {}).get("protocolVersion")
        if "transformer" in self.components or stated == "v1":
            return "v1"
        if self.format in GENERATIVE or any(word in self._image for word in GENERATIVE):
            return "openai"
        return "v2" if stated == "v2" or self.format in SECOND_PROTOCOL else "v1"

    @property
    def _image(self) -> str:
        """Of a predictor's container of its own; empty where a model is named instead."""
        listed = _mapping(self.spec.get("predictor")).get("containers") if self.model is None else None
        first = listed[0] if isinstance(listed, list) and listed else None
        return str(_mapping(first).get("image") or "")

    @property
    def served_name(self) -> str:
        """What the model is called in a URL: the service's name, unless an argument says otherwise."""
        outer = reversed([list(entry.get("args") or ()) for entry in self._containers()])
        for words in ([str(word) for word in args] for args in outer):
            for number, word in enumerate(words):
                flag, sign, value = word.partition("=")
                if flag.replace("-", "_") == "__model_name":
                    return value if sign else (words[number + 1] if number + 1 < len(words) else self.name)
        return self.name

    @property
    def path(self) -> str:
        """Where a caller sends requests, unless told otherwise."""
        return {
            "v1": f"/v1/models/{self.served_name}:predict",
            "v2": f"/v2/models/{self.served_name}/infer",
            "openai": "/openai/v1/chat/completions",
        }[self.protocol]

    @property
    def payload(self) -> bytes:
        """What a caller sends, unless told otherwise: one instance of the form that is usual for the protocol."""
        value: object
        if self.protocol == "openai":
            said = [{"role": "user", "content": "What does a conformance suite do?"}]
            value = {"model": self.served_name, "messages": said, "max_tokens": 16}
        elif self.protocol == "v2":
            value = {"inputs": [{"name": "input-0", "shape": [1, 4], "datatype": "FP32", "data": [6.8, 2.8, 4.8, 1.4]}]}
        elif "transformer" in self.components:
            picture = base64.b64encode((FIXTURES / "payloads" / "tiny.png").read_bytes()).decode()
            value = {"instances": [{"image": {"b64": picture}}]}
        else:
            value = {"instances": [[6.8, 2.8, 4.8, 1.4]]}
        return json.dumps(value).encode() + b"\n"

    @property
    def goes_to_zero(self) -> bool:
        """Whether nothing is left of it without traffic."""
        return self.mode != "Standard" and all(self.spec[name].get("minReplicas") == 0 for name in self.components)

    @property
    def accelerators(self) -> int:
        """Accelerators that one pod of every component asks for together."""
        return sum(_accelerators(part) for part in self._containers())

    def formats(self) -> tuple[ModelFormat, ...]:
        """The formats for which runtimes with the witness are made; none for a container of its own."""
        if self.model is None:
            return ()
        version = _mapping(self.model.get("modelFormat")).get("version")
        return (ModelFormat(self.format, (str(version),) if version else ("1",), str(self.model.get("runtime") or "")),)

    def applied(self) -> bytes:
        """The service as YAML, without a namespace."""
        metadata = {key: value for key, value in self.service["metadata"].items() if key != "namespace"}
        return _dump({**self.service, "metadata": metadata})

    def with_witness(self, service_ms: float, start_seconds: float, *, image: bool) -> OwnManifest:
        """The same with the witness in every container that stands in the manifest itself. `image` False leaves the
        image's name, where nothing is ever pulled."""
        environment = {"WITNESS_SERVICE_MS": f"{service_ms:g}", "WITNESS_START_SECONDS": f"{start_seconds:g}"}
        spec = {
            name: _component(part, {} if name == "transformer" else environment, image=image)
            if name in COMPONENTS
            else part
            for name, part in self.spec.items()
        }
        return OwnManifest({**self.service, "spec": spec}, self.beside)

    def _containers(self) -> Iterator[Object]:
        """What runs, the predictor first."""
        if self.model is not None:
            yield self.model
        for name in self.components:
            part = _mapping(self.spec[name])
            yield from (entry for entry in part.get("containers") or () if isinstance(entry, Mapping))


def _component(part: Any, environment: Mapping[str, str], *, image: bool) -> Any:
    if not isinstance(part, Mapping) or not isinstance(part.get("containers"), list) or not part["containers"]:
        return part
    first, *rest = part["containers"]
    env = [entry for entry in first.get("env") or () if entry.get("name") not in environment]
    env += [{"name": name, "value": value} for name, value in environment.items()]
    changed = {**first, **({"env": env} if env else {})}
    if image:
        changed = {key: value for key, value in changed.items() if key not in ("command", "args")}
        changed["image"] = WITNESS_PLACEHOLDER
    return {**part, "containers": [changed, *rest]}


def _accelerators(container: Object) -> int:
    limits = _mapping(_mapping(container.get("resources")).get("limits"))
    found = (str(amount) for name, amount in limits.items() if name.endswith("/gpu"))
    return sum(int(amount) for amount in found if amount.isdecimal())


def _mapping(value: object) -> Object:
    return value if isinstance(value, Mapping) else {}


def _dump(value: Object) -> bytes:
    return yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True).encode()
