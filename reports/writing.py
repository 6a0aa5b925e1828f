"""Writes all views of a run into its folder, the manifest after them and report.yaml last."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import jsonschema_rs

from conformance.base.errors import HarnessError
from conformance.catalogue.requirement import Requirement
from reports import allure, index, manifest
from reports.canonical import dump_yaml, file_digest, replace_file
from reports.document import document, schema
from reports.junit import junit
from reports.load_overviews import write_overviews
from reports.markdown import summary
from reports.material import Material, gather, plain
from reports.page import page
from reports.plots import plots
from reports.readme import readme


def write(folder: Path, requirements: Sequence[Requirement] | None = None) -> None:
    """Write load/ (what each load came to), catalogue.yaml, plots, report.html, junit.xml, summary.md, allure-results,
    manifest.json and report.yaml, and a first README.md where there is none.

    `folder` holds run.json, judgements.json, settings.yaml and recording/. What a former call wrote is replaced: the
    result depends on nothing but the folder. report.yaml appears last and whole, so a folder that has one is complete.
    `requirements` describes what was judged, this suite's catalogue by default.
    Raises HarnessError when the folder cannot be read or the report would break its own schema."""
    try:
        material = gather(folder, requirements)
    except (OSError, ValueError) as error:
        raise HarnessError(f"no report: {error}") from error
    (folder / manifest.REPORT).unlink(missing_ok=True)
    write_overviews(folder)
    replace_file(folder / "catalogue.yaml", dump_yaml([plain(entry) for entry in material.requirements]))
    if not (folder / "settings.yaml").is_file():
        replace_file(folder / "settings.yaml", dump_yaml(dict(material.run.settings)))
    (folder / "plots").mkdir(exist_ok=True)
    for name, data in plots(material):
        replace_file(folder / "plots" / name, data)
    replace_file(folder / "junit.xml", junit(material))
    replace_file(folder / "summary.md", summary(material))
    replace_file(folder / "report.html", page(material))
    allure.write(material)
    if not (folder / manifest.README).is_file():
        replace_file(folder / manifest.README, readme(material))
    entries = manifest.take(folder)
    manifest.write(folder, entries)
    report = document(material, entries, file_digest(folder / manifest.NAME), _flakes(material))
    problems = [error.message for error in jsonschema_rs.validator_for(schema()).iter_errors(report)]
    if problems:
        raise HarnessError(f"report.yaml would break its schema: {problems[0]}")
    replace_file(folder / manifest.REPORT, dump_yaml(report))
    # The index can be made anew from the folders; whether it can be written must not decide a run.
    with suppress(sqlite3.Error, OSError):
        index.record(folder)


def _flakes(material: Material) -> dict[str, index.Flake]:
    """What earlier runs beside this one say; nothing in a simulated run, whose report depends on its seed alone."""
    root = material.folder.parent
    if material.run.clock == "virtual" or not (root / index.NAME).is_file():
        return {}
    with suppress(sqlite3.Error, OSError):
        return {entry.requirement: entry for entry in index.ledger(root, index.made_by(material.run))}
    return {}
