"""What names, labels, annotations, finalizers and owners may look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from clusters.embedded.api.go_words import go_quote
from clusters.embedded.api.kinds import Kind, Storage
from clusters.embedded.api.status import Cause, Object

ANNOTATIONS_LIMIT: Final = 256 * 1024

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


def _invalid(field: str, value: str, text: str) -> Cause:
    return Cause("FieldValueInvalid", f"Invalid value: {go_quote(value)}: {text}", field)


def metadata_causes(kind: Kind, metadata: Object, *, warn: Any = None) -> Iterator[Cause]:
    """All faults of an object's metadata."""
    name, generated = metadata.get("name", ""), metadata.get("generateName", "")
    if generated and kind.storage != ("", "events"):
        trial = generated[:-1] + "a" if generated.endswith("-") else generated
        yield from (_invalid("metadata.generateName", generated, text) for text in name_faults(kind, trial))
    if not name:
        yield Cause("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
    else:
        yield from (_invalid("metadata.name", name, text) for text in name_faults(kind, name))
    yield from _map_causes(metadata)
    for index, owner in enumerate(metadata.get("ownerReferences") or ()):
        yield from _owner_causes(f"metadata.ownerReferences[{index}]", owner)
    owners = metadata.get("ownerReferences") or ()
    if sum(1 for owner in owners if owner.get("controller")) > 1:
        text = 'Only one reference can have Controller set to true. Found "true" in references for '
        names = [f"{owner.get('kind')}/{owner.get('name')}" for owner in owners if owner.get("controller")]
        shown = f"Invalid value: []: {text}{names[0]} and {names[1]}"
        yield Cause("FieldValueInvalid", shown, "metadata.ownerReferences")
    yield from finalizer_causes(kind, metadata, warn)


def _map_causes(metadata: Object) -> Iterator[Cause]:
    for key, value in sorted((metadata.get("labels") or {}).items()):
        yield from (_invalid("metadata.labels", key, text) for text in qualified_name_faults(key))
        yield from (_invalid("metadata.labels", value, text) for text in label_value_faults(value))
    annotations = metadata.get("annotations") or {}
    for key in sorted(annotations):
        yield from (_invalid("metadata.annotations", key, text) for text in qualified_name_faults(key.lower()))
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > ANNOTATIONS_LIMIT:
        text = f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"
        yield Cause("FieldValueTooLong", text, "metadata.annotations")


def _owner_causes(field: str, owner: Object) -> Iterator[Cause]:
    if not owner.get("apiVersion"):
        yield Cause("FieldValueInvalid", 'Invalid value: "": version must not be empty', f"{field}.apiVersion")
    for member in ("kind", "name", "uid"):
        if not owner.get(member):
            yield Cause("FieldValueInvalid", f'Invalid value: "": {member} must not be empty', f"{field}.{member}")


def finalizer_causes(kind: Kind, metadata: Object, warn: Any = None) -> Iterator[Cause]:
    """Finalizers are qualified names; one without a domain is only warned about."""
    standard = ("orphan", "foregroundDeletion", "kubernetes")
    for finalizer in metadata.get("finalizers") or ():
        texts = qualified_name_faults(finalizer)
        yield from (_invalid("metadata.finalizers", finalizer, text) for text in texts)
        if not texts and "/" not in finalizer and finalizer not in standard:
            if kind.custom:
                if warn is not None:
                    warn(
                        f"metadata.finalizers: {go_quote(finalizer)}: prefer a domain-qualified finalizer name to "
                        "avoid "
                        "accidental conflicts with other finalizer writers"
                    )
            else:
                text = "name is neither a standard finalizer name nor is it fully qualified"
                yield _invalid("metadata.finalizers", finalizer, text)


def new_finalizers(old: Object, new: Object) -> list[str]:
    """Finalizers added to an object that is being deleted, which is not allowed."""
    if "deletionTimestamp" not in old["metadata"]:
        return []
    had = set(old["metadata"].get("finalizers") or ())
    return [one for one in new["metadata"].get("finalizers") or () if one not in had]
