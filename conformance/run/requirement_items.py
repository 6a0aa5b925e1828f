"""Requirements as pytest sees them: each file of the catalogue is collected, each requirement is one item.

An item does nothing but state its verdict. The scenarios that all selected items need are run before the first of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from conformance.catalogue.own_catalogue import REQUIREMENTS
from conformance.catalogue.requirement import FOLDER, OWN_PROFILE, Requirement
from conformance.judge.judgement import Judgement, Verdict
from conformance.judge.verdict_text import paragraph
from conformance.run.pipeline import RunOutcome
from conformance.run.plan import RunPlan

PLAN = pytest.StashKey[RunPlan]()
OUTCOME = pytest.StashKey[RunOutcome]()


class Undecided(Exception):  # noqa: N818 - it is an outcome, not a mistake
    """A requirement could not be decided."""


class CatalogueFile(pytest.File):
    """One area's requirements, as far as the run's plan holds them."""

    def collect(self) -> Iterable[RequirementItem]:
        lines = self.path.read_text(encoding="utf-8").splitlines()
        own = self.path.parent != FOLDER
        for requirement in self.config.stash[PLAN].requirements:
            here = requirement.profile == OWN_PROFILE and _found(lines, requirement.id) is not None
            if here if own else requirement.area == self.path.stem:
                yield RequirementItem.from_parent(
                    self, name=requirement.id, requirement=requirement, line=_line(lines, requirement.id)
                )


class RequirementItem(pytest.Item):
    """One requirement; `-k` knows its scenario, `-m` its profile, level, area and scenario by `name`."""

    def __init__(self, *, requirement: Requirement, line: int, **arguments: object) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.requirement = requirement
        self._line = line
        marks = {
            "profile": requirement.profile,
            "level": requirement.level,
            "area": requirement.id.split("-")[0],
            "scenario": requirement.scenario or "",
        }
        for mark, name in marks.items():
            self.add_marker(getattr(pytest.mark, mark)(name=name))
        self.extra_keyword_matches.update((requirement.scenario or "", requirement.profile))

    @property
    def judgement(self) -> Judgement | None:
        """What was judged, once the run is over."""
        outcome = self.config.stash.get(OUTCOME, None)
        found = (entry for entry in outcome.judgements if entry.requirement == self.name) if outcome else ()
        return next(iter(found), None)

    @property
    def seconds(self) -> float:
        """How long the scenario behind it took."""
        outcome = self.config.stash.get(OUTCOME, None)
        runs = outcome.recorded.run.scenarios if outcome else ()
        found = (run for run in runs if run.name == self.requirement.scenario)
        return next((run.finished_wall - run.started_wall for run in found), 0.0)

    def runtest(self) -> None:
        judgement = self.judgement
        if judgement is None:
            raise Undecided("it was not judged: the run did not come to its end")
        self.user_properties.append(("verdict", judgement.verdict.value))
        self.user_properties.append(("scenario", judgement.scenario or ""))
        self.user_properties.append(("run", str(self.config.stash[OUTCOME].folder)))
        state(judgement)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The verdict's words; what is no verdict is shown whole."""
        if isinstance(excinfo.value, Undecided | pytest.fail.Exception):
            return f"{self.requirement.sentence}\n{excinfo.value}"
        return str(excinfo.getrepr(style="short"))

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, self._line, f"{self.name} {self.requirement.scenario}"


def state(judgement: Judgement) -> None:
    """End a test the way its verdict says."""
    text = paragraph(judgement)
    match judgement.verdict:
        case Verdict.PASS:
            return
        case Verdict.FAIL:
            pytest.fail(text, pytrace=False)
        case Verdict.SKIPPED | Verdict.NOT_APPLICABLE:
            pytest.skip(text)
        case _:
            raise Undecided(f"{judgement.verdict.value}: {text}")


def node_id(path: Path, root: Path) -> str:
    """A file's part of a node id: relative to pytest's root even where it lies elsewhere, so that an id that pytest
    shows can be given to it again."""
    return os.path.relpath(path, root).replace(os.sep, "/")


def holds_requirements(path: Path, config: pytest.Config) -> bool:
    """Whether a file is one of the catalogue, or of the folder of one's own that the plan names."""
    plan = config.stash.get(PLAN, None)
    own = plan.own if plan else None
    return path.parent == FOLDER or (own is not None and path.parent == (own / REQUIREMENTS).resolve())


def _line(lines: list[str], identifier: str) -> int:
    return _found(lines, identifier) or 0


def _found(lines: list[str], identifier: str) -> int | None:
    wanted = re.compile(rf"[\s{{,-]*id\s*:\s*['\"]?{re.escape(identifier)}\b")
    return next((number for number, line in enumerate(lines) if wanted.match(line)), None)
