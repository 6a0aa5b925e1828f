"""Property tests draw the same examples every time: a failure on one machine is one on all."""

from __future__ import annotations

import os

from hypothesis import Phase, settings

settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "mutation", settings.get_profile("reproducible"), phases=(Phase.explicit, Phase.generate), max_examples=50
)
# Under mutation a failure is all that matters, not its smallest example.
settings.load_profile("mutation" if "MUTANT_UNDER_TEST" in os.environ else "reproducible")
