"""From a request body to an object: formats, type, unknown members, defaults."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import yaml

from clusters.embedded.api import protobuf, quantities, schema_validation
from clusters.embedded.api.api_errors import ApiError, Object, bad_request, invalid, too_large
from clusters.embedded.api.field_errors import unsupported
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.request import Request
from clusters.embedded.api.structural_schema import Schema, child_schema, drop_nulls, object_meta, prune, set_defaults

BODY_LIMIT_BYTES: Final = 3 * 1024 * 1024
DEPTH_LIMIT: Final = 100
"""Nesting beyond it is refused: deeper than any manifest, and harmless to what walks it."""
JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
"""Half of a pair, which is no character."""


class BodyError(ValueError):
    """The body is not what its media type says."""


class JsonLikeLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.1 as Kubernetes reads it, without timestamps."""


JsonLikeLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_json(body: bytes) -> Any:
    """The value, without lone surrogates. Raises BodyError."""
    try:
        value = json.loads(body.decode("utf-8", "replace"))
        return _whole(value) if re.search(rb"\\u[dD][89a-fA-F]", body) else value
    except (ValueError, RecursionError) as error:
        raise BodyError(f"json parse error: {error}") from None


def parse_yaml(body: bytes) -> Any:
    """YAML as JSON: keys become texts, times stay texts. Aliases are refused, since a few bytes of them can stand for
    gigabytes. Raises BodyError."""
    depth = 0
    try:
        for event in yaml.parse(body, Loader=JsonLikeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise BodyError("YAML aliases are not accepted")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH_LIMIT:
                raise BodyError(f"nested deeper than {DEPTH_LIMIT}")
        return _whole(yaml.load(body, Loader=JsonLikeLoader))  # noqa: S506 - a safe loader
    except BodyError:
        raise
    except (yaml.YAMLError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        # Others than YAMLError: a standard tag on a value that it does not fit, such as `!!bool x`.
        raise BodyError(f"yaml: {' '.join(str(error).split())}") from None


def _whole(value: Any) -> Any:
    """A value with text keys, and the replacement character in place of lone surrogates."""
    if isinstance(value, dict):
        return {_SURROGATE.sub("\ufffd", _key(key)): _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value


def _key(key: Any) -> str:
    return key if isinstance(key, str) else json.dumps(key)


def unsupported_media(*accepted: str) -> ApiError:
    text = "the body of the request was in an unknown format - accepted media types include: "
    return ApiError("UnsupportedMediaType", text + ", ".join(accepted))


def body_value(request: Request, name: str, *, custom: bool = False) -> dict[str, Any]:
    """The body as an object of the kind `name`. Raises ApiError."""
    if len(request.body) > BODY_LIMIT_BYTES:
        raise too_large(BODY_LIMIT_BYTES)
    chosen = request.media_type or JSON
    try:
        if chosen == JSON:
            value = parse_json(request.body)
        elif chosen == YAML:
            value = parse_yaml(request.body)
        elif chosen == PROTOBUF and not custom:
            value = protobuf.decode(request.body)
        else:
            raise unsupported_media(JSON, YAML, *(() if custom else (PROTOBUF,)))
    except (BodyError, protobuf.ProtobufError) as error:
        raise _unrecognized(name, str(error)) from None
    if not isinstance(value, dict):
        raise _unrecognized(name, "the body is not an object")
    return value


def _unrecognized(kind: str, text: str) -> ApiError:
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {text}")


def decode(request: Request, kind: Kind, directive: str) -> Object:
    """A body as an object of a kind: typed metadata, unknown members handled as `directive` says, defaults set.

    `directive` is Ignore, Warn or Strict. Raises ApiError.
    """
    resource = kind.resource
    value = body_value(request, resource.kind, custom=kind.custom)
    if kind.custom and not value.get("kind"):
        raise _unrecognized(resource.kind, "Object 'Kind' is missing")
    value.setdefault("apiVersion", resource.api_version)
    value.setdefault("kind", resource.kind)
    check_type(kind, value)
    return settle(request, kind, value, directive)


def check_type(kind: Kind, value: Object) -> None:
    """apiVersion and kind must be those of the URL. Raises ApiError."""
    resource = kind.resource
    api_version, name = value.get("apiVersion"), value.get("kind")
    if api_version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({api_version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if name != resource.kind:
        metadata = value.get("metadata")
        given = metadata.get("name", "") if isinstance(metadata, dict) else ""
        raise invalid(str(name), resource.group, str(given), [unsupported("kind", name, (resource.kind,))])


def settle(request: Request, kind: Kind, value: Object, directive: str) -> Object:
    """Make a decoded object fit its kind; the part that patches share with bodies. Raises ApiError."""
    resource = kind.resource
    prefix = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
    if value.get("metadata") is None:
        value["metadata"] = {}
    schema = kind.full_schema
    drop_nulls(value, schema)
    unknown = prune(value, schema, root=True) if kind.schema is not None else []
    if not kind.custom:
        normalise(value, schema)
    checked: tuple[Any, Schema] = (value, schema) if not kind.custom else (value["metadata"], object_meta())
    faults = schema_validation.causes(*checked, "metadata" if kind.custom else "")
    fault = next((one for one in faults if one.reason == "FieldValueTypeInvalid"), None)
    if fault is not None:
        raise bad_request(prefix + fault.line())
    texts = [f'unknown field "{path}"' for path in unknown]
    if texts and directive == "Strict":
        raise bad_request(f"{prefix}strict decoding error: {', '.join(texts)}")
    for text in texts if directive == "Warn" else ():
        request.warn(text)
    if kind.custom and kind.schema is not None:
        set_defaults(value, kind.schema)
    for member in ("labels", "annotations", "finalizers", "ownerReferences"):
        if member in value["metadata"] and not value["metadata"][member]:
            del value["metadata"][member]
    return value


def normalise(value: Any, schema: Schema) -> None:
    """Quantities become canonical texts, in place, as Go's types write them back, and null texts empty ones."""
    if isinstance(value, dict):
        for name, item in value.items():
            inner = child_schema(schema, name)
            if inner.get("format") == "quantity" and isinstance(item, int | float | str):
                value[name] = quantities.canonical(item)
            elif item is None and inner.get("type") == "string":
                value[name] = ""
            elif inner:
                normalise(item, inner)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            normalise(item, schema["items"])
