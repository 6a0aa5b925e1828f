"""Values never to be printed or stored: tokens and headers that a gateway asks for, and what names a site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

HIDDEN: Final = "<hidden>"

_TELLING: Final = (
    "--header",
    "--set",
    "--kubeconfig",
    "--context",
    "--ingress",
    "--config",
    "--reports",
    "--scenarios",
)
"""Options whose values may be secret or name a site."""


class Secret:
    """Holds a text. Only `reveal` gives it back; every way of printing shows a placeholder, pickling is refused."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, specification: str) -> str:
        return format(HIDDEN, specification)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled; pass it on in memory or reveal it on purpose")


def public(arguments: Sequence[str]) -> tuple[str, ...]:
    """Command line arguments as a report may show them: `--header NAME=<hidden>`, `--set NAME=<hidden>`."""
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


def _masked(option: str, value: str) -> str:
    name, sign, _ = value.partition("=")
    return f"{name}={HIDDEN}" if option in ("--header", "--set") and sign else HIDDEN
