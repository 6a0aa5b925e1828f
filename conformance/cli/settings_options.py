"""Options that run, plan and preflight share; each names the setting it sets, and `--set` reaches all the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from conformance.settings.option_names import OPTIONS
from conformance.settings.options import settings_from
from conformance.settings.settings import Settings


def settings_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command receives them by name and hands them to `settings_of`."""
    for option in reversed(OPTIONS):
        decorate = click.option(
            f"--{option.name}",
            option.key,
            is_flag=option.flag,
            multiple=option.multiple,
            metavar=None if option.metavar == "VALUE" or option.flag else option.metavar,
            help=option.help,
        )
        function = decorate(function)
    return function


def settings_of(options: Mapping[str, Any]) -> Settings:
    """Settings from a command's options, the environment and the file. Raises UsageError."""
    return settings_from(options)
