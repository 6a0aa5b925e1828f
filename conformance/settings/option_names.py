"""The settings that have an option of their own, the same for `conformance` and for pytest.

Only the standard library is imported: pytest reads this wherever the suite is installed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_SCHEMA: Final[dict[str, Any]] = json.loads((Path(__file__).parent / "settings.schema.json").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `--NAME` of the command, `--conformance-NAME` of pytest."""

    name: str
    help: str
    setting: str = ""
    """Dotted name of the setting; empty where the option is no single setting."""
    multiple: bool = False
    flag: bool = False
    """Given or not, without a value."""
    metavar: str = "VALUE"

    @property
    def key(self) -> str:
        """Under which its value is handed on."""
        return self.name.replace("-", "_")


def _of(name: str, setting: str, *, multiple: bool = False) -> Option:
    schema = _SCHEMA
    for part in setting.split("."):
        schema = schema["properties"][part]
    return Option(name, str(schema["description"]), setting, multiple, schema.get("type") == "boolean")


OPTIONS: Final = (
    Option("config", "Settings file; ./conformance.yaml if there.", metavar="FILE"),
    _of("cluster", "cluster"),
    _of("gpu", "gpu"),
    _of("profile", "profiles", multiple=True),
    _of("only", "only", multiple=True),
    _of("skip", "skip", multiple=True),
    _of("scenarios", "scenarios"),
    _of("fail-fast", "fail_fast"),
    _of("keep-namespaces", "keep_namespaces"),
    _of("fault", "fault"),
    _of("clock", "clock"),
    _of("seed", "seed"),
    _of("model", "model"),
    _of("reports", "reports"),
    _of("kubeconfig", "kubernetes.kubeconfig"),
    _of("context", "kubernetes.context"),
    _of("ingress", "ingress.address"),
    Option("header", "Extra ingress header.", multiple=True, metavar="NAME=VALUE"),
    Option("set", "Any other setting.", multiple=True, metavar="NAME=VALUE"),
)
