"""`conformance faults`: broken platforms, and which requirement catches which."""

from __future__ import annotations

import sys
import time

import click


@click.command()
@click.argument("names", nargs=-1)
@click.option("--run", "execute", is_flag=True, help="Run each fault against the requirements that name it.")
@click.option("--matrix", "rules", is_flag=True, help="Run each rule of the platform changed by each operator.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes to use; as many as there are cores by default.")
@click.option("--json", "as_json", is_flag=True, help="Print the matrix as JSON.")
def command(names: tuple[str, ...], execute: bool, rules: bool, workers: int | None, as_json: bool) -> None:
    """List the broken platforms (all, or NAMES); with --run find out in virtual time whether the requirements that name
    them catch them, and that no requirement accuses the honest platform; with --matrix what becomes of faults that are
    derived, rule by operator (all, or those whose rule or name begins with one of NAMES)."""
    if rules:
        _print_matrix(names, workers)
        return
    from conformance.judge.requirements import catalogue
    from conformance.settings.providers import check_fault, provider_factory
    from conformance.simulate import fault_matrix

    known = provider_factory("embedded").faults()
    for name in names:
        check_fault("embedded", name)
    chosen = [name for name in known if not names or name in names]
    naming = fault_matrix.named(catalogue())
    if not execute:
        for name in chosen:
            by = ", ".join(entry.id for entry in naming.get(name, ())) or "no requirement"
            click.echo(f"{name:<36} {known[name]}  [{by}]")
        return
    began = time.monotonic()
    found = fault_matrix.trials(chosen)
    outcomes = []
    for outcome in fault_matrix.run(found, workers):
        outcomes.append(outcome)
        if sys.stderr.isatty():
            click.echo(f"\r{len(outcomes)} of {len(found)}", err=True, nl=False)
    if sys.stderr.isatty():
        click.echo("\r", err=True, nl=False)
    lines = fault_matrix.matrix(chosen, outcomes)
    accused = fault_matrix.accused(outcomes)
    if as_json:
        _print_json(lines, accused)
    else:
        for line in lines:
            click.echo(_row(line))
            if not line.ok:
                ids = ",".join(text.split()[0] for text in line.missed)
                click.echo(f"  why: conformance run --clock virtual --fault {line.fault} --only {ids}")
        for text in accused:
            click.echo(f"honest platform accused: {text}")
    caught = sum(line.ok for line in lines)
    seconds = time.monotonic() - began
    click.echo(f"{caught} of {len(lines)} faults caught, {len(accused)} honest accused, {seconds:.0f} s", err=as_json)
    sys.exit(0 if caught == len(lines) and not accused else 1)


def _print_matrix(names: tuple[str, ...], workers: int | None) -> None:
    from conformance.base.errors import UsageError
    from conformance.settings.providers import Mutable, provider_factory
    from conformance.simulate import rule_matrix

    factory = provider_factory("embedded")
    known = factory.mutations() if isinstance(factory, Mutable) else {}
    chosen = [each for each in known.values() if not names or each.name.startswith(names) or each.rule in names]
    if not chosen:
        raise UsageError(f"no rule is called {' or '.join(names)}; known: {', '.join(sorted(known))}")
    began = time.monotonic()
    cells = tuple(rule_matrix.run(chosen, workers))
    for line in rule_matrix.table(cells):
        click.echo(line)
    caught, survived = sum(bool(cell.caught) for cell in cells), sum(cell.survived for cell in cells)
    unseen = len(cells) - caught - survived
    seconds = time.monotonic() - began
    click.echo(f"{len(cells)} mutants: {caught} caught, {unseen} not visible, {survived} survived, {seconds:.0f} s")
    sys.exit(1 if survived else 0)


def _row(line: object) -> str:
    from conformance.simulate.fault_matrix import MatrixRow

    assert isinstance(line, MatrixRow)
    text = f"{line.fault:<36} {'caught' if line.ok else 'MISSED':<7} {' '.join(line.caught)}"
    if line.missed:
        text += f"  missed: {', '.join(line.missed)}"
    if line.others:
        text += f"  also: {' '.join(line.others)}"
    return text + (f"  ({line.nearest})" if line.nearest else "")


def _print_json(lines: tuple[object, ...], accused: tuple[str, ...]) -> None:
    import json
    from dataclasses import asdict

    value = {"faults": [asdict(line) for line in lines], "accused": list(accused)}  # type: ignore[call-overload]
    click.echo(json.dumps(value, indent=1, sort_keys=True))
