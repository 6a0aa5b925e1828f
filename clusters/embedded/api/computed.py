"""Kinds whose objects are computed for each answer, as an API server of its own behind the aggregation layer would.

They can be listed and read, by label and by name; nothing of them is stored, so they cannot be watched.
"""

from __future__ import annotations

from clusters.embedded.api.exchange import Call, Reply
from clusters.embedded.api.fields import FieldSelector
from clusters.embedded.api.hooks import ObjectSource
from clusters.embedded.api.kinds import Kind
from clusters.embedded.api.listing import list_object
from clusters.embedded.api.media import negotiate
from clusters.embedded.api.options import ListOptions
from clusters.embedded.api.selectors import LabelSelector
from clusters.embedded.api.status import method_not_allowed, not_found
from clusters.embedded.api.target import Target


def answer(call: Call, kind: Kind, target: Target, source: ObjectSource) -> Reply:
    """GET of one object or of a list. Raises ApiError."""
    if call.method not in ("GET", "HEAD") or target.subresource:
        raise method_not_allowed()
    negotiate(call, custom=kind.custom, shapes=())
    found = source(target.namespace)
    if target.name:
        for value in found:
            if value["metadata"]["name"] == target.name:
                return Reply(value=value)
        raise not_found(kind.resource.plural, kind.resource.group, target.name)
    options = ListOptions.of(call)
    if options.watch:
        raise method_not_allowed()
    labels, fields = LabelSelector.parse(options.labels), FieldSelector.parse(options.fields, kind)
    chosen = [
        value
        for value in found
        if labels.matches(value["metadata"].get("labels") or {}) and (not fields or fields.matches(value))
    ]
    return Reply(value=list_object(kind, chosen, {}))
