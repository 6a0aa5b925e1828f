"""Text of the platform under test on a page, without characters that drive a terminal or turn text around."""

from __future__ import annotations

import re
from typing import Any, Final

from markupsafe import Markup

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def replace_control_characters(value: Any) -> Any:
    """Control and bidirectional characters as U+FFFD; whatever is no text, or is markup of our own, as it is."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _CONTROL.sub("\ufffd", value)
    return value
