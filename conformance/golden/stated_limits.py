"""Where the embedded API server differs from a real one on purpose: a short list of patterns, each with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from conformance.golden.interaction import Interaction
from conformance.golden.tally import Mismatch


@dataclass(frozen=True, slots=True)
class Limit:
    """A kind of difference that is stated. Every pattern given must match; `where` is method and path with query.

    `session` restricts it to files of what a client sent one after the other.
    """

    name: str
    reason: str
    where: str = ""
    field: str = ""
    expected: str = ""
    accept: str = ""
    session: bool = False

    def covers(self, interaction: Interaction, mismatch: Mismatch) -> bool:
        if self.session and not interaction.place:
            return False
        place = f"{interaction.method} {interaction.path}?{interaction.query_string}"
        pairs = (
            (self.where, place),
            (self.field, mismatch.field),
            (self.expected, str(mismatch.expected)),
            (self.accept, interaction.headers.get("accept", "")),
        )
        return all(not pattern or re.search(pattern, text, re.DOTALL) for pattern, text in pairs)


@cache
def limits() -> tuple[Limit, ...]:
    """The list, from `stated_limits.yaml`."""
    text = files("conformance.golden").joinpath("stated_limits.yaml").read_text("utf-8")
    return tuple(Limit(name, **value) for name, value in (yaml.safe_load(text) or {}).items())


def limit_of(interaction: Interaction, mismatch: Mismatch) -> Limit | None:
    """The limit a difference falls under, if any."""
    return next((limit for limit in limits() if limit.covers(interaction, mismatch)), None)
