"""Settings from what was given as options: of the `conformance` command, or of pytest."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.base.errors import UsageError
from conformance.settings.option_names import OPTIONS
from conformance.settings.settings import Settings, load
from conformance.settings.sources import leaf


def settings_from(given: Mapping[str, Any]) -> Settings:
    """Settings from options by key (None or empty: not given), the environment and the file. Raises UsageError."""
    flags: dict[str, Any] = {}
    for option in OPTIONS:
        value = given.get(option.key)
        if option.setting:
            flags[option.setting] = _listed(value) if option.multiple else (value or None) if option.flag else value
    for assignment in given.get("set") or ():
        name, value = _pair(assignment, "--set")
        leaf(name)
        flags[name] = value
    headers = dict(_pair(text, "--header") for text in given.get("header") or ())
    if headers:
        flags["ingress.headers"] = headers
    config = given.get("config")
    return load(Path(config) if config else None, os.environ, flags)


def _listed(values: Sequence[str] | None) -> tuple[str, ...]:
    """Each value may hold several, divided by commas or blanks: no name has either."""
    return tuple(part for text in values or () for part in text.replace(",", " ").split())


def _pair(text: str, flag: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        shown = "" if flag == "--header" else f" {name}"
        raise UsageError(f"{flag}{shown}: NAME=VALUE is wanted")
    return name.strip(), value
