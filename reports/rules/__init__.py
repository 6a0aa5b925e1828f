"""The offline rules of a submission: each has a name, what it looks for, and words for the submitter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reports.rules import claims, disclosure, installation, integrity, provenance, recordings, recount, witness_accounts
from reports.submission import Submission

Look = Callable[[Submission], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `look` yields a sentence for every breach: what is wrong, and what the submitter can do."""

    id: str
    name: str
    sentence: str
    look: Look


RULES: tuple[Rule, ...] = (
    Rule("V01", "schema", "report.yaml is valid under the schema of its version", integrity.schema),
    Rule("V02", "manifest", "every listed file is there, unchanged, and nothing else is", integrity.files),
    Rule("V03", "suite known", "a released suite wrote it, unmodified", provenance.suite),
    Rule("V04", "catalogue known", "requirements and examples are those of that release", provenance.catalogue),
    Rule("V05", "complete", "every requirement of each claimed profile is there exactly once", recount.complete),
    Rule("V06", "something ran", "each profile decided something, from recordings that hold something", recordings.ran),
    Rule("V07", "recount", "statistics, results and summaries follow from the requirements", recount.totals),
    Rule("V08", "claims", "what is claimed was tested, and what was tested is claimed", claims.features),
    Rule(
        "V09", "deviations", "settings that differ from their defaults are stated, with limits kept", claims.deviations
    ),
    Rule("V10", "validity", "the harness's own checks follow from the recordings", recordings.validity),
    Rule("V11", "rejudge", "judging the recordings again gives the same judgements", recordings.rejudge),
    Rule("V12", "time", "clocks go forward, facts lie within the run, the report is recent", provenance.time),
    Rule("V13", "one run", "everything comes from one run, each requirement from one attempt", provenance.one_run),
    Rule(
        "V14",
        "environment",
        "the environment is the one that was recorded, and it was not broken on purpose",
        installation.environment,
    ),
    Rule(
        "V15", "witness", "the suite's own model server gave the answers, and says so itself", witness_accounts.witness
    ),
    Rule("V16", "secrets", "no token, private address or account number", disclosure.secrets),
    Rule("V17", "reproduce", "README.md tells how to reproduce the run, with a command", disclosure.reproduce),
    Rule(
        "V18", "signature", "a signature, where there is one, is valid and speaks of this evidence", integrity.signature
    ),
)
"""In this order; none can be switched off."""
