"""What each load of a run came to, for people and other tools: the summary as text and JSON, histograms for merging.

    load/SCENARIO/load-N.txt              the summary, as `conformance load` prints it
    load/SCENARIO/load-N.json             the same in figures, with the findings about the generator
    load/SCENARIO/load-N.histograms.json  HDR histograms per phase, pod and kind of answer

Computed from the recording alone, so they can be made again from it. Verdicts do not rest on them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conformance.load.generator_findings import examine
from conformance.load.histograms import build
from conformance.load.load_summary import read_chunks, summarise
from conformance.load.summary_text import render
from conformance.recording.json_values import child
from conformance.recording.reader import LoadFile
from conformance.recording.rows import RowError

FOLDER: Final = "load"
_LAST_ERROR: Final = max(RowError)
_LONGEST_SECONDS: Final = 1e9


def write_overviews(run_folder: Path, loads: Mapping[str, Iterable[LoadFile]]) -> dict[str, list[tuple[str, str]]]:
    """Write the files of all loads of a run, which are given by scenario; those of a scenario with a plan that is none
    are left out. Returns (`load-N`, summary as text) of each load by scenario."""
    summaries: dict[str, list[tuple[str, str]]] = {}
    for scenario, files in sorted(loads.items()):
        try:
            found = [(f"load-{load.index}", dict(overview(load))) for load in files]
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        folder = run_folder / FOLDER / scenario
        for name, texts in found:
            folder.mkdir(parents=True, exist_ok=True)
            for suffix, text in texts.items():
                (folder / f"{name}{suffix}").write_text(text, encoding="utf-8")
        summaries[scenario] = [(name, texts[".txt"]) for name, texts in found]
    return summaries


def overview(load: LoadFile) -> Iterator[tuple[str, str]]:
    """(suffix, text) of each file about one load."""
    totals = next((child(line, "summary") for line in reversed(load.health) if "summary" in line), {})
    summary = summarise(sound(load.path), load.names, load.stated_plan, totals)
    findings = examine(
        load.health,
        latency_seconds=summary.service.percentiles[50],
        open_loop=any(phase.shape != "closed" for phase in load.plan.phases),
    )
    yield ".txt", render(summary, [finding for finding in findings if not finding.ok]).lstrip("\n")
    body = {**summary.body(), "generator": [asdict(finding) for finding in findings]}
    yield ".json", json.dumps(body, indent=1, ensure_ascii=False) + "\n"
    entries = [asdict(entry) for entry in build(sound(load.path), load.names)]
    yield ".histograms.json", json.dumps(entries, indent=1) + "\n"


def sound(path: Path) -> Iterator[NDArray[Any]]:
    """Rows in chunks, without those that no engine writes: a recording may come from strangers."""
    for rows in read_chunks(path):
        answered = rows["error"] == RowError.NONE
        usable = rows["error"] <= _LAST_ERROR
        for name in ("scheduled", "end", "connect_seconds"):
            usable &= np.abs(rows[name]) < _LONGEST_SECONDS
        for name in ("sent", "first_byte"):
            usable &= (np.abs(rows[name]) < _LONGEST_SECONDS) | (np.isnan(rows[name]) & ~answered)
        yield rows[usable]
