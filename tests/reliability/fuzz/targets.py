"""All targets by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from hypothesis import strategies as st

from tests.reliability.fuzz import api, http, stored

Target = Callable[[st.DataObject], None]

TARGETS: Final[Mapping[str, Target]] = {
    "recording: bytes": stored.recording_bytes,
    "recording: facts, judged": stored.recording_facts,
    "run and recording headers, judged": stored.run_description,
    "bundle": stored.bundle_bytes,
    "submission, verified": stored.submission,
    "InferenceService manifest": stored.manifest_text,
    "manifest.json, judgements.json": stored.run_manifest,
    "settings": stored.settings_file,
    "load plan, runtimes": stored.plan_and_runtimes,
    "HTTP answer, load generator": http.answer,
    "HTTP answer, wire": http.wire_answer,
    "HTTP request, wire": http.wire_request,
    "Kubernetes patches": api.patch,
    "Kubernetes API by its OpenAPI": api.request,
}
