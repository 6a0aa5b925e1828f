"""Server-side apply: an object described in part, and every field with its owners."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from clusters.embedded.api import field_manager, schema_validation
from clusters.embedded.api.api_errors import ApiError, Object, bad_request, conflict, not_found
from clusters.embedded.api.body_decoding import BodyError, check_type, normalise, parse_json, parse_yaml, settle
from clusters.embedded.api.field_errors import required
from clusters.embedded.api.field_manager import Manager
from clusters.embedded.api.field_set import Fields, compare, item_key, leaves, list_kind
from clusters.embedded.api.json_values import copied
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.lifecycle import merged_update
from clusters.embedded.api.query_options import WriteOptions, refused_option
from clusters.embedded.api.request import Request, RequestInfo, Response
from clusters.embedded.api.structural_schema import EMPTY, Schema, child_schema, drop_nulls, prune
from clusters.embedded.api.write_handler import Writer, check_uid

REFUSED: Final = ("FieldValueTypeInvalid", "FieldValueDuplicate")


def apply(writer: Writer, request: Request, kind: Kind, info: RequestInfo, options: WriteOptions) -> Response:
    """PATCH with apply-patch+yaml. Raises ApiError."""
    if not request.one("fieldManager"):
        raise refused_option("PatchOptions", required("fieldManager", "is required for apply patch"))
    config = _decoded(request)
    namespace = info.namespace if kind.resource.namespaced else ""
    old = writer.store.peek(kind, (namespace, info.name))
    if old is None and info.subresource:
        raise not_found(kind.resource.plural, kind.resource.group, info.name)
    _check_identity(kind, info, config, old)
    fault = next(_faults(kind, config), None)
    if fault is not None:
        where = f"{namespace}/{info.name}; {kind.resource.api_version}, Kind={kind.resource.kind}"
        raise ApiError("", f"failed to create typed patch object ({where}): {fault}", code=500)
    if old is None:
        return _created(writer, request, kind, info, config, options)
    return _changed(writer, request, kind, info, config, old, options)


def _decoded(request: Request) -> Object:
    try:
        is_json = request.body.lstrip()[:1] == b"{"
        value = parse_json(request.body) if is_json else parse_yaml(request.body)
    except BodyError as error:
        raise bad_request(f"error decoding YAML: {error}") from None
    if not isinstance(value, dict) or not isinstance(value.setdefault("metadata", {}), dict):
        raise bad_request("error decoding YAML: the body or its metadata is not an object")
    return value


def _check_identity(kind: Kind, info: RequestInfo, config: Object, old: Object | None) -> None:
    """The configuration must be of the object that the URL names. Raises ApiError."""
    resource, metadata = kind.resource, config["metadata"]
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    check_type(kind, config)
    given = metadata.get("name")
    if given is not None and given != info.name:
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({info.name})")
    if metadata.get("namespace") and metadata["namespace"] != info.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if old is None and metadata.get("uid"):
        raise conflict(resource.plural, resource.group, info.name, "uid mismatch: no existing object was found")
    if old is not None:
        check_uid(kind, old, metadata)
        if metadata.get("resourceVersion") not in (None, "", old["metadata"]["resourceVersion"]):
            raise conflict(resource.plural, resource.group, info.name)


def _faults(kind: Kind, config: Object) -> Iterator[str]:
    """What a typed reading of the configuration refuses: wrong types, undeclared fields, lists with a key twice."""
    value, schema = copied(config), kind.full_schema
    drop_nulls(value, schema)
    normalise(value, schema)
    wrong = (one for one in schema_validation.causes(value, schema) if one.reason in REFUSED)
    yield from (f".{cause.line()}" for cause in wrong)
    if kind.schema is not None:
        yield from (f".{path}: field not declared in schema" for path in prune(value, schema, root=True))


def _applied_set(kind: Kind, config: Object, subresource: str) -> Fields:
    fields = leaves(field_manager.tracked(config), kind.full_schema, Fields())
    fields.member = False
    field_manager.clear_unowned(fields, kind, subresource)
    return fields


def _created(
    writer: Writer, request: Request, kind: Kind, info: RequestInfo, config: Object, options: WriteOptions
) -> Response:
    owned = _applied_set(kind, config, "")
    value = settle(request, kind, copied(config), options.field_validation)
    value["metadata"]["name"] = info.name
    entry = Manager(options.manager, "Apply", kind.resource.api_version, "", writer.store.now(), owned)
    stored = writer.admit_new(request, kind, info.namespace, value, options, managers=[entry])
    return Response(201, value=stored)


def _changed(
    writer: Writer, request: Request, kind: Kind, info: RequestInfo, config: Object, old: Object, options: WriteOptions
) -> Response:
    subresource = info.subresource
    schema = kind.full_schema
    owned = _applied_set(kind, config, subresource)
    managers = field_manager.managers_of(old["metadata"])
    entry = Manager(options.manager, "Apply", kind.resource.api_version, subresource, writer.store.now(), owned)
    own = next((one for one in managers if one.identity == entry.identity), None)
    merged = _merge(copied(old), config, schema)
    if own is not None:
        others = reduce(Fields.union, (one.fields for one in managers if one is not own), Fields())
        _prune(merged, own.fields, owned, others, schema)
    merged["metadata"]["name"] = info.name
    value = settle(request, kind, merged, options.field_validation)
    value = merged_update(kind, old, value, subresource or None)
    changed, removed = compare(field_manager.tracked(old), field_manager.tracked(value), schema)
    if not options.force:
        _refuse_conflicts([one for one in managers if one is not own], changed)
    field_manager.take(managers, changed, removed, own)
    if own is not None:
        managers.remove(own)
    if not changed and not removed:
        entry.time = own.time if own is not None else ""
    field_manager.write(value["metadata"], [*managers, entry])
    stored = writer.admit_change(request, kind, info, old, value, options, owned=True)
    return Response(200, value=stored)


def _merge(live: Any, config: Any, schema: Schema) -> Any:
    """The live value with the configuration laid over it."""
    if isinstance(live, dict) and isinstance(config, dict) and schema.get("x-kubernetes-map-type") != "atomic":
        for name, value in config.items():
            below = child_schema(schema, name)
            live[name] = _merge(live[name], value, below) if name in live else copied(value)
        return live
    if isinstance(live, list) and isinstance(config, list) and list_kind(schema) != "atomic":
        return _merge_lists(live, config, schema)
    return copied(config)


def _merge_lists(live: list[Any], config: list[Any], schema: Schema) -> list[Any]:
    items = schema.get("items") or EMPTY
    held = {item_key(item, schema): item for item in live}
    wanted = {item_key(item, schema): item for item in config}
    merged = {key: _merge(item, wanted[key], items) if key in wanted else item for key, item in held.items()}
    merged |= {key: copied(item) for key, item in wanted.items() if key not in held}
    if [key for key in merged if key in wanted] != list(wanted):
        merged = {key: merged[key] for key in (*wanted, *(key for key in merged if key not in wanted))}
    return list(merged.values())


def _prune(value: Any, before: Fields, now: Fields, others: Fields, schema: Schema) -> None:
    """Remove, in place, what the manager applied last time, leaves out now, and nobody else owns."""
    if isinstance(value, dict):
        for key, child in before.children.items():
            name, (still, other) = key[2:], (fields.children.get(key, Fields()) for fields in (now, others))
            if key[:2] != "f:" or name not in value:
                continue
            is_gone = not still and not other
            if not is_gone or not (child.member or not child.children):
                _prune(value[name], child, still, other, child_schema(schema, name))
            if is_gone and (child.member or not child.children or not value[name]):
                del value[name]
    elif isinstance(value, list) and list_kind(schema) != "atomic":
        for item in list(value):
            key = item_key(item, schema)
            still, other = (fields.children.get(key, Fields()) for fields in (now, others))
            if key in before.children and not still and not other:
                value.remove(item)
            elif key in before.children:
                _prune(item, before.children[key], still, other, schema.get("items") or EMPTY)


def _refuse_conflicts(managers: list[Manager], changed: Fields) -> None:
    """Raises ApiError Conflict for fields of others that would change."""
    found = sorted((one.words(), path) for one in managers for path in one.fields.intersection(changed).paths())
    if not found:
        return
    message = f"Apply failed with {len(found)} conflicts: "
    if len(found) == 1:
        message = f"Apply failed with 1 conflict: conflict with {found[0][0]}: {found[0][1]}"
    else:
        for words, group in groupby(found, key=itemgetter(0)):
            message += f"conflicts with {words}:\n" + "".join(f"- {path}\n" for _, path in group)
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {words}", "field": path} for words, path in found
    ]
    raise ApiError("Conflict", message.rstrip(), details={"causes": causes})
