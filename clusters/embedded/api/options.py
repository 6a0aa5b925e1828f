"""Query options, validated as the API server validates them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.exchange import Call
from clusters.embedded.api.field_causes import forbidden, unsupported
from clusters.embedded.api.status import ApiError, Cause, bad_request, invalid

META_GROUP: Final = "meta.k8s.io"
MATCH: Final = "resourceVersionMatch"


def forbidden_option(kind: str, field: str, text: str) -> ApiError:
    return invalid(kind, META_GROUP, "", [Cause("FieldValueForbidden", f"Forbidden: {text}", field)])


def unsupported_option(kind: str, field: str, value: str, supported: str) -> ApiError:
    message = f"Unsupported value: {value}: supported values: {supported}"
    return invalid(kind, META_GROUP, "", [Cause("FieldValueNotSupported", message, field)])


def whole_number(call: Call, name: str) -> int | None:
    """An integer parameter; absent or empty gives None. Raises ApiError BadRequest."""
    text = call.one(name)
    if text == "":
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


@dataclass(frozen=True, slots=True)
class ListOptions:
    """Options of list, watch and deletecollection."""

    watch: bool = False
    limit: int = 0
    continuation: str = ""
    version: str = ""
    match: str = ""
    timeout_seconds: int | None = None
    bookmarks: bool = False
    initial_events: bool | None = None
    labels: str = ""
    fields: str = ""

    @classmethod
    def of(cls, call: Call) -> ListOptions:
        """Parse and validate. Raises ApiError."""
        options = cls(
            watch=call.flag("watch"),
            limit=max(0, whole_number(call, "limit") or 0),
            continuation=call.one("continue"),
            version=call.one("resourceVersion"),
            match=call.one("resourceVersionMatch"),
            timeout_seconds=whole_number(call, "timeoutSeconds"),
            bookmarks=call.flag("allowWatchBookmarks"),
            initial_events=call.flag("sendInitialEvents") if call.has("sendInitialEvents") else None,
            labels=call.one("labelSelector"),
            fields=call.one("fieldSelector"),
        )
        options.check()
        return options

    def check(self) -> None:
        """Raises ApiError Invalid with all combinations that the server refuses."""
        causes = list(self._watch_causes() if self.watch else self._list_causes())
        if causes:
            raise invalid("ListOptions", META_GROUP, "", causes)

    def _list_causes(self) -> Iterator[Cause]:
        if self.match:
            if not self.version:
                yield forbidden(MATCH, f"{MATCH} is forbidden unless resourceVersion is provided")
            if self.continuation:
                yield forbidden(MATCH, f"{MATCH} is forbidden when continue is provided")
            if self.match not in ("Exact", "NotOlderThan"):
                yield unsupported(MATCH, self.match, ("Exact", "NotOlderThan", ""))
            if self.match == "Exact" and self.version == "0":
                yield forbidden(MATCH, f'{MATCH} "exact" is forbidden for resourceVersion "0"')
        if self.initial_events is not None:
            yield forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")

    def _watch_causes(self) -> Iterator[Cause]:
        if self.initial_events is not None and self.match != "NotOlderThan":
            yield forbidden(MATCH, f"sendInitialEvents requires setting {MATCH} to NotOlderThan")
        if not self.match:
            return
        if self.initial_events is None:
            yield forbidden(MATCH, f"{MATCH} is forbidden for watch unless sendInitialEvents is provided")
        if self.match != "NotOlderThan":
            yield unsupported(MATCH, self.match, ("NotOlderThan",))
        if self.continuation:
            yield forbidden(MATCH, f"{MATCH} is forbidden when continue is provided")


def parsed_version(text: str) -> int:
    """A resourceVersion. Raises ValueError with Go's words."""
    if not text:
        return 0
    if not text.isdigit():
        message = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise ValueError(message)
    return int(text)


def too_large_version(asked: int, current: int) -> ApiError:
    return ApiError(
        "Timeout",
        f"Timeout: Too large resource version: {asked}, current: {current}",
        details={
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
        headers={"retry-after": "1"},
    )
