"""The witness under the module name `model`, which is how the documented transformer image is started."""

from __future__ import annotations

import runpy

if __name__ == "__main__":
    runpy.run_module("clusters.witness", run_name="__main__", alter_sys=True)
