"""`docs/catalogue.md`: requirements, scenarios, checks with their parameters, and faults, as the catalogue has them.

Made by `make docs` (`python -m conformance.judge.catalogue_page docs/catalogue.md`); a test says when it is stale. What
a parameter means stands beside it in the source, and is read from there, so that the page cannot say anything else.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final, cast, get_args, get_origin, get_type_hints

from conformance.base.errors import UsageError
from conformance.catalogue.check_parameters import CheckParameters, When
from conformance.catalogue.entries import Named, OneOf, default, plain
from conformance.catalogue.requirement import AREAS, LEVELS, PROFILES, Requirement
from conformance.catalogue.scenario import Scenario, Step, scenarios
from conformance.judge.checks import REGISTRY
from conformance.judge.finding import Check, PodCounts
from conformance.judge.requirements import catalogue, fault_texts
from conformance.load.load_plan import LoadPlan, Phase

HEAD: Final = """# Catalogue

What a platform has to do, on which recording it is judged, by which check, and which broken platforms it must catch.
A requirement is held to every other recording of a run too that its check and its `when` fit, and a failure counts
wherever it shows. This page is made from `conformance/catalogue` and `conformance/judge/checks` by `make docs`; change
those.

[Requirements](#requirements) · [Scenarios](#scenarios) · [Checks](#checks) ·
[Parameters of all checks](#parameters-of-all-checks) · [Faults](#faults)
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_requirements(catalogue()), *_scenarios(), *_checks(), *_faults(), ""])


def _requirements(listed: Sequence[Requirement]) -> Iterator[str]:
    yield "## Requirements\n"
    testable = [entry for entry in listed if not entry.not_testable]
    yield f"{len(listed)} requirements, {len(listed) - len(testable)} of them not testable from outside.\n"
    yield from _table(
        ["area", *LEVELS, *PROFILES],
        [[f"[{area}](#{_anchor(_heading(area))})", *_counts([e for e in listed if e.area == area])] for area in AREAS],
    )
    for area in AREAS:
        yield f"### {_heading(area)}\n"
        for entry in listed:
            if entry.area == area:
                yield from _requirement(entry)


def _heading(area: str) -> str:
    return f"{area}: {AREAS[area]}"


def _counts(listed: Sequence[Requirement]) -> Iterator[str]:
    for words, name in ((LEVELS, "level"), (PROFILES, "profile")):
        for word in words:
            yield str(sum(getattr(entry, name) == word for entry in listed) or "")


def _requirement(entry: Requirement) -> Iterator[str]:
    yield f"#### {entry.id}\n"
    yield f"{entry.sentence}\n"
    kind = [entry.level, f"profile {entry.profile}"]
    kind += [f"feature {entry.feature}"] if entry.feature else []
    kind += [f"needs {entry.accelerator} accelerators"] if entry.accelerator != "none" else []
    yield f"- {', '.join(kind)}; source: {entry.source}"
    if entry.not_testable:
        yield f"- not testable: {entry.not_testable}"
    else:
        told = _told(entry.parameters)
        by = f"[`{entry.check}`](#{entry.check}) on [`{entry.scenario}`](#{entry.scenario})"
        yield f"- judged by {by}" + (f", with {told}" if told else "")
        yield f"- finds {entry.detects}"
        yield f"- tolerance: {entry.derivation}"
    if entry.faults:
        yield f"- catches {', '.join(f'[`{name}`](#faults)' for name in entry.faults)}"
    if entry.threads:
        yield f"- asked for by {', '.join(entry.threads)}"
    yield ""


def _told(parameters: CheckParameters) -> str:
    """Parameters that are not as usual."""
    given = cast(Mapping[str, object], plain(parameters))
    return ", ".join(f"{name} `{_value(value)}`" for name, value in given.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_value(entry)}" for key, entry in value.items())
    return "null" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _scenarios() -> Iterator[str]:
    yield "## Scenarios\n"
    yield "Each is run and recorded once; `load` is the highest rate in requests per second.\n"
    for scenario in sorted(scenarios().values(), key=lambda each: each.name):
        yield from _scenario(scenario)


def _scenario(scenario: Scenario) -> Iterator[str]:
    yield f"### {scenario.name}\n"
    page_example = ", a documented example" if scenario.documented else ""
    yield f"{scenario.title} ({scenario.section}{page_example}).\n"
    yield f"- manifest [`{scenario.manifest}`](../fixtures/{scenario.manifest}), mode {scenario.mode}"
    budget = scenario.budget
    takes = f"{budget.pods} pods" + (f", {budget.gpus} accelerators" if budget.gpus else "")
    yield f"- takes about {scenario.seconds:.0f} s, at most {takes}, load {budget.load:g}"
    model = f"a request takes {scenario.service_ms} ms, the model starts in {scenario.start_seconds:g} s"
    yield f"- {model}"
    yield f"- steps: {'; '.join(_step(step) for step in scenario.steps)}"
    for claim in scenario.claims:
        yield f"- the page: {claim.passage}" + (f". Instead: {claim.modelled}" if claim.modelled else "")
    judged = [entry.id for entry in catalogue() if entry.scenario == scenario.name]
    yield f"- judged for {', '.join(f'[{name}](#{name.lower()})' for name in judged)}\n"


