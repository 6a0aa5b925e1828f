"""Whether an answer is the one to its request: what the model says it answered against what was sent and received.

A model that speaks of itself (the witness) stamps its answers: the number of the request, a checksum of the body that
it was given and one of the body that it gave. So an answer that was emptied, kept for another request or given to
another caller is told from the right one by one comparison of a few bytes, whatever the model computes.
"""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Final

from conformance.load.answer_parser import ParsedAnswer
from conformance.recording.rows import RowFlag

# Plain integers: combining enum members takes longer than all else about a row.
_FITTED: Final = int(RowFlag.FITTED)
_MISFIT: Final = int(RowFlag.MISFIT)


class ContentCheck:
    """The answers of one load, whose requests all have the same body."""

    def __init__(self, body: bytes, causes: Counter[str]) -> None:
        """`causes` counts what was wrong, by words."""
        self._input = b"%08x" % zlib.crc32(body)
        self._causes = causes

    def flag(self, answer: ParsedAnswer, number: int) -> int:
        """FITTED, MISFIT, or 0 for an answer that does not say whose it is."""
        if not answer.stamp:
            return 0
        if answer.stamp == b"%d %b %b" % (number, self._input, answer.digest):
            return _FITTED
        return self._misfit(answer, number)

    def _misfit(self, answer: ParsedAnswer, number: int) -> int:
        words = answer.stamp.split()
        if len(words) < 3 or (words[2] != answer.digest):
            what = "the answer was empty" if not answer.body_bytes else "the answer was changed"
        elif words[1] != self._input:
            what = "the model was given another body"
        elif len(words) > 3:
            what = "the transformer got the wrong answer"
        elif not words[0].isdigit():
            return 0  # a gateway that gives requests names of its own, so that nobody knows whose answer it is
        else:
            what = "another request's answer"
        self._causes[f"content: {what}"] += 1
        return _MISFIT
