"""The releases that this suite is held against, as data, and what to say of others.

A platform of another release is judged all the same, by the newest model; the reader is told first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from conformance.base import bounded_yaml

FILE: Final = Path(__file__).parent / "supported_versions.yaml"
TITLES: Final = {"knative": "Knative", "kserve": "KServe", "kubernetes": "Kubernetes"}

_RELEASE: Final = re.compile(r"v?(\d+\.\d+)(?=\D|$)")


@cache
def supported() -> Mapping[str, tuple[str, ...]]:
    """MAJOR.MINOR of each component, oldest first."""
    found: dict[str, list[str]] = bounded_yaml.load(FILE.read_bytes())
    return {name: tuple(found[name]) for name in TITLES}


def is_supported(component: str, version: str) -> bool:
    """Whether a version, such as v1.23.0 or v1.34.0+k3s1, is of a supported release."""
    release = _RELEASE.match(version)
    return release is not None and release[1] in supported()[component]


def unsupported(versions: Mapping[str, str | None]) -> tuple[str, ...]:
    """One sentence for each component whose version is known to be, or may be, another; absent components have none."""
    return tuple(
        _sentence(name, version)
        for name in TITLES
        if (version := versions.get(name)) and not is_supported(name, version)
    )


def unsupported_in(environment: Mapping[str, Any]) -> tuple[str, ...]:
    """The same for the `environment` block of a run."""
    serving = environment.get("serving") or {}
    kubernetes = environment.get("kubernetes") or {}
    found = {
        "kubernetes": kubernetes.get("version"),
        "kserve": serving.get("kserve"),
        "knative": serving.get("knative"),
    }
    return unsupported({name: str(version) for name, version in found.items() if version})


def _sentence(component: str, version: str) -> str:
    releases, title = supported()[component], TITLES[component]
    known = f"this suite is held against {title} {', '.join(releases)}"
    if _RELEASE.match(version) is None:
        return f"the version of {title} is not known ({version}); {known}"
    consequence = f", and judges by the model of {releases[-1]}" if component == "knative" else ""
    return f"{title} {version} is none of the supported releases: {known}{consequence}"