def _step(step: Step) -> str:
    text = f"**{step.name or step.kind}**" + (f" ({step.kind})" if step.name else "")
    if step.plan:
        text += f" {_plan(step.plan)}" + (", going on at once" if step.background else "")
    if step.service_ms is not None:
        text += f", a request takes {step.service_ms} ms"
    if step.manifest:
        text += f" `{step.manifest}`"
    if step.patch is not None:
        text += f" `{_patch(step.patch)}`"
    if step.seconds:
        text += f" {'held for ' if step.within else ''}{step.seconds:g} s"
    return text + (f" within {step.within:g} s" if step.within else "")


def _patch(value: object, path: str = "") -> str:
    if isinstance(value, Mapping):
        return ", ".join(_patch(entry, f"{path}.{key}" if path else str(key)) for key, entry in value.items())
    return f"{path}: {_value(value)}"


def _plan(plan: LoadPlan) -> str:
    return ", then ".join(_phase(phase) for phase in plan.phases)


def _phase(phase: Phase) -> str:
    sizes = {"workers": phase.workers, "requests": phase.count}
    rates = {"/s": phase.rate, "/s at the end": phase.rate_end, "/s a worker": phase.rate_per_worker}
    told = [f"{size} {name}" for name, size in sizes.items() if size]
    told += [f"{rate:g}{name}" for name, rate in rates.items() if rate]
    return f"{phase.shape.value}, {', '.join(told)} for {phase.seconds:g} s"


def _checks() -> Iterator[str]:
    yield "## Checks\n"
    yield "What can spoil a recording for a check: [the band](band.md#when-nothing-is-decided).\n"
    for name in sorted(REGISTRY.checks):
        yield from _check(REGISTRY.checks[name])
    yield "## Parameters of all checks\n"
    yield from _parameters(CheckParameters, frozenset())
    yield "### when\n"
    yield f"{inspect.cleandoc(When.__doc__ or '').splitlines()[0]}\n"
    yield from _parameters(When, frozenset())


def _check(check: Check) -> Iterator[str]:
    yield f"### {check.name}\n"
    yield f"{' '.join(check.text.split())}\n"
    notes = [f"spoilt by {', '.join(check.touches)}"]
    if check.counts is PodCounts.DECIDED:
        notes.append("judges what the autoscaler decided, so that a failure is compared with wrong autoscalers")
    elif check.counts is PodCounts.CARRIED_OUT:
        notes.append("judges how a decision is carried out")
    if check.incomplete:
        notes.append("judges a scenario too that did not come to its end")
    if check.specific:
        notes.append("judges its requirement's own scenario alone")
    users = [entry.id for entry in catalogue() if entry.check == check.name]
    yield f"- {'; '.join(notes)}"
    yield f"- used by {', '.join(f'[{name}](#{name.lower()})' for name in users)}\n"
    yield from _parameters(check.parameters, {each.name for each in fields(CheckParameters)})


def _parameters(cls: type, without: frozenset[str] | set[str]) -> Iterator[str]:
    texts = field_texts(cls)
    hints = get_type_hints(cls, include_extras=True)
    rows = [
        [f"`{each.name}`", _type(hints[each.name]), _default(default(each)), texts[each.name]]
        for each in fields(cls)
        if each.name not in without
    ]
    if rows:
        yield from _table(["parameter", "type", "default", "meaning"], rows)


def _type(hint: object) -> str:
    origin = get_origin(hint)
    if origin is Annotated:
        marker = get_args(hint)[1]
        return " or ".join(marker.words) if isinstance(marker, OneOf) else _NAMES[cast(Named, marker).kind]
    arguments = [each for each in get_args(hint) if each not in (type(None), Ellipsis)]
    if origin is tuple:
        return f"list, each {_type(arguments[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping to {_type(arguments[1])}"
    if arguments:
        return " or ".join(dict.fromkeys(_type(each) for each in arguments))
    return _TYPES.get(cast(type, hint).__name__, cast(type, hint).__name__.lower())


_NAMES: Final = {
    "hypothesis": "a [wrong autoscaler](../conformance/judge/fault_hypotheses.py)",
    "step": "a step's name",
}
_TYPES: Final = {
    "str": "text", "int": "whole number", "float": "number", "bool": "true or false", "Range": "number or range",
    "When": "mapping, see [when](#when)",
}  # fmt: skip


def _default(value: object) -> str:
    if value is MISSING:
        return "has to be given"
    shown = plain(value)
    return "" if shown in (None, [], {}, "") else f"`{_value(shown)}`"


@cache
def field_texts(cls: type) -> Mapping[str, str]:
    """What the docstring below each field of a dataclass says, base classes' fields first."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base is object:
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        body = cast(ast.ClassDef, tree).body
        for field, text in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and _is_text(text):
                found[field.target.id] = " ".join(ast.literal_eval(cast(ast.Expr, text).value).split())
    return found


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _faults() -> Iterator[str]:
    yield "## Faults\n"
    yield "Broken platforms: `make conformance FAULT=…` runs one, `conformance faults --run` all.\n"
    catching = {name: [entry.id for entry in catalogue() if name in entry.faults] for name in fault_texts()}
    yield from _table(
        ["fault", "what it does", "caught by"],
        [
            [f"`{name}`", text, ", ".join(f"[{each}](#{each.lower()})" for each in catching[name])]
            for name, text in sorted(fault_texts().items())
        ],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _anchor(heading: str) -> str:
    """GitHub's name for a heading."""
    kept = "".join(letter for letter in heading.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


if __name__ == "__main__":
    try:
        text = page()
    except UsageError as error:
        sys.exit(f"error: {error}")
    Path(sys.argv[1]).write_text(text, encoding="utf-8")
