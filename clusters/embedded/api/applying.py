"""Server-side apply: an object described in part, and every field with its owners."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from clusters.embedded.api import managed
from clusters.embedded.api.decoding import JsonLikeLoader, load_yaml, settle, yaml_words
from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.fieldset import EMPTY, Fields, child_schema, compare, item_key, leaves, list_kind, path_text
from clusters.embedded.api.go_json import JsonFaultError
from clusters.embedded.api.go_json import parse as parse_json
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.lifecycle import merged_update
from clusters.embedded.api.managed import Manager
from clusters.embedded.api.options import META_GROUP
from clusters.embedded.api.schema_data import Schema
from clusters.embedded.api.status import MODIFIED, ApiError, Cause, Object, bad_request, conflict, invalid, not_found
from clusters.embedded.api.structure import PRESERVE
from clusters.embedded.api.target import Target
from clusters.embedded.api.values import copied
from clusters.embedded.api.write_options import WriteOptions
from clusters.embedded.api.writing import Writer, check_uid


def apply(writer: Writer, call: Call, kind: Kind, target: Target, options: WriteOptions) -> Reply:
    """PATCH with apply-patch+yaml."""
    if not call.one("fieldManager"):
        text = "Required value: is required for apply patch"
        raise invalid("PatchOptions", META_GROUP, "", [Cause("FieldValueRequired", text, "fieldManager")])
    config = _decoded(call, options)
    config.setdefault("metadata", {})
    namespace = target.namespace if kind.resource.namespaced else ""
    old = writer.store.peek(kind, (namespace, target.name))
    if old is None and target.subresource:
        raise not_found(kind.resource.plural, kind.resource.group, target.name)
    _check_config(kind, target, config, old)
    if old is None:
        return _created(writer, call, kind, target, config, options)
    return _changed(writer, call, kind, target, config, old, options)


def _decoded(call: Call, options: WriteOptions) -> Object:
    strict = options.field_validation == "Strict"
    head = "error strict decoding YAML" if strict else "error decoding YAML"
    try:
        value, _ = parse_json(call.body) if call.body.lstrip()[:1] == b"{" else load_yaml(call.body)
    except JsonFaultError:
        value = _yaml(call, head)
    except yaml.YAMLError as error:
        raise bad_request(f"{head}: error converting YAML to JSON: {yaml_words(error)}") from None
    repeated = _repeated_keys(call.body)
    if repeated and options.field_validation != "Ignore":
        text = "yaml: unmarshal errors:\n" + "\n".join(repeated)
        if strict:
            raise bad_request(f"{head}: error converting YAML to JSON: {text}")
        for line in repeated:
            call.warn(line.strip())
    if not isinstance(value, dict):
        raise bad_request(f"{head}: the body is not an object")
    return value


def _yaml(call: Call, head: str) -> Any:
    try:
        return load_yaml(call.body)[0]
    except yaml.YAMLError as error:
        raise bad_request(f"{head}: error converting YAML to JSON: {yaml_words(error)}") from None


def _repeated_keys(body: bytes) -> list[str]:
    """Keys given twice in one mapping, with their lines."""
    found: list[str] = []

    def visit(node: Any) -> None:
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    found.append(f'  line {key.start_mark.line + 1}: key "{key.value}" already set in map')
                seen.add(key.value)
                visit(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                visit(item)

    try:
        visit(yaml.compose(body, Loader=JsonLikeLoader))
    except yaml.YAMLError:
        return []
    return found


def _check_config(kind: Kind, target: Target, config: Object, old: Object | None) -> None:
    resource, metadata = kind.resource, config["metadata"]
    if not isinstance(metadata, dict):
        raise bad_request("metadata is not an object")
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    api_version, name = str(config.get("apiVersion") or ""), str(config.get("kind") or "")
    if api_version != resource.api_version or name != resource.kind:
        group, _, version = api_version.rpartition("/")
        raise bad_request(f"invalid object type: {group}/{version}, Kind={name}")
    given = metadata.get("name")
    if given is not None and given != target.name:
        raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({target.name})")
    if metadata.get("namespace") and metadata["namespace"] != target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    asked, uid = metadata.get("resourceVersion"), metadata.get("uid")
    if uid and old is None:
        text = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise conflict(resource.plural, resource.group, target.name, text)
    if uid and old is not None:
        check_uid(kind, old, metadata)
    if asked and old is not None and asked != old["metadata"]["resourceVersion"]:
        raise conflict(resource.plural, resource.group, target.name, MODIFIED)
    fault = next(_typed_faults(config, managed.schema_for(kind), ""), None)
    if fault is not None:
        where = f"{metadata.get('namespace', '')}/{target.name}; {resource.api_version}, Kind={resource.kind}"
        if not resource.group:
            where = f"{metadata.get('namespace', '')}/{target.name}; /{resource.version}, Kind={resource.kind}"
        raise ApiError("", f"failed to create typed patch object ({where}): {fault}", code=500)


def _typed_faults(value: Any, schema: Schema, path: str) -> Iterator[str]:
    """What a typed reading of the configuration refuses: undeclared fields, wrong types, repeated keys."""
    if value is None or schema.get(PRESERVE) or not schema:
        return
    if isinstance(value, dict):
        if schema.get("type") not in (None, "object"):
            yield f"{path}: expected {_schema_word(schema)}, got &{{{_map_word(value)}}}"
            return
        known = schema.get("properties") or EMPTY
        additional = schema.get("additionalProperties")
        for name in sorted(value):
            here = f"{path}.{name}"
            if not path and name in ("apiVersion", "kind"):
                continue
            if name in known or isinstance(additional, dict):
                yield from _typed_faults(value[name], child_schema(schema, name), here)
            elif known and not additional:
                yield f"{here}: field not declared in schema"
    elif isinstance(value, list):
        if schema.get("type") not in (None, "array"):
            yield f"{path}: expected {_schema_word(schema)}, got &{{{value}}}"
            return
        yield from _list_faults(value, schema, path)
    else:
        yield from _scalar_faults(value, schema, path)


def _list_faults(value: list[Any], schema: Schema, path: str) -> Iterator[str]:
    items = schema.get("items") or EMPTY
    seen: set[str] = set()
    for index, item in enumerate(value):
        if list_kind(schema) == "atomic":
            yield from _typed_faults(item, items, f"{path}[{index}]")
            continue
        omitted = _omitted_key(item, schema)
        if omitted:
            yield (
                f"{path}: element {index}: associative list with keys has an element that omits key field "
                f'"{omitted}" (and doesn\'t have default value)'
            )
            return
        key = item_key(item, schema)
        if key in seen:
            yield f"{path}: duplicate entries for key {path_text(key)}"
            return
        seen.add(key)
        if list_kind(schema) == "map":
            yield from _typed_faults(item, items, path + path_text(key))


def _omitted_key(item: Any, schema: Schema) -> str:
    """A key of a list-map that an item lacks; empty when it has all, or defaults stand in."""
    if list_kind(schema) != "map" or not isinstance(item, dict):
        return ""
    properties = (schema.get("items") or EMPTY).get("properties") or EMPTY
    for name in schema.get("x-kubernetes-list-map-keys") or ():
        if name not in item and "default" not in (properties.get(name) or EMPTY):
            return str(name)
    return ""


def _scalar_faults(value: Any, schema: Schema, path: str) -> Iterator[str]:
    type_ = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        return
    word = {str: "string", bool: "boolean", int: "numeric", float: "numeric"}[type(value)]
    wanted = {"string": "string", "boolean": "boolean", "integer": "numeric", "number": "numeric"}.get(str(type_))
    if type_ in ("object", "array"):
        wanted = "map" if type_ == "object" else "list"
    if wanted and wanted != word:
        yield f"{path}: expected {wanted}, got &value.valueUnstructured{{Value:{_go_value(value)}}}"


def _go_value(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _schema_word(schema: Schema) -> str:
    return {"integer": "numeric", "number": "numeric", "array": "list"}.get(str(schema.get("type")), "string")


def _map_word(value: dict[str, Any]) -> str:
    return re.sub(r"[{}']", "", str(value))


def _applied_set(kind: Kind, config: Object, subresource: str) -> Fields:
    fields = leaves(managed.tracked(config), managed.schema_for(kind), Fields())
    fields.member = False
    managed.clear_unowned(fields, kind, subresource)
    return fields


def _created(writer: Writer, call: Call, kind: Kind, target: Target, config: Object, options: WriteOptions) -> Reply:
    owned = _applied_set(kind, config, "")
    value = settle(call, kind, copied(config), options.field_validation)
    value["metadata"]["name"] = target.name
    entry = Manager(options.manager, "Apply", kind.resource.api_version, "", writer.store.now(), owned)
    stored = writer.admit_new(call, kind, target.namespace, value, options, managers=[entry])
    return Reply(201, value=stored, custom=kind.custom)


def _changed(
    writer: Writer, call: Call, kind: Kind, target: Target, config: Object, old: Object, options: WriteOptions
) -> Reply:
    subresource = target.subresource
    schema = managed.schema_for(kind)
    owned = _applied_set(kind, config, subresource)
    managers = managed.managers_of(old["metadata"])
    entry = Manager(options.manager, "Apply", kind.resource.api_version, subresource, writer.store.now(), owned)
    own = next((one for one in managers if one.identity == entry.identity), None)
    merged = _merge(copied(old), config, schema)
    if own is not None:
        others = Fields()
        for one in managers:
            if one is not own:
                others = others.union(one.fields)
        _prune(merged, own.fields, owned, others, schema)
    merged["metadata"]["name"] = target.name
    value = settle(call, kind, merged, options.field_validation)
    value = merged_update(kind, old, value, subresource or None)
    found = compare(managed.tracked(old), managed.tracked(value), schema)
    if not options.force:
        _refuse_conflicts([one for one in managers if one is not own], found.changed)
    managed.take(managers, found, own)
    if own is not None:
        managers.remove(own)
    if not found.changed and not found.removed:
        entry.time = own.time if own is not None else ""
    managed.write(value["metadata"], [*managers, entry])
    stored = writer.admit_change(call, kind, target, old, value, options, owned=True)
    return Reply(200, value=stored, custom=kind.custom)


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
