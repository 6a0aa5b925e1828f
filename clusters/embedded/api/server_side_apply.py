"""Server-side apply: an object described in part, and every field with its owners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clusters.embedded.api import field_manager, typed_decoding
from clusters.embedded.api.body_decoding import BodyError, check_type, parse_json, parse_yaml, settle
from clusters.embedded.api.field_errors import required
from clusters.embedded.api.field_manager import Manager
from clusters.embedded.api.field_set import Fields, compare, item_key, leaves, list_kind, path_text
from clusters.embedded.api.json_values import copied
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.lifecycle import merged_update
from clusters.embedded.api.query_options import WriteOptions, refused_option
from clusters.embedded.api.request import Request, RequestInfo, Response
from clusters.embedded.api.status import ApiError, Object, bad_request, conflict, not_found
from clusters.embedded.api.structural_schema import EMPTY, PRESERVE, Schema, child_schema, prune
from clusters.embedded.api.write_handler import Writer, check_uid


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
    asked, uid = metadata.get("resourceVersion"), metadata.get("uid")
    if uid and old is None:
        text = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise conflict(resource.plural, resource.group, info.name, text)
    if old is not None:
        check_uid(kind, old, metadata)
        if asked and asked != old["metadata"]["resourceVersion"]:
            raise conflict(resource.plural, resource.group, info.name)


def _faults(kind: Kind, config: Object) -> Iterator[str]:
    """What a typed reading of the configuration refuses: undeclared fields, wrong types, lists without their keys."""
    schema = field_manager.schema_for(kind)
    wrong = typed_decoding.fault(config, schema, kind.resource.kind)
    if wrong is not None:
        yield wrong
        return
    if kind.schema is not None:
        yield from (f".{path}: field not declared in schema" for path in prune(copied(config), schema, root=True))
    yield from _list_faults(config, schema, "")


def _list_faults(value: Any, schema: Schema, path: str) -> Iterator[str]:
    if schema.get(PRESERVE):
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _list_faults(item, child_schema(schema, name), f"{path}.{name}")
    elif isinstance(value, list) and list_kind(schema) != "atomic":
        seen: set[str] = set()
        for index, item in enumerate(value):
            missing = _missing_key(item, schema)
            if missing:
                words = "associative list with keys has an element that omits key field"
                yield f'{path}: element {index}: {words} "{missing}" (and doesn\'t have default value)'
                return
            key = item_key(item, schema)
            if key in seen:
                yield f"{path}: duplicate entries for key {path_text(key)}"
                return
            seen.add(key)
            yield from _list_faults(item, schema.get("items") or EMPTY, path + path_text(key))


def _missing_key(item: Any, schema: Schema) -> str:
    """A key of a list-map that an item lacks; empty when it has all, or defaults stand in."""
    if list_kind(schema) != "map" or not isinstance(item, dict):
        return ""
    items = schema.get("items") or EMPTY
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    return next((name for name in keys if name not in item and "default" not in child_schema(items, name)), "")


def _applied_set(kind: Kind, config: Object, subresource: str) -> Fields:
    fields = leaves(field_manager.tracked(config), field_manager.schema_for(kind), Fields())
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
    schema = field_manager.schema_for(kind)
    owned = _applied_set(kind, config, subresource)
    managers = field_manager.managers_of(old["metadata"])
    entry = Manager(options.manager, "Apply", kind.resource.api_version, subresource, writer.store.now(), owned)
    own = next((one for one in managers if one.identity == entry.identity), None)
    merged = _merge(copied(old), config, schema)
    if own is not None:
        others = Fields()
        for one in managers:
            if one is not own:
                others = others.union(one.fields)
        _prune(merged, own.fields, owned, others, schema)
    merged["metadata"]["name"] = info.name
    value = settle(request, kind, merged, options.field_validation)
    value = merged_update(kind, old, value, subresource or None)
    found = compare(field_manager.tracked(old), field_manager.tracked(value), schema)
    if not options.force:
        _refuse_conflicts([one for one in managers if one is not own], found.changed)
    field_manager.take(managers, found, own)
    if own is not None:
        managers.remove(own)
    if not found.changed and not found.removed:
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
    wanted = {item_key(item, schema): item for item in config}
    merged, seen = [], set()
    for item in live:
        key = item_key(item, schema)
        seen.add(key)
        merged.append(_merge(item, wanted[key], items) if key in wanted and list_kind(schema) == "map" else item)
    merged += [copied(item) for key, item in wanted.items() if key not in seen]
    if list(wanted) != [key for key in (item_key(one, schema) for one in merged) if key in wanted]:
        order = {key: index for index, key in enumerate(wanted)}
        placed = sorted(
            (one for one in merged if item_key(one, schema) in order), key=lambda one: order[item_key(one, schema)]
        )
        rest = [one for one in merged if item_key(one, schema) not in order]
        merged = placed + rest
    return merged


def _prune(value: Any, before: Fields, now: Fields, others: Fields, schema: Schema) -> None:
    """Remove what the manager applied last time, leaves out now, and nobody else owns."""
    if isinstance(value, dict):
        for key, child in before.children.items():
            name = key[2:]
            if key[:2] != "f:" or name not in value:
                continue
            still, other = now.children.get(key, Fields()), others.children.get(key, Fields())
            if not still and not other:
                below = child.children
                inner = value[name]
                if child.member or not below:
                    del value[name]
                    continue
                _prune(inner, child, still, other, child_schema(schema, name))
                if not inner:
                    del value[name]
            else:
                _prune(value[name], child, still, other, child_schema(schema, name))
    elif isinstance(value, list) and list_kind(schema) != "atomic":
        items = schema.get("items") or EMPTY
        kept = []
        for item in value:
            key = item_key(item, schema)
            if key in before.children and not now.children.get(key) and not others.children.get(key):
                continue
            if key in before.children and isinstance(item, dict):
                _prune(
                    item,
                    before.children[key],
                    now.children.get(key, Fields()),
                    others.children.get(key, Fields()),
                    items,
                )
            kept.append(item)
        value[:] = kept


def _refuse_conflicts(managers: list[Manager], changed: Fields) -> None:
    """Raises ApiError Conflict for fields of others that would change."""
    found: dict[str, list[str]] = {}
    for manager in managers:
        paths = list(manager.fields.intersection(changed).paths())
        if paths:
            found.setdefault(manager.words(), []).extend(paths)
    count = sum(len(paths) for paths in found.values())
    if not count:
        return
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {words}", "field": path}
        for words, paths in sorted(found.items())
        for path in paths
    ]
    if count == 1:
        words, paths = next(iter(found.items()))
        message = f"Apply failed with 1 conflict: conflict with {words}: {paths[0]}"
    else:
        lines = []
        for words, paths in sorted(found.items()):
            lines.append(f"conflicts with {words}:")
            lines += [f"- {path}" for path in paths]
        message = f"Apply failed with {count} conflicts: " + "\n".join(lines)
    raise ApiError("Conflict", message, details={"causes": causes})
