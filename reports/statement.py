"""A statement about a bundle in in-toto's form, optionally signed.

The statement's subject is the bundle's manifest; it is wrapped in a DSSE envelope. Signatures are Ed25519 and need the
package `cryptography`; who trusts which key is for the reader to decide.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from conformance.base.errors import UsageError
from reports import manifest
from reports.bundle import read_yaml
from reports.canonical import dump_json, replace_file

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "https://serving-conformance.dev/conformance-result/v1alpha1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAX_BYTES: Final = 1 << 20


def statement(report: Mapping[str, Any]) -> dict[str, Any]:
    """The statement of a report: its evidence is the subject, its results the predicate."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {
                "name": report["evidence"]["bundle"],
                "digest": {"sha256": str(report["evidence"]["digest"]).removeprefix("sha256:")},
            }
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "run": report["run"]["id"],
            "date": report["date"],
            "implementation": report["implementation"],
            "suite": {"version": report["suite"]["version"], "sourceDigest": report["suite"]["sourceDigest"]},
            "strict": report["settings"]["strict"],
            "profiles": [
                {
                    "name": block["name"],
                    "core": block["core"]["result"],
                    **({"extended": block["extended"]["result"]} if "extended" in block else {}),
                }
                for block in report["profiles"]
            ],
        },
    }


def write(folder: Path, key_file: Path | None = None) -> Path:
    """Write statement.json for a finished run, signed when there is a private key (PEM, Ed25519)."""
    report = read_yaml((folder / manifest.REPORT).read_bytes())
    payload = dump_json(statement(report))
    signatures = [] if key_file is None else [_sign(payload, key_file)]
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode("ascii"),
        "signatures": signatures,
    }
    path = folder / manifest.STATEMENT
    replace_file(path, dump_json(envelope))
    return path


def _sign(payload: bytes, key_file: Path) -> dict[str, str]:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
    except ImportError as error:
        raise UsageError("signing needs the package cryptography: pip install cryptography") from error
    try:
        key = load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{key_file}: no private key without a passphrase: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{key_file}: an Ed25519 key is wanted")
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        "keyid": public.hex(),
        "sig": base64.b64encode(key.sign(encoded(PAYLOAD_TYPE, payload))).decode("ascii"),
    }


def encoded(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is really signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def problems(data: bytes, evidence_digest: str) -> Iterator[str]:
    """What is wrong with an envelope; raises ValueError when it is not one."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES} bytes")
    envelope = json.loads(data)
    if not isinstance(envelope, dict) or envelope.get("payloadType") != PAYLOAD_TYPE:
        raise ValueError("not a DSSE envelope with an in-toto statement")
    try:
        payload = base64.b64decode(envelope["payload"], validate=True)
        found = json.loads(payload)
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"its payload cannot be read: {error}") from error
    if not isinstance(found, dict) or found.get("_type") != STATEMENT_TYPE:
        yield "the payload is no in-toto statement of version 1"
        return
    subjects = found.get("subject") or []
    digests = {f"sha256:{(entry.get('digest') or {}).get('sha256')}" for entry in subjects if isinstance(entry, dict)}
    if digests != {evidence_digest}:
        yield f"the statement is about {', '.join(sorted(digests)) or 'nothing'}, the evidence is {evidence_digest}"
    for entry in envelope.get("signatures") or ():
        if not _verifies(entry, payload):
            yield f"signature {entry.get('keyid', 'without key')!r} is not valid"


def _verifies(entry: Mapping[str, Any], payload: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError as error:
        raise ValueError("checking a signature needs the package cryptography") from error
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(entry.get("keyid"))))
        key.verify(base64.b64decode(str(entry.get("sig")), validate=True), encoded(PAYLOAD_TYPE, payload))
    except (InvalidSignature, ValueError):
        return False
    return True
