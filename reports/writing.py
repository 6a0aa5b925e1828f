"""Writes all views of a run into its folder, the manifest after them and report.yaml last."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import jsonschema_rs

from conformance.base.errors import HarnessError
from conformance.judge.judged_run import JudgedRun
from reports import allure, catalogue_file, index, manifest
from reports.canonical import dump_yaml, file_digest, replace_file
from reports.document import document, schema
from reports.junit import junit
from reports.load_overviews import write_overviews
from reports.markdown import summary
from reports.page import page
from reports.plots import plots
from reports.readme import readme
from reports.stored_run import check_names
from reports.trace import traces


def write(judged: JudgedRun) -> None:
    """Write load/ (what each load came to), catalogue.yaml, plots, report.html, junit.xml, summary.md, allure-results,
    manifest.json and report.yaml, and a first README.md where there is none.

    The run's folder holds run.json, judgements.json, settings.yaml and recording/. What a former call wrote is
    replaced: the result depends on nothing but the folder. report.yaml appears last and whole, so a folder that has
    one is complete. Raises HarnessError when a scenario's name is no name of a file or the report would break its own
    schema."""
    folder = judged.folder
    try:
        check_names(judged.run)
    except ValueError as error:
        raise HarnessError(f"no report: {error}") from error
    (folder / manifest.REPORT).unlink(missing_ok=True)
    files = {name: [load.file for load in story.loads if load.file] for name, story in judged.histories.items()}
    summaries = write_overviews(folder, files)
    replace_file(
        folder / catalogue_file.NAME, dump_yaml([catalogue_file.plain(entry) for entry in judged.requirements])
    )
    if not (folder / "settings.yaml").is_file():
        replace_file(folder / "settings.yaml", dump_yaml(dict(judged.run.settings)))
    found = traces(judged)
    (folder / "plots").mkdir(exist_ok=True)
    for name, data in plots(found):
        replace_file(folder / "plots" / name, data)
    replace_file(folder / "junit.xml", junit(judged))
    replace_file(folder / "summary.md", summary(judged))
    replace_file(folder / "report.html", page(judged, found, summaries))
    allure.write(judged)
    if not (folder / manifest.README).is_file():
        replace_file(folder / manifest.README, readme(judged))
    entries = manifest.list_files(folder)
    manifest.write(folder, entries)
    report = document(judged, entries, file_digest(folder / manifest.NAME), _flakes(judged))
    problems = [error.message for error in jsonschema_rs.validator_for(schema()).iter_errors(report)]
    if problems:
        raise HarnessError(f"report.yaml would break its schema: {problems[0]}")
    replace_file(folder / manifest.REPORT, dump_yaml(report))
    if not judged.run.submittable:
        return
    # The index can be made anew from the folders; whether it can be written must not decide a run.
    with suppress(sqlite3.Error, OSError):
        index.record(folder, judged.run, judged.judgements)


def _flakes(judged: JudgedRun) -> dict[str, index.Flake]:
    """What earlier runs beside this one say; nothing in a simulated run, whose report depends on its seed alone."""
    root = judged.folder.parent
    if judged.run.clock == "virtual" or not (root / index.NAME).is_file():
        return {}
    with suppress(sqlite3.Error, OSError):
        return {entry.requirement: entry for entry in index.ledger(root, index.implementation_of(judged.run))}
    return {}
