"""Which rule a table is about: told by its columns, or by the words of its sequences, never by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from clusters.embedded.golden.tables import (
    measuring_table,
    pipeline_table,
    resolution_table,
    scaling_table,
    traffic_table,
)
from clusters.embedded.golden.tables.table_rows import Answer, replay_rows
from clusters.embedded.golden.tally import ReplayTally
from conformance.base.errors import UsageError, nearest

Replay = Callable[[ReplayTally, Mapping[str, Any]], None]

_ANSWERS: Final[dict[frozenset[str], Answer]] = {
    frozenset(columns.split()): answer
    for columns, answer in (
        (
            "metric container_concurrency target utilization configmap target_value total_value",
            resolution_table.answer_target,
        ),
        ("configmap annotations reachability resolved", resolution_table.answer_decider),
        ("configmap annotations reachability min max", resolution_table.answer_bounds),
        ("configmap annotations accepted message", resolution_table.answer_annotations),
        ("configmap accepted message parsed", resolution_table.answer_config),
        ("annotations spec", resolution_table.answer_hpa),
        ("min max initial initialized reachability desired want replicas_after", scaling_table.answer_clamp),
        (
            "enabled active status_age_s proxy_for_s tbc retention probe_ok want apply requeue_after_s",
            scaling_table.answer_scale_to_zero,
        ),
        (
            "min initial initialized active want ready new_active new_initialized reason",
            scaling_table.answer_active_condition,
        ),
        ("tbc activator_capacity total ready num_activators", scaling_table.answer_activators),
        ("pods sample", measuring_table.answer_sample_size),
        ("pods failing sample reported error", measuring_table.answer_failing),
        ("old young sample true_total mean_reported min max", measuring_table.answer_young),
        ("container_concurrency backends assigned_trackers activators capacity", traffic_table.answer_capacity),
        ("pods activator_index activators assigned", traffic_table.answer_subset),
        ("container_concurrency sent running waiting rejected_503 other", traffic_table.answer_breaker),
        ("container_concurrency sent waiting refused", traffic_table.answer_queue),
    )
}

_TABLES: Final[dict[frozenset[str], Replay]] = {
    frozenset(columns.split()): replay
    for columns, replay in (
        ("delay_s unix extra value current", scaling_table.replay_delay),
        ("pods sample distribution true_total mean sd theory_sd min max", measuring_table.replay_noise),
        ("container_concurrency pods ops", traffic_table.replay_policy),
    )
}

_SEQUENCES: Final[tuple[tuple[str, str, Replay], ...]] = (
    ("sequences", "ops", measuring_table.replay_window),
    ("sequences", "reports", traffic_table.replay_stats),
    ("sequences", "messages", traffic_table.replay_activator),
    ("scenarios", "informs", pipeline_table.replay_pipeline),
)
"""(list of the table, word in its items, replay of one item)."""


def replay(file: str, table: Mapping[str, Any]) -> ReplayTally:
    """Replay one table; raises UsageError when no rule has its columns."""
    tally = ReplayTally(file)
    if "cols" in table:
        columns = frozenset(table["cols"])
        if columns in _ANSWERS:
            replay_rows(tally, table, _ANSWERS[columns])
        elif columns in _TABLES:
            _TABLES[columns](tally, table)
        else:
            known = [" ".join(sorted(names)) for names in (*_ANSWERS, *_TABLES)]
            names = " ".join(sorted(columns))
            raise UsageError(f"{file}: no rule has the columns {names!r}; {nearest(names, known)}")
        return tally
    for key, word, run in _SEQUENCES:
        items = table.get(key) or ()
        if items and all(word in item for item in items):
            for item in items:
                run(tally, item)
            return tally
    raise UsageError(f"{file}: no rule for its sequences; known: {', '.join(word for _, word, _ in _SEQUENCES)}")
