"""What goes wrong with a container, so that failing deployments can be shown and tried.

Pods are emulated, so a failure is asked for, in words that mean the same on a real cluster:

* an image of a registry below `.invalid` (a name that never resolves, RFC 2606) cannot be pulled;
* a model below `.invalid` cannot be fetched by the storage initializer;
* a container whose command is `false`, `true` or `sh -c '... exit N'` ends with that code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from clusters.embedded.kserve.kserve_names import INITIALIZER

Object = dict[str, Any]

NOWHERE: Final = ".invalid"
EXITS: Final = {"false": 1, "true": 0}
SHELLS: Final = ("sh", "bash", "ash", "dash")
EXIT: Final = re.compile(r"\bexit\s+(\d{1,3})\s*;?\s*$")


@dataclass(frozen=True, slots=True)
class ContainerFailure:
    """Why a container does not stay."""

    text: str
    """What it says before it ends, or what pulling its image ends with."""
    exit_code: int | None = None
    """None: it never starts, its image cannot be pulled."""


def failure_of(container: Object) -> ContainerFailure | None:
    """What will go wrong with a container; None when it will run."""
    image = container.get("image", "")
    registry = image.partition("/")[0].partition(":")[0]
    if registry.endswith(NOWHERE):
        reason = f"failed to resolve reference: dial tcp: lookup {registry}: no such host"
        return ContainerFailure(f'failed to pull and unpack image "{image}": {reason}')
    words = [str(word) for word in (*(container.get("command") or ()), *(container.get("args") or ()))]
    if container["name"] == INITIALIZER and words:
        host = urlsplit(words[0]).hostname or ""
        if host.endswith(NOWHERE):
            return ContainerFailure(f"Failed to fetch model from {words[0]}: lookup {host}: no such host", 1)
    program = words[0].rpartition("/")[2] if container.get("command") else ""
    if program in EXITS:
        return ContainerFailure("", EXITS[program])
    if program in SHELLS and len(words) > 2 and words[1] == "-c" and (found := EXIT.search(words[2])):
        return ContainerFailure("", int(found[1]) % 256)
    return None
