"""Views of a run: report.yaml, report.html, JUnit, Allure, Markdown, and the rules that check a submission offline.

Everything here is computed from one `JudgedRun` and can be computed again without a cluster.
"""

from __future__ import annotations

from reports.writing import write

__all__ = ["write"]
