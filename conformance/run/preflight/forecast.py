"""What a run would take, from data alone: the scenarios, the budget they share, the images nodes will pull."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.catalogue.scenario import Scenario
from conformance.run.budget import fullest, predict, starts
from conformance.run.plan import RunPlan
from conformance.settings.providers import provider_factory


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario's share; seconds are predictions at usual lengths."""

    name: str
    starts_seconds: float
    lasts_seconds: float
    pods: int
    gpus: int
    load_rps: float
    requirements: int
    """Judged by it."""
    beside: int
    """Judged by another, for which it may exclude what that leaves open: it is their companion."""
    service_ms: int
    """How long the model takes."""
    tight: bool
    """Longer where the way to the model is found to take more than a twenty-fifth of that."""


def _judged(row: Row) -> str:
    return f"{row.requirements}" + (f" *{row.beside}" if row.beside else "")


def _model(row: Row) -> str:
    return f"{row.service_ms} ms" + ("+" if row.tight else "")


@dataclass(frozen=True, slots=True)
class Forecast:
    """The whole run."""

    profiles: tuple[str, ...]
    requirements: int
    rows: tuple[Row, ...]
    wall_seconds: float
    one_by_one_seconds: float
    pods: int
    gpus: int
    gpu_minutes: float
    images: tuple[str, ...]
    virtual: bool

    def body(self) -> dict[str, Any]:
        """Plain JSON."""
        names = ("profiles", "requirements", "wall_seconds", "one_by_one_seconds", "pods", "gpus", "gpu_minutes")
        figures = {name: getattr(self, name) for name in names}
        rows = [{name: getattr(row, name) for name in Row.__slots__} for row in self.rows]
        return {**figures, "clock": "virtual" if self.virtual else "real", "images": self.images, "scenarios": rows}

    def lines(self) -> Iterator[str]:
        """A table in starting order, totals below."""
        width = max([len("scenario"), *(len(row.name) for row in self.rows)])
        head = f"{'scenario':<{width}}  {'start':>7} {'lasts':>7} {'pods':>5} {'GPUs':>5} {'rps':>6} {'judged by':>10}"
        yield f"{head} {'model':>9}"
        for row in sorted(self.rows, key=lambda entry: (entry.starts_seconds, entry.name)):
            yield (
                f"{row.name:<{width}}  {row.starts_seconds:>5.0f} s {row.lasts_seconds:>5.0f} s {row.pods:>5} "
                f"{row.gpus:>5} {row.load_rps:>6g} {_judged(row):>10} {_model(row):>9}"
            )
        yield ""
        if any(row.beside for row in self.rows):
            yield "* requirements of other scenarios, for which it may exclude faults that those leave open"
        if any(row.tight for row in self.rows):
            yield "+ longer where the way to the model, measured while settling, takes more than 1/25 of it"
        if any(row.tight or row.beside for row in self.rows):
            yield ""
        yield f"profiles      {', '.join(self.profiles)}"
        yield f"requirements  {self.requirements}"
        spent = (
            "virtual time, so seconds of yours" if self.virtual else f"one by one {_minutes(self.one_by_one_seconds)}"
        )
        yield f"wall time     {_minutes(self.wall_seconds)} ({spent})"
        yield f"at most       {self.pods} pods, {self.gpus} GPUs at a time"
        yield f"GPU minutes   {self.gpu_minutes:.1f}"
        for position, image in enumerate(self.images):
            yield f"{'images' if position == 0 else '':<14}{image}"


def _minutes(seconds: float) -> str:
    return f"{int(seconds // 60)} min {seconds % 60:02.0f} s"


def forecast(plan: RunPlan) -> Forecast:
    """What the plan takes. Raises UsageError for unknown version rows."""
    settings, running = plan.settings, plan.scenarios
    begun = starts(running, settings.budgets)
    pods, gpus = fullest(running, settings.budgets)
    return Forecast(
        profiles=plan.profiles,
        requirements=len(plan.requirements),
        rows=tuple(_row(entry, begun[entry.name], plan) for entry in running),
        wall_seconds=predict(running, settings.budgets),
        one_by_one_seconds=sum(entry.seconds for entry in running),
        pods=pods,
        gpus=gpus,
        gpu_minutes=sum(entry.budget.gpus * entry.seconds for entry in running) / 60,
        images=provider_factory(settings.cluster).images(settings),
        virtual=settings.clock == "virtual",
    )


def _row(scenario: Scenario, begun: float, plan: RunPlan) -> Row:
    budget = scenario.budget
    return Row(
        scenario.name,
        begun,
        scenario.seconds,
        budget.pods,
        budget.gpus,
        budget.load,
        sum(entry.scenario == scenario.name for entry in plan.requirements),
        len(plan.companion_for(scenario.name)),
        scenario.service_ms,
        scenario.tight,
    )
