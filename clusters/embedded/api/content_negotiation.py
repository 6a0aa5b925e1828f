"""Content negotiation: in which form an answer goes out. Protobuf is read but never written: clients that prefer it
also accept JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import yaml

from clusters.embedded.api.json_values import compact
from clusters.embedded.api.request import Request
from clusters.embedded.api.status import ApiError

JSON: Final = "application/json"
YAML: Final = "application/yaml"
ANYTHING: Final = ("*/*", "application/*")
LIST_SHAPES: Final = ("Table", "PartialObjectMetadataList")
OBJECT_SHAPES: Final = ("Table", "PartialObjectMetadata")
PRETTY_AGENTS: Final = ("curl", "Wget", "Mozilla/5.0")


@dataclass(frozen=True, slots=True)
class Form:
    """A chosen form. `shape` is empty, Table, PartialObjectMetadata or PartialObjectMetadataList."""

    media_type: str = JSON
    shape: str = ""
    version: str = ""
    """Of meta.k8s.io, for a shape."""
    pretty: bool = False


def clauses(header: str) -> list[tuple[str, dict[str, str]]]:
    """The media types of an Accept header with their parameters, by falling quality, else in the order given."""
    found: list[tuple[float, str, dict[str, str]]] = []
    for clause in header.split(","):
        media_type, *rest = (part.strip() for part in clause.split(";"))
        parameters = dict(part.split("=", 1) for part in rest if "=" in part)
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 1.0
        if media_type:
            found.append((quality, media_type.lower(), parameters))
    found.sort(key=lambda item: -item[0])
    return [(media_type, parameters) for _, media_type, parameters in found]


def negotiate(request: Request, shapes: tuple[str, ...] = (), *, stream: bool = False) -> Form:
    """Choose a form; streams are lines of JSON. Raises ApiError NotAcceptable."""
    accepted = (JSON,) if stream else (JSON, YAML)
    for media_type, parameters in clauses(request.header("accept") or "*/*"):
        shape, version = parameters.get("as", ""), parameters.get("v", "")
        is_known = parameters.get("g") == "meta.k8s.io" and version in ("v1", "v1beta1")
        if shape and (shape not in shapes or not is_known):
            continue
        if media_type in ANYTHING or media_type in accepted:
            chosen = JSON if media_type in ANYTHING else media_type
            return Form(chosen, shape, version, _wants_pretty(request))
    raise ApiError("NotAcceptable", f"only the following media types are accepted: {', '.join(accepted)}")


def _wants_pretty(request: Request) -> bool:
    if "pretty" in request.query:
        return request.flag("pretty")
    return request.header("user-agent").startswith(PRETTY_AGENTS)


def encode(value: Any, form: Form) -> tuple[bytes, str]:
    """Body and content type of a value."""
    if form.media_type == YAML:
        text = yaml.safe_dump(value, sort_keys=True, default_flow_style=False, allow_unicode=True, width=1 << 20)
        return text.encode(), YAML
    if form.pretty:
        return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n", JSON
    return compact(value) + b"\n", JSON
