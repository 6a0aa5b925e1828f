"""What a provider says while it opens reaches whoever shows it, and nobody afterwards."""

import logging

import pytest

from conformance.base import announcements
from conformance.base.announcements import announce, announced
from conformance.base.clock import run_virtual, virtual_clock


def test_lines_reach_the_terminal_while_somebody_shows_them() -> None:
    shown: list[str] = []
    with announcements.announcements(shown.append):
        announce("creating 50% of it")
    announce("nobody looks")
    assert shown == ["creating 50% of it"]
    assert logging.getLogger(announcements.__name__).level == logging.NOTSET


def test_a_step_says_that_it_begins_and_how_long_it_took() -> None:
    shown: list[str] = []

    async def main() -> None:
        clock = virtual_clock()
        with announcements.announcements(shown.append), announced("creating c", clock):
            await clock.sleep(41.25)

    run_virtual(main())
    assert shown == ["creating c ...", "creating c: 41.2 s"]


def test_a_step_that_fails_is_not_said_to_be_done() -> None:
    shown: list[str] = []

    async def main() -> None:
        with announcements.announcements(shown.append), announced("creating c", virtual_clock()):
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        run_virtual(main())
    assert shown == ["creating c ..."]
