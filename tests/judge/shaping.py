"""Small changes to a history, each standing for something that went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from conformance.judge.arrivals import Rows
from conformance.judge.checks import REGISTRY
from conformance.judge.finding import Finding
from conformance.judge.history import History, build
from conformance.recording.facts import Fact, FactKind


def look(name: str, history: History, **parameters: Any) -> Finding:
    """Run one check with parameters other than usual."""
    check = REGISTRY.checks[name]
    return check.look(history, check.parameters(**parameters))


def with_facts(history: History, *added: tuple[float, FactKind, Mapping[str, Any]]) -> History:
    """The history with more facts."""
    origin = history.recording.header.origin_wall
    facts = [*history.facts, *(Fact.of(t, origin + t, kind, body) for t, kind, body in added)]
    return build(history.recording, tuple(sorted(facts, key=lambda fact: fact.t)), history.loads)


def mapped(history: History, change: Callable[[Fact[Any]], Fact[Any] | None]) -> History:
    """The history with each fact changed or, for None, left out."""
    facts = tuple(fact for fact in map(change, history.facts) if fact is not None)
    return build(history.recording, facts, history.loads)


def with_rows(history: History, change: Callable[[Rows], Rows], index: int = 0) -> History:
    """The history with one load's rows changed."""
    loads = list(history.loads)
    loads[index] = replace(loads[index], rows=change(loads[index].rows.copy()))
    return build(history.recording, history.facts, tuple(loads))


def with_body(fact: Fact[Any], **changes: Any) -> Fact[Any]:
    """A fact with parts of its body, given as in its line, replaced."""
    return Fact.of(fact.t, fact.wall, fact.kind, {**fact.body.plain(), **changes})
