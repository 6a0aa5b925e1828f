"""Values never to be printed or stored: tokens and headers that a gateway asks for."""

from __future__ import annotations

from typing import Final, NoReturn

HIDDEN: Final = "<hidden>"


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
