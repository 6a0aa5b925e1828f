"""What names, labels, annotations, finalizers and owners may look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from clusters.embedded.api.field_errors import Cause, forbidden, invalid, required, too_long
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import Object

ANNOTATIONS_LIMIT_BYTES: Final = 256 * 1024

_SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_1035: Final = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED: Final = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE: Final = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"

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

LABEL_NAMED: Final[frozenset[Storage]] = frozenset({("", "namespaces")})
SERVICE_NAMED: Final[frozenset[Storage]] = frozenset({("", "services")})
STANDARD_FINALIZERS: Final = ("orphan", "foregroundDeletion", "kubernetes")
FREELY_NAMED: Final[frozenset[Storage]] = frozenset(
    ("rbac.authorization.k8s.io", plural) for plural in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
)


def subdomain_faults(name: str) -> list[str]:
    return _dns(name, 253, _SUBDOMAIN, SUBDOMAIN_TEXT)


def label_faults(name: str) -> list[str]:
    return _dns(name, 63, _LABEL, LABEL_TEXT)


def label_1035_faults(name: str) -> list[str]:
    return _dns(name, 63, _LABEL_1035, LABEL_1035_TEXT)


def _dns(name: str, limit: int, pattern: str, text: str) -> list[str]:
    found = []
    if len(name) > limit:
        found.append(f"must be no more than {limit} characters")
    if not re.fullmatch(pattern, name):
        found.append(text)
    return found


def qualified_name_faults(key: str) -> list[str]:
    """Faults of a label or annotation key."""
    parts = key.split("/")
    if len(parts) > 2:
        return [
            f"a valid label key {QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/' "
            "(e.g. 'example.com/MyName')"
        ]
    found = []
    name = parts[-1]
    if len(parts) == 2:
        if not parts[0]:
            found.append("prefix part must be non-empty")
        else:
            found += [f"prefix part {text}" for text in subdomain_faults(parts[0])]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    if not re.fullmatch(_QUALIFIED, name):
        found.append(f"name part {QUALIFIED_TEXT}")
    return found


def label_value_faults(value: str) -> list[str]:
    found = []
    if len(value) > 63:
        found.append("must be no more than 63 bytes")
    if not re.fullmatch(_VALUE, value):
        found.append(VALUE_TEXT)
    return found


def _path_segment_faults(name: str) -> list[str]:
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{one}'" for one in "/%" if one in name]


def name_faults(kind: Kind, name: str) -> list[str]:
    """Faults of an object's name."""
    if kind.storage in LABEL_NAMED:
        return ["must not contain dots"] if "." in name else label_faults(name)
    if kind.storage in SERVICE_NAMED:
        return label_1035_faults(name)
    if kind.storage in FREELY_NAMED:
        return _path_segment_faults(name)
    return subdomain_faults(name)


def metadata_causes(kind: Kind, metadata: Object, *, warn: Callable[[str], None] | None = None) -> Iterator[Cause]:
    """All faults of an object's metadata. `warn` takes what is only advised against."""
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
    yield from _finalizer_causes(kind, metadata, warn)


def _map_causes(metadata: Object) -> Iterator[Cause]:
    for key, value in sorted((metadata.get("labels") or {}).items()):
        yield from (invalid("metadata.labels", key, text) for text in qualified_name_faults(key))
        yield from (invalid("metadata.labels", value, text) for text in label_value_faults(value))
    annotations = metadata.get("annotations") or {}
    for key in sorted(annotations):
        yield from (invalid("metadata.annotations", key, text) for text in qualified_name_faults(key.lower()))
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS_LIMIT_BYTES:
        yield too_long("metadata.annotations", ANNOTATIONS_LIMIT_BYTES)


def _finalizer_causes(kind: Kind, metadata: Object, warn: Callable[[str], None] | None) -> Iterator[Cause]:
    """Finalizers are qualified names; a custom object's without a domain is only warned about."""
    for finalizer in metadata.get("finalizers") or ():
        texts = qualified_name_faults(finalizer)
        yield from (invalid("metadata.finalizers", finalizer, text) for text in texts)
        if texts or "/" in finalizer or finalizer in STANDARD_FINALIZERS:
            continue
        if not kind.custom:
            text = "name is neither a standard finalizer name nor is it fully qualified"
            yield invalid("metadata.finalizers", finalizer, text)
        elif warn is not None:
            warn(
                f'metadata.finalizers: "{finalizer}": prefer a domain-qualified finalizer name to avoid accidental '
                "conflicts with other finalizer writers"
            )


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
