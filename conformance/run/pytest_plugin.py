"""The pytest side of a run: scenarios start as tasks, tests await them and state one verdict each.

pytest-asyncio runs tests one after another, so the waiting must not happen inside them: the first test that asks for
the campaign starts every selected scenario at once, and all others find them running. Verdicts come from judging the
stored recordings, never from what a test saw.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
import pytest_asyncio

from conformance.base.clock import VirtualLoop
from conformance.base.errors import Exit
from conformance.catalogue.requirement import Requirement
from conformance.catalogue.scenario import Scenario
from conformance.judge.judgement import Judgement, Verdict
from conformance.run.campaign import Campaign

REST: Final = "beyond the page"
SECTIONS: Final = (
    "Scaling on target concurrency",
    "Scaling on target queries per second",
    "Scaling on GPU",
    "Concurrency limit per replica",
    "Scaling to zero and back",
    "Scaling each component",
    "Choosing a scale metric",
    "Deployment and schema",
)
"""Sections of the documentation page that have a test file; scenarios of others are tested under `REST`."""


@dataclass(slots=True)
class Session:
    """What `conformance run` hands to pytest and gets back."""

    requirements: tuple[Requirement, ...]
    scenarios: Mapping[str, Scenario]
    virtual: bool
    open: Callable[[Sequence[Requirement]], Campaign]
    """Makes the campaign for the requirements that are left after pytest's own selection."""
    judge: Callable[[Campaign], Mapping[str, Judgement]]
    campaign: Campaign | None = None
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    chosen: tuple[Requirement, ...] = ()


class ConformancePlugin:
    """Registered by `conformance run` for one pytest session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.trouble: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.trouble.append(str(report.longrepr))

    def pytest_internalerror(self, excrepr: object) -> None:
        self.trouble.append(str(excrepr))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.when == "setup":
            self.trouble.append(report.longreprtext)

    def pytest_asyncio_loop_factories(self) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
        if self._session.virtual:
            return {"virtual": VirtualLoop}
        return {"real": asyncio.new_event_loop}

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line("markers", "section(name): the section of the documentation page a file tests")

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "requirement" not in metafunc.fixturenames:
            return
        mark = metafunc.definition.get_closest_marker("section")
        name = mark.args[0] if mark else REST
        mine = [entry for entry in self._session.requirements if self._section(entry) == name]
        metafunc.parametrize("requirement", mine, ids=[f"{entry.id}-{entry.scenario}" for entry in mine])

    def _section(self, requirement: Requirement) -> str:
        scenario = self._session.scenarios.get(requirement.scenario or "")
        return scenario.section if scenario and scenario.section in SECTIONS else REST

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if "NOTSET" not in item.name]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        chosen = {item.callspec.params["requirement"].id for item in session.items if hasattr(item, "callspec")}
        self._session.chosen = tuple(entry for entry in self._session.requirements if entry.id in chosen)

    @pytest_asyncio.fixture(scope="session", loop_scope="session")
    async def judged(self) -> AsyncIterator[Mapping[str, Judgement]]:
        """Judgements by requirement id, once all scenarios have ended."""
        session = self._session
        session.campaign = campaign = session.open(session.chosen)
        running = asyncio.create_task(campaign.run())
        forget = _on_interrupt(running, campaign)
        try:
            await running
            if session.virtual:
                session.judgements = session.judge(campaign)
            else:
                session.judgements = await asyncio.to_thread(session.judge, campaign)
            yield session.judgements
        finally:
            forget()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def state(judgement: Judgement) -> None:
    """End a test the way its verdict says."""
    text = reason(judgement)
    match judgement.verdict:
        case Verdict.PASS:
            return
        case Verdict.FAIL:
            pytest.fail(text, pytrace=False)
        case Verdict.SKIPPED | Verdict.NOT_APPLICABLE:
            pytest.skip(text)
        case _:
            raise Undecided(text)


class Undecided(Exception):  # noqa: N818 - it is an outcome, not a mistake
    """A requirement could not be decided."""


def reason(judgement: Judgement) -> str:
    """Why a verdict is what it is, in one paragraph."""
    parts = []
    expected, measured = judgement.expected, judgement.measured
    if judgement.verdict is Verdict.FAIL and expected and measured:
        parts.append(f"expected {expected.statement}; measured {measured.value:g} {measured.unit}")
    parts += [
        f"{entry.code} {entry.value} (limit {entry.limit})" + (f": {entry.remedy}" if entry.remedy else "")
        for entry in judgement.reasons
        if not entry.ok
    ]
    parts += list(judgement.facts[:3])
    if judgement.nearest_fault:
        parts.append(f"explained by {judgement.nearest_fault[0]}")
    if judgement.notes:
        parts.append(judgement.notes)
    return "; ".join(parts) or judgement.verdict.value


def _on_interrupt(running: asyncio.Task[Any], campaign: Campaign) -> Callable[[], None]:
    """First Ctrl-C or TERM: stop, clean up, judge what there is. Second: leave at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if campaign.interrupted or running.done():
            os._exit(Exit.INTERRUPTED)
        campaign.interrupt()
        running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)

    def forget() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    return forget
