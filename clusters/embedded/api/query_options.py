"""Options of requests in their query, and of deletions in their body, validated as the API server validates them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from clusters.embedded.api.api_errors import ApiError, bad_request
from clusters.embedded.api.api_errors import invalid as invalid_object
from clusters.embedded.api.body_decoding import body_value
from clusters.embedded.api.field_errors import Cause, forbidden, unsupported
from clusters.embedded.api.request import Request

META_GROUP: Final = "meta.k8s.io"
MATCH: Final = "resourceVersionMatch"
MANAGER_LIMIT_BYTES: Final = 128
DIRECTIVES: Final = ("", "Ignore", "Warn", "Strict")
PROPAGATIONS: Final = ("", "Foreground", "Background", "Orphan")


def refused_option(kind: str, *causes: Cause) -> ApiError:
    """422 about the options themselves; `kind` is ListOptions, DeleteOptions, …"""
    return invalid_object(kind, META_GROUP, "", causes)


def whole_number(request: Request, name: str) -> int | None:
    """An integer parameter; absent or empty gives None. Raises ApiError BadRequest."""
    text = request.one(name)
    if text == "":
        return None
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def parsed_version(text: str, current: int) -> int:
    """A resourceVersion, 0 for none. Raises ApiError for what is no number, or later than `current`."""
    if text and not (text.isascii() and text.isdigit()):
        raise bad_request(f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: invalid syntax')
    asked = int(text or 0)
    if asked > current:
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        text = f"Timeout: Too large resource version: {asked}, current: {current}"
        details = {"causes": causes, "retryAfterSeconds": 1}
        raise ApiError("Timeout", text, details=details, headers={"retry-after": "1"})
    return asked


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
    def of(cls, request: Request) -> ListOptions:
        """Parse and validate. Raises ApiError."""
        options = cls(
            watch=request.flag("watch"),
            limit=max(0, whole_number(request, "limit") or 0),
            continuation=request.one("continue"),
            version=request.one("resourceVersion"),
            match=request.one(MATCH),
            timeout_seconds=whole_number(request, "timeoutSeconds"),
            bookmarks=request.flag("allowWatchBookmarks"),
            initial_events=request.flag("sendInitialEvents") if "sendInitialEvents" in request.query else None,
            labels=request.one("labelSelector"),
            fields=request.one("fieldSelector"),
        )
        if options.match not in ("", "Exact", "NotOlderThan"):
            raise refused_option("ListOptions", unsupported(MATCH, options.match, ("Exact", "NotOlderThan", "")))
        if options.match == "Exact" and options.version in ("", "0"):
            raise refused_option("ListOptions", forbidden(MATCH, "Exact needs a resourceVersion other than 0"))
        return options


def _dry_run(values: list[str], kind: str) -> bool:
    """Whether the write is only tried. Raises ApiError for anything but All."""
    if values not in ([], [""], ["All"]):
        raise refused_option(kind, unsupported("dryRun", values, ("All",)))
    return values == ["All"]


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of a create, update or patch."""

    dry_run: bool = False
    manager: str = "unknown"
    """The field manager: named, or the client's name up to the first slash."""
    field_validation: str = "Warn"
    force: bool = False

    @classmethod
    def of(cls, request: Request, kind: str) -> WriteOptions:
        """Parse and validate; `kind` is CreateOptions, UpdateOptions or PatchOptions. Raises ApiError."""
        manager, directive = request.one("fieldManager"), request.one("fieldValidation")
        if directive not in DIRECTIVES:
            raise refused_option(kind, unsupported("fieldValidation", directive, DIRECTIVES))
        return cls(
            _dry_run(request.query.get("dryRun") or [], kind),
            manager or request.header("user-agent").split("/")[0][:MANAGER_LIMIT_BYTES] or "unknown",
            directive or "Warn",
            request.flag("force"),
        )


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a deletion asks for; from the body, the query where it has none."""

    dry_run: bool = False
    propagation: str = "Background"
    grace_seconds: int | None = None
    uid: str = ""
    version: str = ""

    @classmethod
    def of(cls, request: Request) -> DeleteOptions:
        """Parse and validate. Raises ApiError."""
        if request.body.strip():
            body = body_value(request, "DeleteOptions")
            options, orphan = cls._of_body(body), body.get("orphanDependents")
        else:
            dry_run = _dry_run(request.query.get("dryRun") or [], "DeleteOptions")
            options = cls(dry_run, request.one("propagationPolicy"), whole_number(request, "gracePeriodSeconds"))
            orphan = request.flag("orphanDependents") if "orphanDependents" in request.query else None
        if options.propagation not in PROPAGATIONS:
            refused = unsupported("propagationPolicy", options.propagation, PROPAGATIONS[1:])
            raise refused_option("DeleteOptions", refused)
        if orphan is not None and not options.propagation:
            return replace(options, propagation="Orphan" if orphan else "Background")
        return replace(options, propagation=options.propagation or "Background")

    @classmethod
    def _of_body(cls, body: dict[str, Any]) -> DeleteOptions:
        wanted, dry_run, grace = body.get("preconditions"), body.get("dryRun"), body.get("gracePeriodSeconds")
        if not isinstance(wanted, dict | None) or not isinstance(dry_run, list | None):
            raise bad_request("preconditions must be an object, dryRun a list")
        if isinstance(grace, bool) or not isinstance(grace, int | None):
            raise bad_request("gracePeriodSeconds must be a whole number")
        wanted = wanted or {}
        return cls(
            _dry_run(dry_run or [], "DeleteOptions"),
            str(body.get("propagationPolicy") or ""),
            grace,
            str(wanted.get("uid") or ""),
            str(wanted.get("resourceVersion") or ""),
        )
