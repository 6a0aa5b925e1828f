"""Replays recorded Kubernetes API interactions against a fresh embedded API server.

Each group of interactions gets a server of its own, in process and in virtual time. Requests go in the recorded order;
before each one the objects it concerns are brought to the state the recording shows, so that one difference does not
breed others, and interactions missing from a directory do no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from conformance.clock import VirtualLoop
from conformance.golden.interaction import Interaction, read
from conformance.golden.recorded_world import World, versions_in
from conformance.golden.stated_limits import limit_of
from conformance.golden.tally import Mismatch, Tally
from conformance.golden.whole import GroupReplay

GROUP_ORDER: Final = (
    "discovery",
    "openapi",
    "crud",
    "status",
    "delete",
    "patch",
    "apply",
    "list",
    "watch",
    "table",
    "crd",
    "knative",
    "watchtrace",
    "pods",
    "exec",
    "namespaces",
    "auth",
    "webhook",
    "headers",
)
"""The order in which groups were recorded where their versions do not tell."""


def replay(paths: Iterable[Path]) -> Iterator[Tally]:
    """Replay files of interactions, or directories of them; one tally per file.

    Differences that stand on the list of stated limits are left out.
    """
    interactions = [one for path in _files(paths) for one in read(path, str(path))]
    tallies: dict[str, Tally] = {}
    for interaction, found in replayed(interactions):
        tally = tallies.setdefault(interaction.file, Tally(interaction.file))
        tally.decisions += 1
        tally.mismatches += [one for one in found if limit_of(interaction, one) is None]
    yield from tallies.values()


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (one for one in sorted(path.rglob("*.json")) if one.name != "index.json")
        elif path.name != "index.json":
            yield path


def replayed(interactions: Sequence[Interaction]) -> Iterator[tuple[Interaction, list[Mismatch]]]:
    """Each interaction with all its differences, stated limits included."""
    for server in sorted({one.server for one in interactions}):
        world, ahead = World(), World()
        there = [one for one in interactions if one.server == server]
        for one in there:
            ahead.learn(one)
        for _, group in _in_order(there):
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                yield from runner.run(_replay_group(group, world, ahead))


async def _replay_group(
    group: Sequence[Interaction], world: World, ahead: World
) -> list[tuple[Interaction, list[Mismatch]]]:
    return await GroupReplay(group, world, ahead).run()


def _in_order(interactions: Sequence[Interaction]) -> list[tuple[str, list[Interaction]]]:
    """Groups by the versions their answers show, as they were recorded one after the other."""
    groups: dict[str, list[Interaction]] = {}
    for one in interactions:
        groups.setdefault(one.group, []).append(one)

    def key(name: str) -> tuple[int, int]:
        versions = [max(found) for one in groups[name] if (found := list(versions_in(one.answer)))]
        place = GROUP_ORDER.index(name) if name in GROUP_ORDER else len(GROUP_ORDER)
        return (sorted(versions)[len(versions) // 2] if versions else 10**9, place)

    return [(name, groups[name]) for name in sorted(groups, key=key)]
