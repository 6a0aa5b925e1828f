"""The rule about what was installed: the environment is the one that was recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.recording.run_bodies import ConfigBody
from reports.environment import UNKNOWN, configuration, fingerprint
from reports.submission import Submission, same


def environment(submission: Submission) -> Iterator[str]:
    """V14."""
    stated = submission.block("environment")
    run = submission.run
    if run.fault or submission.block("run").get("fault"):
        yield f"the platform was broken on purpose ({run.fault}); such a run shows the suite, not a platform"
    own = {name: run.environment.get(name) or unknown for name, unknown in UNKNOWN.items()}
    for name, value in own.items():
        if not same(stated.get(name), value):
            yield f"environment.{name} differs from run.json"
    if stated.get("fingerprint") != fingerprint(own, configuration(submission.judged)):
        yield "environment.fingerprint does not follow from the environment and the recorded configuration"
    for name, history in submission.judged.histories.items():
        for fact in history.of(ConfigBody):
            if fact.body.source == "installation":
                yield from _installed(name, fact.body.data, own)
    for block in submission.block("profiles"):
        if block.get("name") == "gpu-real" and own["accelerator"].get("kind") != "real":
            yield f"profile gpu-real needs real accelerators; these are {own['accelerator'].get('kind')}"


def _installed(name: str, data: Mapping[str, Any], stated: Mapping[str, Any]) -> Iterator[str]:
    """What a recording read from the cluster against what the report says of it."""
    serving, accelerator = stated["serving"], stated["accelerator"]
    for what, recorded, given in (
        ("Kubernetes", data.get("kubernetes"), stated["kubernetes"].get("version")),
        ("distribution", data.get("distribution"), stated["kubernetes"].get("distribution")),
        ("KServe", data.get("kserve"), serving.get("kserve")),
        ("Knative", data.get("knative"), serving.get("knative")),
        ("autoscaler", data.get("autoscaler"), serving.get("autoscaler")),
        ("accelerator kind", data.get("accelerator_kind"), accelerator.get("kind")),
    ):
        if (recorded or None) != (given or None):
            yield f"recording/{name} saw {what} {recorded}, the report says {given}"
    nodes = data.get("nodes") or ()
    shapes = Counter((node.get("cpu"), int(node.get("accelerators") or 0)) for node in nodes)
    given_shapes: Counter[tuple[Any, int]] = Counter()
    for node in stated["nodes"]:
        given_shapes[(node.get("cpu"), int(node.get("accelerators") or 0))] += int(node.get("count") or 0)
    if nodes and shapes != given_shapes:
        yield f"recording/{name} saw other nodes than the report states"
    if nodes and accelerator.get("kind") != "none":
        total = sum(int(node.get("accelerators") or 0) for node in nodes)
        if total != accelerator.get("count"):
            yield f"recording/{name} saw {total} accelerators, the report says {accelerator.get('count')}"
