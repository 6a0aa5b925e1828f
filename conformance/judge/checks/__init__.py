"""The checks: small functions from a history and a requirement's parameters to a finding, registered by name."""

from conformance.judge.checks import answers, bounds, panic, pods
from conformance.judge.finding import REGISTRY

__all__ = ["REGISTRY", "answers", "bounds", "panic", "pods"]
