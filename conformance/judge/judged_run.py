"""A run with its verdicts: the one value that judging hands on, to the terminal, to reports and to the exit code.

Every recording is parsed once, when the value is made; what is derived from one and dear, such as its bands, is kept in
its `History` and so computed once for the verdicts, the drifts and the curves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from conformance.catalogue.requirement import Requirement
from conformance.judge import drift, history, serial, validity
from conformance.judge.drift import Drift
from conformance.judge.history import History
from conformance.judge.judgement import Judgement, Reason
from conformance.judge.requirements import catalogue
from conformance.recording.reader import Recording, UnreadableRecordingError
from conformance.recording.run_bodies import Outcome
from conformance.recording.run_record import Run

FILE: Final = "judgements.json"
INTERRUPTED: Final = Outcome.INTERRUPTED.value


@dataclass(frozen=True, eq=False)
class JudgedRun:
    """A run's folder, read once."""

    folder: Path
    run: Run
    judgements: tuple[Judgement, ...]
    """One for each requirement of the run's profiles, in order of id, as judgements.json holds them."""
    requirements: tuple[Requirement, ...]
    """What they were held to, in the same order."""
    histories: Mapping[str, History]
    """By scenario name; scenarios without a readable recording are missing."""
    unreadable: Mapping[str, str]
    """Scenario name to what is wrong with its recording."""

    @cached_property
    def by_id(self) -> Mapping[str, Judgement]:
        """Judgements by requirement id."""
        return {entry.requirement: entry for entry in self.judgements}

    @cached_property
    def requirement(self) -> Mapping[str, Requirement]:
        """Requirements by id."""
        return {entry.id: entry for entry in self.requirements}

    @cached_property
    def drifts(self) -> tuple[Drift, ...]:
        """Where the documentation page and the model disagree, by scenario."""
        return tuple(entry for _, found in sorted(self.histories.items()) for entry in drift.of(found))

    @cached_property
    def validity(self) -> tuple[Reason, ...]:
        """Whether the run could decide anything: the harness's checks over all recordings, the worst of each code, by
        code; where nothing was recorded there is one that says so."""
        worst: dict[str, Reason] = {}
        for _, found in sorted(self.histories.items()):
            for reason in validity.of(found):
                before = worst.get(reason.code)
                if before is None or _badness(reason) > _badness(before):
                    worst[reason.code] = reason
        for _, text in sorted(self.unreadable.items()):
            worst["RECORDING_UNREADABLE"] = Reason("RECORDING_UNREADABLE", text, "readable", False, "run again")
        if not worst:
            remedy = "see the run's scenarios for why nothing was recorded"
            return (Reason("NOTHING_RECORDED", 0, ">= 1", False, remedy),)
        return tuple(worst[code] for code in sorted(worst))


def _badness(reason: Reason) -> tuple[bool, float]:
    value = reason.value if isinstance(reason.value, (int, float)) else 0.0
    return not reason.ok, -value if str(reason.limit).startswith(">") else value


def stored(folder: Path, requirements: Iterable[Requirement] | None = None, *, run: Run | None = None) -> JudgedRun:
    """A run as it was judged before, with the verdicts of its judgements.json. `requirements` is the catalogue to
    describe it by, this suite's own by default.

    Raises ValueError when run.json or judgements.json are torn or speak of requirements nobody knows, OSError when
    they are missing."""
    run = run or Run.read(folder)
    judgements = {entry.requirement: entry for entry in serial.load((folder / FILE).read_bytes())}
    known = {entry.id: entry for entry in (catalogue() if requirements is None else requirements)}
    if strangers := sorted(judgements.keys() - known.keys()):
        raise ValueError(f"{folder / FILE}: not in the catalogue: {', '.join(strangers)}")
    names = sorted(judgements)
    histories, unreadable = read_histories(folder, run)
    return JudgedRun(
        folder=folder,
        run=run,
        judgements=tuple(judgements[name] for name in names),
        requirements=tuple(known[name] for name in names),
        histories=histories,
        unreadable=unreadable,
    )


def read_histories(folder: Path, run: Run) -> tuple[dict[str, History], dict[str, str]]:
    """Parsed recordings by scenario, and by scenario what is wrong with those that cannot be read."""
    histories: dict[str, History] = {}
    unreadable: dict[str, str] = {}
    for scenario in run.scenarios:
        if not scenario.recording:
            continue
        try:
            found = history.read(Recording(folder / scenario.recording))
        except (UnreadableRecordingError, OSError) as error:
            unreadable[scenario.name] = str(error)
            continue
        if found.outcome == INTERRUPTED and scenario.reason:
            # What interrupted it, such as the end of its cluster, is known to the run alone.
            found = replace(found, outcome=scenario.outcome, reason=scenario.reason)
        histories[scenario.name] = found
    return histories, unreadable


def store(judged: JudgedRun) -> None:
    """Write judgements.json: the same judgements always give the same bytes."""
    (judged.folder / FILE).write_bytes(serial.dump(judged.judgements))
