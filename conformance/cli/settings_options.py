"""Options that run, plan and preflight share; each names the setting it sets, and `--set` reaches all the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from conformance.base.errors import UsageError
from conformance.settings.settings import Settings, load
from conformance.settings.sources import leaf

_NAMES: Final = {
    "cluster": "cluster",
    "gpu": "gpu",
    "profile": "profiles",
    "only": "only",
    "fault": "fault",
    "clock": "clock",
    "seed": "seed",
    "model": "model",
    "reports": "reports",
    "kubeconfig": "kubernetes.kubeconfig",
    "context": "kubernetes.context",
    "ingress": "ingress.address",
}
"""Flag to setting."""

_LISTS: Final = ("profile", "only")


def settings_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command receives them by name and hands them to `settings_of`."""
    function = click.option("--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Any other setting.")(
        function
    )
    function = click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="Extra ingress header.")(
        function
    )
    for flag, setting in reversed(_NAMES.items()):
        function = click.option(f"--{flag}", multiple=flag in _LISTS, help=leaf(setting)["description"])(function)
    return click.option(
        "--config", type=click.Path(path_type=Path), help="Settings file; ./conformance.yaml if there."
    )(function)


def settings_of(options: Mapping[str, Any]) -> Settings:
    """Settings from a command's options, the environment and the file. Raises UsageError."""
    flags: dict[str, Any] = {_NAMES[name]: value for name, value in options.items() if name in _NAMES}
    for name in _LISTS:
        flags[_NAMES[name]] = tuple(part for text in options.get(name) or () for part in text.split(",") if part)
    for assignment in options.get("assignments") or ():
        name, value = _pair(assignment, "--set")
        leaf(name)
        flags[name] = value
    headers = dict(_pair(text, "--header") for text in options.get("headers") or ())
    if headers:
        flags["ingress.headers"] = headers
    return load(options.get("config"), os.environ, flags)


def _pair(text: str, flag: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        shown = "" if flag == "--header" else f" {name}"
        raise UsageError(f"{flag}{shown}: NAME=VALUE is wanted")
    return name.strip(), value
