"""The witness's own word against the client's: what was answered and what was served are the same requests."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conformance.judge.history import History
from conformance.recording.rows import RowError
from conformance.recording.run_bodies import WitnessBody
from reports.submission import Submission, UnevaluableError

JOINED: Final = 0.999
"""Share of answers that have to be found on the other side as well."""
UNHEARD: Final = 0.1
"""Share of answers from pods that may have gone without a word, as one does whose node is lost."""
SLACK_SECONDS: Final = 2.0
"""An account is stamped by its node's clock, in whole seconds; answers this close to it may be in it or not."""
MAX_BYTES: Final = 64 << 20
_POD: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")


def witness(submission: Submission) -> Iterator[str]:
    """V15. Each answer 200 names a pod that was seen in the cluster and bears the witness's figures, and that pod's own
    account holds it: by its number where all numbers got there, else by count."""
    for name, history in submission.judged.histories.items():
        good = _answers(history)
        if not len(good.pods):
            continue
        known = np.isin(good.pods, list(history.pods)) & (good.high_water > 0)
        if known.mean() < JOINED:
            yield f"recording/{name}: {(~known).sum()} of {len(known)} answers did not come from a pod of the witness"
        yield from _accounts(submission, name, history, good)


class _Answers:
    """Answers 200 of all loads of a scenario, an entry each."""

    def __init__(self, pods: NDArray[Any], rows: NDArray[Any], walls: NDArray[np.float64]) -> None:
        self.pods = pods
        self.high_water = rows["high_water"]
        self.numbers = rows["request"]
        self.walls = walls


def _answers(history: History) -> _Answers:
    pods, rows = [np.empty(0, dtype=object)], []
    for load in history.loads:
        mine = (load.rows["status"] == 200) & (load.rows["error"] == RowError.NONE)
        pods.append(np.asarray(load.pods[mine], dtype=object))
        rows.append(load.rows[mine])
    together = (
        np.concatenate(rows) if rows else np.empty(0, dtype=[("high_water", "<u4"), ("request", "<u4"), ("end", "<f8")])
    )
    return _Answers(np.concatenate(pods), together, together["end"] + history.wall(0.0))


def _accounts(submission: Submission, name: str, history: History, good: _Answers) -> Iterator[str]:
    told = {fact.body.pod: fact for fact in history.of(WitnessBody)}
    unheard = int((~np.isin(good.pods, list(told))).sum())
    if unheard > UNHEARD * len(good.pods):
        yield (
            f"recording/{name}: {unheard} of {len(good.pods)} answers came from pods that left no account of what they "
            "served; let the suite's account get pods/log, and run again"
        )
    due = missing = 0
    for pod, fact in told.items():
        served = fact.body.served
        until = (fact.body.wall or fact.wall) - SLACK_SECONDS
        mine = Counter(good.numbers[(good.pods == pod) & (good.walls <= until)].tolist())
        due += mine.total()
        heard = _heard(submission, name, pod, served)
        missing += max(0, mine.total() - served) if heard is None else (mine - heard).total()
    if missing > (1 - JOINED) * due:
        yield f"recording/{name}: {missing} of {due} answers are unknown to the pods that are said to have given them"


def _heard(submission: Submission, scenario: str, pod: str, served: int) -> Counter[int] | None:
    """Numbers of the requests that a pod says it served; None unless it names each of them, which it cannot after more
    than it remembers in a second, nor behind a gateway that numbers requests itself."""
    if not _POD.fullmatch(pod):
        raise UnevaluableError(f"{pod[:80]!r} is no name of a pod")
    path = submission.folder / "witness" / scenario / f"{pod}.jsonl"
    if not path.is_file():
        return None
    if path.stat().st_size > MAX_BYTES:
        raise UnevaluableError(f"witness/{scenario}/{pod}.jsonl has more than {MAX_BYTES} bytes")
    accounts = [json.loads(line) for line in path.read_bytes().splitlines()]
    if not accounts or accounts[-1]["served"] != served:
        raise UnevaluableError(f"witness/{scenario}/{pod}.jsonl does not end with the account that was recorded")
    names = [str(number) for entry in accounts for number in entry["requests"]]
    if len(names) < served or not all(number.isascii() and number.isdigit() for number in names):
        return None
    return Counter(map(int, names))
