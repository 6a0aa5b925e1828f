"""Takes out of a page rendered by Allure what would tell others that it was opened: its analytics cannot be turned off.

Run as a file, on any Python: `python reports/analytics_removal.py PAGE`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

_LOADER: Final = re.compile(r'<script\b[^>]*\bsrc="https?://[^"]*"[^>]*>\s*</script>')
_CONFIGURATION: Final = re.compile(r"<script>\s*window\.dataLayer\b[^<]*</script>")


def without_analytics(page: str) -> str:
    """The page without scripts from elsewhere and without their configuration. Raises ValueError when something of them
    is left, for then the page is not what this knows."""
    page = _CONFIGURATION.sub("", _LOADER.sub("", page))
    if "googletagmanager.com/gtag/js?id=" in page:
        raise ValueError("the page still loads analytics")
    return page


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(without_analytics(path.read_text(encoding="utf-8")), encoding="utf-8")
