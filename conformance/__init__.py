"""Conformance of InferenceService autoscaling."""

import logging

logging.getLogger("conformance").addHandler(logging.NullHandler())
