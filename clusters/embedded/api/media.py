"""Content negotiation: which of its forms an answer takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.exchange import Call
from clusters.embedded.api.status import ApiError

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
BUILT_IN_TYPES: Final = (JSON, YAML, PROTOBUF)
CUSTOM_TYPES: Final = (JSON, YAML)


@dataclass(frozen=True, slots=True)
class Form:
    """A chosen form. `shape` is empty, Table, PartialObjectMetadata or PartialObjectMetadataList."""

    media_type: str = JSON
    shape: str = ""
    shape_group: str = ""
    shape_version: str = ""
    pretty: bool = False

    @property
    def is_protobuf(self) -> bool:
        return self.media_type == PROTOBUF

    @property
    def is_yaml(self) -> bool:
        return self.media_type == YAML


def clauses(header: str) -> list[tuple[str, dict[str, str]]]:
    """The media types of an Accept header with their parameters, by falling quality, else in the order given."""
    found: list[tuple[float, str, dict[str, str]]] = []
    for clause in header.split(","):
        media_type, *rest = (part.strip() for part in clause.split(";"))
        if not media_type:
            continue
        parameters = dict(part.split("=", 1) for part in rest if "=" in part)
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 1.0
        found.append((quality, media_type.lower(), parameters))
    found.sort(key=lambda item: -item[0])
    return [(media_type, parameters) for _, media_type, parameters in found]


def not_acceptable(accepted: tuple[str, ...]) -> ApiError:
    return ApiError("NotAcceptable", f"only the following media types are accepted: {', '.join(accepted)}")


def _wants_pretty(call: Call, parameters: dict[str, str]) -> bool:
    if call.has("pretty"):
        return call.flag("pretty")
    if parameters.get("pretty") is not None:
        return parameters["pretty"] not in ("0", "false")
    agent = call.header("user-agent")
    return agent.startswith(("curl", "Wget", "Mozilla/5.0"))


def negotiate(call: Call, *, custom: bool, shapes: tuple[str, ...] = ()) -> Form:
    """Choose a form. Raises ApiError NotAcceptable.

    Protobuf may be chosen for what is not a custom resource, but not for tables, which have no such form.
    """
    accepted = CUSTOM_TYPES if custom else BUILT_IN_TYPES
    header = call.header("accept")
    if not header.strip():
        return Form(pretty=_wants_pretty(call, {}))
    for media_type, parameters in clauses(header):
        shape = parameters.get("as", "")
        if shape and (shape not in shapes or not _known_shape(parameters)):
            continue
        if media_type == PROTOBUF and shape != "Table" and (shape or not custom):
            return Form(PROTOBUF, shape, parameters.get("g", ""), parameters.get("v", ""))
        if media_type == "*/*" or (media_type in (JSON, YAML)):
            chosen = JSON if media_type == "*/*" else media_type
            pretty = _wants_pretty(call, parameters)
            return Form(chosen, shape, parameters.get("g", ""), parameters.get("v", ""), pretty)
    if "application/*" in header:
        listed = ", ".join(accepted)
        raise ApiError("NotAcceptable", f"406: Not Acceptable\n\nAvailable representations: {listed}", details={})
    raise not_acceptable(accepted)


def negotiate_watch(call: Call, *, custom: bool, shapes: tuple[str, ...]) -> Form:
    """Choose the form of a stream: JSON lines, or protobuf frames. Raises ApiError NotAcceptable."""
    header = call.header("accept")
    for media_type, parameters in clauses(header or "*/*"):
        shape = parameters.get("as", "")
        if shape and (shape not in shapes or not _known_shape(parameters)):
            continue
        if media_type == PROTOBUF and shape != "Table" and (shape or not custom):
            return Form(PROTOBUF, shape, parameters.get("g", ""), parameters.get("v", ""))
        if media_type in ("*/*", JSON):
            return Form(JSON, shape, parameters.get("g", ""), parameters.get("v", ""))
    raise not_acceptable((f"{JSON};stream=watch", f"{PROTOBUF};stream=watch"))


def _known_shape(parameters: dict[str, str]) -> bool:
    return parameters.get("g") == "meta.k8s.io" and parameters.get("v") in ("v1", "v1beta1")
