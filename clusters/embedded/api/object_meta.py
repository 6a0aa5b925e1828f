"""What names, labels, annotations, finalizers and owners may look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from clusters.embedded.api.api_errors import Object
from clusters.embedded.api.field_errors import Cause, forbidden, invalid, required, too_long
from clusters.embedded.api.kinds import NAMESPACE_STORAGE, Kind

ANNOTATIONS_LIMIT_BYTES: Final = 256 * 1024
STANDARD_FINALIZERS: Final = ("orphan", "foregroundDeletion", "kubernetes")
RBAC: Final = "rbac.authorization.k8s.io"

_SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_1035: Final = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED: Final = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE: Final = rf"({_QUALIFIED})?"

SUBDOMAIN_TEXT: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
LABEL_TEXT: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
LABEL_1035_TEXT: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    f"and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    f"'{_LABEL_1035}')"
)
QUALIFIED_TEXT: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    f"(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)
VALUE_TEXT: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_VALUE}')"
)


def _faults(text: str, limit: int, pattern: str, words: str, unit: str = "characters") -> list[str]:
    found = [f"must be no more than {limit} {unit}"] if len(text) > limit else []
    return found if re.fullmatch(pattern, text) else [*found, words]


def label_faults(name: str) -> list[str]:
    return _faults(name, 63, _LABEL, LABEL_TEXT)


def label_value_faults(value: str) -> list[str]:
    return _faults(value, 63, _VALUE, VALUE_TEXT, "bytes")


def qualified_name_faults(key: str) -> list[str]:
    """Faults of a label or annotation key."""
    prefix, slash, name = key.rpartition("/")
    found = _faults(prefix, 253, _SUBDOMAIN, SUBDOMAIN_TEXT) if slash else []
    return [
        *(f"prefix part {text}" for text in found),
        *(f"name part {text}" for text in _faults(name, 63, _QUALIFIED, QUALIFIED_TEXT, "bytes")),
    ]


def name_faults(kind: Kind, name: str) -> list[str]:
    """Faults of an object's name."""
    if kind.storage == NAMESPACE_STORAGE:
        return label_faults(name)
    if kind.storage == ("", "services"):
        return _faults(name, 63, _LABEL_1035, LABEL_1035_TEXT)
    if kind.resource.group == RBAC:
        return [f"may not contain '{one}'" for one in "/%" if one in name]
    return _faults(name, 253, _SUBDOMAIN, SUBDOMAIN_TEXT)


def metadata_causes(kind: Kind, metadata: Object) -> Iterator[Cause]:
    """All faults of an object's metadata."""
    name, generated = metadata.get("name", ""), metadata.get("generateName", "")
    if generated:
        trial = generated[:-1] + "a" if generated.endswith("-") else generated
        yield from (invalid("metadata.generateName", generated, text) for text in name_faults(kind, trial))
    if not name:
        yield required("metadata.name", "name or generateName is required")
    else:
        yield from (invalid("metadata.name", name, text) for text in name_faults(kind, name))
    yield from _map_causes(metadata)
    owners = metadata.get("ownerReferences") or ()
    for index, owner in enumerate(owners):
        for member in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(member):
                yield invalid(f"metadata.ownerReferences[{index}].{member}", "", f"{member} must not be empty")
    if sum(1 for owner in owners if owner.get("controller")) > 1:
        yield invalid("metadata.ownerReferences", [], "Only one reference can have Controller set to true")
    yield from _finalizer_causes(kind, metadata)


def _map_causes(metadata: Object) -> Iterator[Cause]:
    for key, value in sorted((metadata.get("labels") or {}).items()):
        yield from (invalid("metadata.labels", key, text) for text in qualified_name_faults(key))
        yield from (invalid("metadata.labels", value, text) for text in label_value_faults(value))
    annotations = metadata.get("annotations") or {}
    for key in sorted(annotations):
        yield from (invalid("metadata.annotations", key, text) for text in qualified_name_faults(key.lower()))
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS_LIMIT_BYTES:
        yield too_long("metadata.annotations", ANNOTATIONS_LIMIT_BYTES)


def _finalizer_causes(kind: Kind, metadata: Object) -> Iterator[Cause]:
    """Finalizers are qualified names; those of built-in objects have a domain."""
    for finalizer in metadata.get("finalizers") or ():
        texts = qualified_name_faults(finalizer)
        if not texts and not kind.custom and "/" not in finalizer and finalizer not in STANDARD_FINALIZERS:
            texts = ["name is neither a standard finalizer name nor is it fully qualified"]
        yield from (invalid("metadata.finalizers", finalizer, text) for text in texts)


def added_finalizers(old: Object, new: Object) -> Iterator[Cause]:
    """An object that is being deleted takes no new finalizers."""
    if "deletionTimestamp" not in old["metadata"]:
        return
    had = old["metadata"].get("finalizers") or ()
    added = [one for one in new["metadata"].get("finalizers") or () if one not in had]
    if added:
        listed = ", ".join(f'"{one}"' for one in added)
        text = "no new finalizers can be added if the object is being deleted, found new finalizers "
        yield forbidden("metadata.finalizers", f"{text}[]string{{{listed}}}")
