"""Server-side apply."""

from __future__ import annotations

from dataclasses import replace

import yaml

from clusters.embedded.api.decoding import load_yaml, settle
from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.merge_patch import merged
from clusters.embedded.api.status import bad_request
from clusters.embedded.api.target import Target
from clusters.embedded.api.values import copied
from clusters.embedded.api.write_options import WriteOptions
from clusters.embedded.api.writing import Writer


def apply(writer: Writer, call: Call, kind: Kind, target: Target, options: WriteOptions) -> Reply:
    """PATCH with apply-patch+yaml."""
    try:
        value, _ = load_yaml(call.body)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from None
    namespace = target.namespace if kind.resource.namespaced else ""
    old = writer.store.peek(kind, (namespace, target.name))
    if old is None:
        value = settle(call, kind, value, options.field_validation)
        value["metadata"].setdefault("name", target.name)
        return Reply(201, value=writer.admit_new(call, kind, target.namespace, value, options), custom=kind.custom)
    new = settle(call, kind, merged(copied(old), value), options.field_validation)
    stored = writer.admit_change(call, kind, replace(target), old, new, options)
    return Reply(200, value=stored, custom=kind.custom)
