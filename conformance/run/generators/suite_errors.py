"""The load generator's errors as the suite's: it has a tree of its own, because it can be used without the suite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from conformance.base.errors import ConformanceError, HarnessError, PlatformError, UsageError
from conformance.load.generator import Generator, LoadResult, LoadSpec, OnLoadProgress
from conformance.load.load_errors import InvalidLoadError, LoadError, NothingSentError


@contextmanager
def suite_errors() -> Iterator[None]:
    """Raise errors of the load generator as the suite's: UsageError, PlatformError or HarnessError."""
    try:
        yield
    except LoadError as error:
        raise _suite_error(error) from error


def _suite_error(error: LoadError) -> ConformanceError:
    match error:
        case InvalidLoadError():
            return UsageError(str(error))
        case NothingSentError():
            return PlatformError(str(error))
        case _:
            return HarnessError(str(error))


@dataclass(frozen=True, slots=True)
class SuiteGenerator:
    """A generator whose errors are the suite's."""

    inner: Generator

    async def offer(self, load: LoadSpec, progress: OnLoadProgress | None = None) -> LoadResult:
        """As the inner one; raises ConformanceError where that raises LoadError."""
        with suite_errors():
            return await self.inner.offer(load, progress)
