"""Content negotiation: in which form an answer goes out. Protobuf is read but never written: clients that prefer it
also accept JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

import yaml

from clusters.embedded.api.api_errors import ApiError
from clusters.embedded.api.json_values import compact
from clusters.embedded.api.request import Request

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
    """The media types of an Accept header with their parameters, in the order given."""
    found = []
    for clause in header.split(","):
        media_type, *rest = (part.strip() for part in clause.split(";"))
        found.append((media_type.lower(), dict(part.split("=", 1) for part in rest if "=" in part)))
    return found


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
