"""Prints a summary with hey's sections and formats, then what hey does not know: errors in the figures, rates apart,
latency from the due time, phases, pods, and the generator's own state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.load.generator_findings import GeneratorFinding
from conformance.load.load_summary import Detail, Latency, LoadSummary

_BAR = 40


def render(summary: LoadSummary, findings: Sequence[GeneratorFinding] = ()) -> str:
    """The whole text, ending in a newline."""
    parts = [
        _summary(summary),
        _histogram(summary),
        _distribution(summary),
        _details(summary),
        _statuses(summary),
        _errors(summary),
        _rates(summary),
        _due(summary),
        _phases(summary),
        _pods(summary),
        _generator(findings),
    ]
    return "\n" + "\n\n".join("\n".join(part) for part in (list(lines) for lines in parts) if part) + "\n"


def _summary(summary: LoadSummary) -> Iterator[str]:
    latency = summary.service
    yield "Summary:"
    yield f"  Total:\t{summary.total_seconds:.4f} secs"
    yield f"  Slowest:\t{latency.slowest:.4f} secs"
    yield f"  Fastest:\t{latency.fastest:.4f} secs"
    yield f"  Average:\t{latency.average:.4f} secs"
    yield f"  Requests/sec:\t{summary.requests_rate:.4f}"
    if summary.body_bytes:
        yield "  "
        yield f"  Total data:\t{summary.body_bytes} bytes"
        yield f"  Size/request:\t{summary.body_bytes // max(1, summary.answered)} bytes"


def _histogram(summary: LoadSummary) -> Iterator[str]:
    most = max((count for _, count in summary.histogram), default=0)
    if most:
        yield "Response time histogram:"
        for bound, count in summary.histogram:
            yield f"  {bound:4.3f} [{count}]\t|{'■' * ((count * _BAR + most // 2) // most)}"


def _distribution(summary: LoadSummary) -> Iterator[str]:
    if summary.service.samples:
        yield "Latency distribution:"
        yield from _percentiles(summary.service)


def _percentiles(latency: Latency) -> Iterator[str]:
    for percent, seconds in latency.percentiles.items():
        bound = latency.censored_from is not None and percent >= latency.censored_from
        yield f"  {percent}% in {seconds:.4f} secs" + (" or more" if bound else "")
    if latency.censored:
        yield f"  {latency.censored} of {latency.samples} timed out; they count with the time that was waited"


def _details(summary: LoadSummary) -> Iterator[str]:
    yield "Details (average, fastest, slowest):"
    for name, detail in (("connect", summary.connect), ("resp wait", summary.wait), ("resp read", summary.read)):
        yield f"  {name}:\t{_detail(detail)}"


def _detail(detail: Detail) -> str:
    return f"{detail.average:.4f} secs, {detail.fastest:.4f} secs, {detail.slowest:.4f} secs"


def _statuses(summary: LoadSummary) -> Iterator[str]:
    if summary.statuses:
        yield "Status code distribution:"
        for status, count in summary.statuses.items():
            yield f"  [{status}]\t{count} responses"


def _errors(summary: LoadSummary) -> Iterator[str]:
    found = summary.causes or summary.error_classes
    if found:
        yield "Error distribution:"
        for text, count in sorted(found.items(), key=lambda item: -item[1]):
            yield f"  [{count}]\t{text}"


def _rates(summary: LoadSummary) -> Iterator[str]:
    yield "Rates:"
    yield f"  offered:\t{summary.offered_rate:.2f}/s ({summary.arrivals} arrivals)"
    yield f"  sent:\t\t{summary.sent_rate:.2f}/s ({summary.sent})"
    failed = f", {summary.errors} failed" if summary.errors else ""
    dropped = f", {summary.dropped} never sent" if summary.dropped else ""
    yield f"  answered:\t{summary.answered_rate:.2f}/s ({summary.answered}{failed}{dropped})"


def _due(summary: LoadSummary) -> Iterator[str]:
    """Only where it says something new: a closed loop's request is due when its worker is free."""
    if summary.from_due.samples and any(line.shape != "closed" for line in summary.phases):
        yield "Latency from the due time (what a user saw):"
        yield f"  Average:\t{summary.from_due.average:.4f} secs"
        yield from _percentiles(summary.from_due)


def _phases(summary: LoadSummary) -> Iterator[str]:
    if len(summary.phases) > 1:
        yield "Phases:"
        for line in summary.phases:
            yield (
                f"  {line.phase} {line.shape}:\t{line.arrivals} arrivals, {line.answers} answers, "
                f"{line.errors} errors, {line.dropped} never sent, "
                f"50% in {line.p50:.4f} secs, 99% in {line.p99:.4f} secs"
            )


def _pods(summary: LoadSummary) -> Iterator[str]:
    if summary.pods:
        width = max(len(line.name) for line in summary.pods)
        yield "Pods:"
        for line in summary.pods:
            yield (
                f"  {line.name:<{width}}\t[{line.answers}]\t{line.average:.4f} secs, 50% in {line.p50:.4f} secs, "
                f"99% in {line.p99:.4f} secs, at most {max(line.most_in_flight, line.high_water)} in flight"
            )


def _generator(findings: Sequence[GeneratorFinding]) -> Iterator[str]:
    if findings:
        yield "Generator:"
        for finding in findings:
            remedy = "" if finding.ok else f": {finding.remedy}"
            yield f"  {finding.code}: {finding.value} (limit {finding.limit}){remedy}"
