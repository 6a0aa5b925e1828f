"""A page that Allure rendered asks nobody for anything."""

from __future__ import annotations

import pytest

from reports.analytics_removal import without_analytics

PAGE = """<body><div id="app"></div>
    <script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
    <script>
        window.dataLayer = window.dataLayer || [];
        gtag('config', 'G-1', {"report": "awesome"});
    </script>
    <script>window.allure = {};</script><script src="data:text/javascript;base64,AAAA"></script></body>"""


def test_scripts_from_elsewhere_go_and_its_own_stay() -> None:
    page = without_analytics(PAGE)
    assert "https://" not in page
    assert "dataLayer" not in page
    assert "window.allure" in page
    assert "data:text/javascript" in page


def test_a_page_that_still_loads_analytics_is_refused() -> None:
    with pytest.raises(ValueError, match="analytics"):
        without_analytics("<script>load('https://www.googletagmanager.com/gtag/js?id=G-1')</script>")
