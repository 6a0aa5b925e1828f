"""Whether the extras are here; tests of the real programs are skipped without, and say so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clusters.embedded.programs import envoy, model_server
from conformance.base.errors import UsageError


def _missing(find: Callable[[None], str]) -> str:
    try:
        find(None)
    except UsageError as error:
        return str(error)
    return ""


NO_ENVOY = _missing(envoy.find)
NO_KSERVE = _missing(model_server.find)
needs_envoy = pytest.mark.skipif(bool(NO_ENVOY), reason=NO_ENVOY or "there is one")
needs_kserve = pytest.mark.skipif(bool(NO_KSERVE), reason=NO_KSERVE or "there is one")
