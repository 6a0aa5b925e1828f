"""From a request body to an object: formats, duplicate and unknown members, type, namespace."""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

from clusters.embedded.api import protobuf, typed
from clusters.embedded.api.exchange import Call
from clusters.embedded.api.go_json import Duplicates, JsonFaultError, parse, whole
from clusters.embedded.api.go_structs import written
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.status import ApiError, Cause, Object, bad_request, invalid
from clusters.embedded.api.structure import drop_nulls, prune, set_defaults
from conformance.base import bounded_yaml

BODY_LIMIT: Final = 3 * 1024 * 1024
JSON_TYPES: Final = ("application/json",)
YAML_TYPES: Final = ("application/yaml",)
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"


def too_large(limit: int = BODY_LIMIT) -> ApiError:
    return ApiError("RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


def media_type(call: Call) -> str:
    return call.header("content-type").split(";")[0].strip().lower()


def unsupported_media(accepted: tuple[str, ...]) -> ApiError:
    text = "the body of the request was in an unknown format - accepted media types include: "
    return ApiError("UnsupportedMediaType", text + ", ".join(accepted))


def snippet(body: bytes) -> str:
    """How an error quotes a body: as text when it looks like JSON, else in hex, cut."""
    if not body:
        return "<empty>"
    looks = body.lstrip()[:1] == b"{"
    text = body.decode("utf-8", "replace") if looks else body.hex()
    limit = 30 if looks else 60
    return text if len(text) <= limit else f"{text[:limit]} ..."


def body_value(call: Call, kind: Kind) -> tuple[Any, Duplicates]:
    """The parsed body and its repeated members. Raises ApiError."""
    if len(call.body) > BODY_LIMIT:
        raise too_large()
    chosen = media_type(call) or "application/json"
    name = kind.resource.kind
    if chosen in JSON_TYPES:
        try:
            return parse(call.body)
        except JsonFaultError as fault:
            text = f"couldn't get version/kind; json parse error: {fault} ({snippet(call.body)})"
            raise _unrecognized(name, text) from None
    if chosen in YAML_TYPES:
        try:
            return load_yaml(call.body)
        except yaml.YAMLError as fault:
            raise _unrecognized(name, f"{yaml_words(fault)} ({snippet(call.body)})") from None
    if chosen == PROTOBUF and not kind.custom:
        try:
            return protobuf.decode(call.body), []
        except protobuf.ProtobufFaultError as fault:
            raise _unrecognized(name, f"{fault} ({snippet(call.body)})") from None
    raise unsupported_media(("application/json", "application/yaml", PROTOBUF))


def load_yaml(body: bytes) -> tuple[Any, Duplicates]:
    """YAML as JSON: keys become texts, times stay texts. Raises yaml.YAMLError."""
    return _as_json(bounded_yaml.load(body, JsonLikeLoader)), []


class JsonLikeLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.1 as Kubernetes reads it, without timestamps."""


JsonLikeLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    return whole(value) if isinstance(value, str) else value


def _key(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return whole(key) if isinstance(key, str) else json.dumps(key)


def yaml_words(fault: yaml.YAMLError) -> str:
    """libyaml's problem with its line, as Go's binding words it."""
    mark = getattr(fault, "problem_mark", None) or getattr(fault, "context_mark", None)
    problem = getattr(fault, "problem", None) or str(fault)
    return f"yaml: line {mark.line}: {problem}" if mark is not None and mark.line else f"yaml: {problem}"


def _unrecognized(kind: str, text: str) -> ApiError:
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {text}")


def decode(call: Call, kind: Kind, directive: str) -> Object:
    """A body as an object of a kind: typed metadata, unknown members handled as `directive` says, defaults set.

    `directive` is Ignore, Warn or Strict. Raises ApiError.
    """
    value, repeated = body_value(call, kind)
    resource = kind.resource
    if not isinstance(value, dict):
        raise _unrecognized(resource.kind, _not_an_object(value, call.body))
    if kind.custom and not value.get("kind"):
        shown = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        raise _unrecognized(resource.kind, f"Object 'Kind' is missing in '{shown}' ({snippet(call.body)})")
    value.setdefault("apiVersion", resource.api_version)
    value.setdefault("kind", resource.kind)
    check_type(call, kind, value)
    return settle(call, kind, value, directive, repeated)


def _not_an_object(value: Any, body: bytes) -> str:
    word = "array" if isinstance(value, list) else "string" if isinstance(value, str) else "number"
    struct = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
    text = f"json: cannot unmarshal {word} into Go value of type {struct}"
    return f"couldn't get version/kind; json parse error: {text} ({snippet(body)})"


def check_type(call: Call, kind: Kind, value: Object) -> None:
    """apiVersion and kind must be those of the URL. Raises ApiError."""
    resource = kind.resource
    api_version, name = value.get("apiVersion"), value.get("kind")
    if not isinstance(api_version, str) or not isinstance(name, str):
        raise bad_request("apiVersion and kind must be strings")
    if kind.custom:
        if api_version != resource.api_version:
            if api_version.partition("/")[0] == resource.group and "spec" in value:
                call.warn('unknown field "spec"')
            raise bad_request(
                f"the API version in the data ({api_version}) does not match the expected API version "
                f"({resource.api_version})"
            )
        if name != resource.kind:
            text = f'Invalid value: "{name}": must be {resource.kind}'
            given = (value.get("metadata") or {}).get("name", "")
            raise invalid(name, resource.group, given, [Cause("FieldValueInvalid", text, "kind")])
        return
    if api_version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if name != resource.kind:
        place = (resource.group or "core").split(".")[0]
        raise bad_request(
            f'{name} in version "{resource.version}" cannot be handled as a {resource.kind}: converting '
            f"({resource.version}.{name}) to ({place}.{resource.kind}): unknown conversion"
        )


def settle(call: Call, kind: Kind, value: Object, directive: str, repeated: Duplicates = ()) -> Object:
    """Make a decoded object fit its kind; the part that patches share with bodies."""
    resource = kind.resource
    fault = typed.metadata_fault(value.get("metadata"))
    if fault is None and not kind.custom and kind.schema is not None:
        fault = typed.fault(value, kind.schema, resource.kind)
    if fault is not None:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {fault}'
        )
    unknown = prune(value, kind.schema or {}, root=True) if kind.schema is not None else []
    texts = [f'duplicate field "{path}"' for path in repeated] + [f'unknown field "{path}"' for path in unknown]
    if texts and directive == "Strict":
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
            f"strict decoding error: {', '.join(texts)}"
        )
    if directive == "Warn":
        for text in texts:
            call.warn(text)
    if value.get("metadata") is None:
        value["metadata"] = {}
    if kind.schema is not None:
        drop_nulls(value, kind.schema)
        if kind.custom:
            set_defaults(value, kind.schema)
        else:
            typed.normalise(value, kind.schema)
            value = written(value)
    typed.normalise_metadata(value["metadata"])
    return value
