"""What the webhook says to a revision's autoscaling annotations (Knative 1.23), message for message.

Only the revision template's annotations are checked here; the cluster's settings matter for the class, the limit of
max-scale and whether an initial scale of 0 is allowed. NaN and infinity pass the number checks, as they do in Knative.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from conformance.model import keys
from conformance.model.config import WINDOW_MAXIMUM_NANOSECONDS, WINDOW_MINIMUM_NANOSECONDS, AutoscalerConfig
from conformance.model.durations import SECOND_NANOSECONDS, format_duration
from conformance.model.literals import RangeError, format_float, parse_integer

_LARGEST_COUNT: Final = (1 << 31) - 1
_WHOLE_SECONDS: Final = "must be specified with at most second precision"


class Complaint(NamedTuple):
    """One message and the annotations it is about."""

    message: str
    paths: tuple[str, ...]


def _invalid(value: str, path: str) -> Complaint:
    return Complaint(f"invalid value: {value}", (path,))


def _outside(value: str, low: str, high: str, path: str) -> Complaint:
    return Complaint(f"expected {low} <= {value} <= {high}", (path,))


def complaints(annotations: Mapping[str, str], config: AutoscalerConfig) -> tuple[Complaint, ...]:
    """Every complaint, those with the same message joined, in the order of their messages."""
    paths: dict[str, set[str]] = {}
    for check in _CHECKS:
        for complaint in check(annotations, config):
            paths.setdefault(complaint.message, set()).update(complaint.paths)
    return tuple(Complaint(message, tuple(sorted(found))) for message, found in sorted(paths.items()))


def validate(annotations: Mapping[str, str], config: AutoscalerConfig, *, prefix: str = "") -> list[str]:
    """The lines of the webhook's message, none when the annotations are accepted.

    `prefix` goes before every path, e.g. `spec.template.metadata.annotations.`.
    """
    return [
        f"{complaint.message}: {', '.join(prefix + path for path in complaint.paths)}"
        for complaint in complaints(annotations, config)
    ]


def _check_class(annotations: Mapping[str, str], _: AutoscalerConfig) -> Iterator[Complaint]:
    found = keys.CLASS.find(annotations)
    if found is None:
        return
    path, value = found
    if value.endswith(".knative.dev") and value not in {keys.KPA_CLASS, keys.HPA_CLASS}:
        yield _invalid(value, path)


def _check_scales(annotations: Mapping[str, str], config: AutoscalerConfig) -> Iterator[Complaint]:
    least, complaint = _read_count(annotations, keys.MIN_SCALE)
    yield from complaint
    most, complaint = _read_count(annotations, keys.MAX_SCALE)
    yield from complaint
    if most != 0 and most < least:
        both = (keys.MAX_SCALE.name, keys.MIN_SCALE.name)
        yield Complaint(f"max-scale={most} is less than min-scale={least}", both)
    limit = config.max_scale_limit
    found = keys.MAX_SCALE.find(annotations)
    if found is not None and limit != 0:
        if most > limit:
            yield _outside(str(most), "1", str(limit), found[0])
        if most == 0:
            yield Complaint(f"max-scale=0 (unlimited), must be less than {limit}", (found[0],))
    yield from _check_activation_scale(annotations, least, most)


def _read_count(annotations: Mapping[str, str], key: keys.Key) -> tuple[int, tuple[Complaint, ...]]:
    """A count from 0 to the largest 32-bit integer, 0 beside the complaint otherwise."""
    found = key.find(annotations)
    if found is None:
        return 0, ()
    path, value = found
    beyond = (_outside(value, "0", str(_LARGEST_COUNT), path),)
    try:
        count = parse_integer(value, 32)
    except RangeError:
        return 0, beyond
    except ValueError:
        return 0, (_invalid(value, path),)
    return (0, beyond) if count < 0 else (count, ())


def _check_activation_scale(annotations: Mapping[str, str], least: int, most: int) -> Iterator[Complaint]:
    found = keys.ACTIVATION_SCALE.find(annotations)
    if found is None:
        return
    path, value = found
    try:
        scale = parse_integer(value, 32)
    except ValueError:
        yield _invalid(value, path)
        return
    if least > scale:
        yield Complaint(f"min-scale={least} is greater than activation-scale={scale}", (path,))
    elif most < scale and most != 0:
        yield Complaint(f"max-scale={most} is less than activation-scale={scale}", (path,))
    elif scale < 2:
        yield Complaint(f"activation-scale={scale} must be greater than 1", (path,))


_PERCENTAGES: Final = (
    (keys.PANIC_WINDOW, 1.0, 100.0),
    (keys.PANIC_THRESHOLD, 110.0, 1000.0),
    (keys.UTILIZATION, 1.0, 100.0),
)


def _check_numbers(annotations: Mapping[str, str], _: AutoscalerConfig) -> Iterator[Complaint]:
    for key, low, high in _PERCENTAGES:
        found = key.find(annotations)
        if found is None:
            continue
        path, value = found
        number = key.read_float(annotations)
        if number is None:
            yield _invalid(value, path)
        elif number < low or number > high:
            yield _outside(value, format_float(low), format_float(high), path)
    found = keys.TARGET.find(annotations)
    if found is not None:
        path, value = found
        number = keys.TARGET.read_float(annotations)
        if number is None:
            yield _invalid(value, path)
        elif number < keys.TARGET_MINIMUM:
            yield Complaint(f"target {value} should be at least {format_float(keys.TARGET_MINIMUM)}", (path,))
    found = keys.BURST_CAPACITY.find(annotations)
    if found is not None:
        number = keys.BURST_CAPACITY.read_float(annotations)
        if number is None or (number < 0 and number != -1):
            yield _invalid(found[1], found[0])


def _check_durations(annotations: Mapping[str, str], _: AutoscalerConfig) -> Iterator[Complaint]:
    for key, low, whole_seconds in (
        (keys.WINDOW, WINDOW_MINIMUM_NANOSECONDS, True),
        (keys.SCALE_DOWN_DELAY, 0, True),
        (keys.POD_RETENTION, 0, False),
    ):
        found = key.find(annotations)
        if found is None:
            continue
        path, value = found
        nanoseconds = key.read_nanoseconds(annotations)
        if nanoseconds is None:
            yield _invalid(value, path)
        elif not low <= nanoseconds <= WINDOW_MAXIMUM_NANOSECONDS:
            yield _outside(value, format_duration(low), format_duration(WINDOW_MAXIMUM_NANOSECONDS), path)
        elif whole_seconds and nanoseconds % SECOND_NANOSECONDS:
            yield Complaint(_WHOLE_SECONDS, (path,))


def _check_metric(annotations: Mapping[str, str], config: AutoscalerConfig) -> Iterator[Complaint]:
    found = keys.METRIC.find(annotations)
    if found is None:
        return
    path, metric = found
    scaler = keys.CLASS.read(annotations)
    if scaler is None:
        scaler = config.pod_autoscaler_class
    if scaler == keys.KPA_CLASS:
        accepted = metric in {keys.CONCURRENCY, keys.RPS}
    else:
        # Other classes may have metrics of their own; the HPA takes any, but needs one.
        accepted = scaler != keys.HPA_CLASS or metric != ""
    if not accepted:
        yield _invalid(metric, path)


def _check_aggregation(annotations: Mapping[str, str], _: AutoscalerConfig) -> Iterator[Complaint]:
    if keys.CLASS.read(annotations) != keys.KPA_CLASS:
        return
    found = keys.AGGREGATION.find(annotations)
    if found is not None and found[1] not in {"", keys.LINEAR, keys.WEIGHTED, keys.WEIGHTED_OLD}:
        yield _invalid(found[1], found[0])


def _check_initial_scale(annotations: Mapping[str, str], config: AutoscalerConfig) -> Iterator[Complaint]:
    found = keys.INITIAL_SCALE.find(annotations)
    if found is None:
        return
    path, value = found
    try:
        # Checked as a 64-bit integer although it is read as a 32-bit one: 2147483648 passes and is then ignored.
        scale = parse_integer(value, 64)
    except ValueError:
        yield _invalid(value, path)
        return
    if scale < 0:
        yield _invalid(value, f"{path} must be greater than 0")
    elif scale == 0 and not config.allow_zero_initial_scale:
        yield _invalid(value, f"{path}=0 not allowed by cluster")


_CHECKS: Final = (
    _check_class,
    _check_scales,
    _check_numbers,
    _check_durations,
    _check_metric,
    _check_aggregation,
    _check_initial_scale,
)
