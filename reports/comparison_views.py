"""A comparison as text, Markdown or one HTML file."""

from __future__ import annotations

import jinja2

from conformance.base.terminal import printable
from conformance.judge.verdict_text import number
from reports.comparing import ABSENT, Comparison, Figure
from reports.control_characters import replace_control_characters
from reports.intervals import Estimate
from reports.markdown import escape
from reports.page import TEMPLATES

NOISE = (
    "Intervals hold the true figure with 95 %, if answers were independent; "
    "a difference counts when they do not overlap."
)
_WORDS = {1: "better", -1: "worse", 0: ""}


def text(found: Comparison) -> str:
    """Aligned lines for a terminal."""
    lines = [f"before  {found.before}", f"after   {found.after}", ""]
    lines += [f"{name}: {old or 'none'} -> {new or 'none'}" for name, old, new in found.surroundings]
    lines.append("")
    for change in found.verdicts:
        lines.append(
            f"{change.requirement:<8} {change.before:<20} -> {change.after:<20} {_WORDS[change.direction]:<7}"
            f"{change.sentence}"
        )
        if change.measured_before or change.measured_after:
            lines.append(
                f"         measured {change.measured_before or 'nothing'} -> {change.measured_after or 'nothing'}"
            )
    for change in found.margins:
        lines.append(f"{change.requirement:<8} {change.before:<20} -> {change.after:<20} margin {change.sentence}")
    lines += [f"{found.same} requirements as before", ""]
    for words, names in once(found):
        lines += [f"{len(names)} {words}: {', '.join(names)}", ""]
    for figure in (entry for entry in found.figures if entry.apart):
        lines.append(
            f"{figure.scenario:<26} {figure.name:<18} {estimate(figure.before)} -> {estimate(figure.after)} "
            f"{figure.unit}{ratio(figure)}"
        )
    quiet = sum(not entry.apart for entry in found.figures)
    lines += [f"{quiet} of {len(found.figures)} figures within noise. {NOISE}"]
    return "\n".join(printable(line) for line in lines) + "\n"


def markdown(found: Comparison) -> str:
    """For a pull request or a job's page."""
    lines = [f"## {escape(found.before)} → {escape(found.after)}", ""]
    if found.verdicts or found.margins:
        lines += ["| requirement | before | after | | measured |", "|---|---|---|---|---|"]
        for change in (*found.verdicts, *found.margins):
            word = _WORDS[change.direction]
            lines.append(
                f"| {change.requirement} {escape(change.sentence)} | {escape(change.before)} | {escape(change.after)} "
                f"| {f'**{word}**' if word else ''} "
                f"| {escape(change.measured_before)} → {escape(change.measured_after)} |"
            )
        lines.append("")
    lines += [f"{found.same} requirements as before.", ""]
    for words, names in once(found):
        lines += [f"<details><summary>{len(names)} {words}</summary>", "", ", ".join(names), "", "</details>", ""]
    if found.figures:
        lines += ["| scenario | figure | before | after | |", "|---|---|---|---|---|"]
        for figure in sorted(found.figures, key=lambda entry: (not entry.apart, entry.scenario, entry.name)):
            word = f"**{ratio(figure).strip() or 'differs'}**" if figure.apart else "noise"
            lines.append(
                f"| {escape(figure.scenario)} | {figure.name} ({figure.unit}) | {estimate(figure.before)} "
                f"| {estimate(figure.after)} | {word} |"
            )
        lines += ["", NOISE, ""]
    if found.surroundings:
        lines += ["| surroundings | before | after |", "|---|---|---|"]
        lines += [f"| {escape(name)} | {escape(old)} | {escape(new)} |" for name, old, new in found.surroundings]
    return "\n".join(lines) + "\n"


def html(found: Comparison) -> str:
    """One file that opens without a network."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    shown = jinja2.Environment(
        loader=loader,
        autoescape=True,
        finalize=replace_control_characters,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    shown.globals.update(estimate=estimate, ratio=ratio, words=_WORDS, once=once)
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return shown.get_template("comparison.html.j2").render(found=found, style=style, noise=NOISE)


def once(found: Comparison) -> list[tuple[str, list[str]]]:
    """Requirements that one run did not try, in words for each run that has any."""
    tried = {True: "tried only before", False: "tried only after"}
    groups: dict[bool, list[str]] = {}
    for change in found.once:
        groups.setdefault(change.after.split()[0] in (ABSENT, "SKIPPED"), []).append(change.requirement)
    return [(tried[key], names) for key, names in sorted(groups.items(), reverse=True)]


def estimate(value: Estimate) -> str:
    """`0.107 [0.105, 0.110] n=184`."""
    if value.low == value.high and value.samples == 1:
        return number(value.value)
    return f"{number(value.value)} [{number(value.low)}, {number(value.high)}] n={value.samples}"


def ratio(figure: Figure) -> str:
    """` (x1.25)`, or nothing where there is no ratio."""
    return "" if figure.ratio is None else f" (x{figure.ratio:.2f})"
