"""Query options, validated as the API server validates them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clusters.embedded.api.exchange import Call
from clusters.embedded.api.status import ApiError, Cause, bad_request, invalid

META_GROUP: Final = "meta.k8s.io"


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
        """The combinations the server refuses."""
        field = "resourceVersionMatch"
        if self.watch:
            self._check_watch()
            return
        causes = []
        if self.match and not self.version:
            text = "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
            causes.append(Cause("FieldValueForbidden", text, field))
        if self.initial_events is not None:
            text = "Forbidden: sendInitialEvents is forbidden for list"
            causes.append(Cause("FieldValueForbidden", text, "sendInitialEvents"))
        if causes:
            raise invalid("ListOptions", META_GROUP, "", causes)
        if not self.match:
            return
        if self.continuation:
            text = "resourceVersionMatch is forbidden when continue is provided"
            raise forbidden_option("ListOptions", field, text)
        if self.match not in ("Exact", "NotOlderThan"):
            raise unsupported_option("ListOptions", field, f'"{self.match}"', '"Exact", "NotOlderThan", ""')
        if self.match == "Exact" and self.version == "0":
            text = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            raise forbidden_option("ListOptions", field, text)

    def _check_watch(self) -> None:
        field = "resourceVersionMatch"
        if self.initial_events is None:
            if self.match:
                text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
                raise forbidden_option("ListOptions", field, text)
            return
        if self.match != "NotOlderThan":
            if not self.match:
                text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
                raise forbidden_option("ListOptions", field, text)
            raise unsupported_option("ListOptions", field, f'"{self.match}"', '"NotOlderThan"')


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
