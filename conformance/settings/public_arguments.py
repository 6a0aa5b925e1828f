"""A command line as a report may show it: values that may be secret or name a site are hidden, by what the schema says
of the setting, and everything that a reader needs to repeat the run stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from conformance.settings.option_names import OPTIONS
from conformance.settings.secret import HIDDEN
from conformance.settings.sources import LEAVES


def _hidden(setting: str) -> bool:
    """Whether a setting's value is kept from reports. One that does not exist may be a misspelt secret."""
    schema = LEAVES.get(setting)
    return schema is None or bool(schema.get("x-secret") or schema.get("x-private"))


_PAIRS: Final = {prefix + name for prefix in ("--", "--conformance-") for name in ("header", "set")}
_TELLING: Final = _PAIRS | {
    prefix + option.name
    for prefix in ("--", "--conformance-")
    for option in OPTIONS
    if option.name == "config" or (option.setting and _hidden(option.setting))
}
"""Options, of the command and of pytest, whose values are looked at."""


def public(arguments: Sequence[str]) -> tuple[str, ...]:
    """`--header NAME=<hidden>`, `--kubeconfig <hidden>`, `--set NAME=<hidden>` where NAME's value is kept from reports;
    all others as they are."""
    return tuple(_public(arguments))


def _public(arguments: Sequence[str]) -> Iterator[str]:
    pending = ""
    for argument in arguments:
        option, sign, value = argument.partition("=")
        if pending:
            yield _masked(pending, argument)
            pending = ""
        elif option in _TELLING and sign:
            yield f"{option}={_masked(option, value)}"
        else:
            pending = argument if argument in _TELLING else ""
            yield argument


def _masked(option: str, text: str) -> str:
    name, sign, _ = text.partition("=")
    if option not in _PAIRS or not sign:
        return HIDDEN
    shown = option.endswith("set") and not _hidden(name.strip())
    return text if shown else f"{name}={HIDDEN}"
