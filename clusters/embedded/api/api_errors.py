"""Errors as the API server words them: a `Status` object with a reason, a code and, for invalid fields, causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from clusters.embedded.api.field_errors import Cause

Object = dict[str, Any]

CODES: Final[Mapping[str, int]] = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "AlreadyExists": 409,
    "Conflict": 409,
    "Expired": 410,
    "RequestEntityTooLarge": 413,
    "UnsupportedMediaType": 415,
    "Invalid": 422,
    "InternalError": 500,
    "Timeout": 504,
}

MODIFIED: Final = "the object has been modified; please apply your changes to the latest version and try again"


class ApiError(Exception):
    """An answer other than success. `reason` is a metav1 reason (empty: none); `details` None leaves the member out."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        code: int | None = None,
        details: Object | None = None,
        headers: Mapping[str, str] | None = None,
        continuation: str = "",
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.code = code if code is not None else CODES[reason]
        self.details = details
        self.headers = dict(headers or {})
        self.continuation = continuation

    def body(self) -> Object:
        """The Status object."""
        value: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self.continuation} if self.continuation else {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            value["reason"] = self.reason
        if self.details is not None:
            value["details"] = self.details
        value["code"] = self.code
        return value


def _details(name: str, group: str, kind: str, **more: Any) -> Object:
    named = {"name": name, "group": group, "kind": kind}
    return {key: text for key, text in named.items() if text} | more


def qualified(plural: str, group: str) -> str:
    """How a message names a resource: `pods`, `deployments.apps`."""
    return f"{plural}.{group}" if group else plural


def bad_request(message: str) -> ApiError:
    return ApiError("BadRequest", message)


def not_found(plural: str, group: str, name: str) -> ApiError:
    return ApiError("NotFound", f'{qualified(plural, group)} "{name}" not found', details=_details(name, group, plural))


def unknown_resource() -> ApiError:
    """There is no such resource."""
    return ApiError("NotFound", "the server could not find the requested resource", details={})


def already_exists(plural: str, group: str, name: str, *, is_going: bool = False) -> ApiError:
    text = f'{qualified(plural, group)} "{name}" already exists'
    prefix = "object is being deleted: " if is_going else ""
    return ApiError("AlreadyExists", prefix + text, details=_details(name, group, plural))


def conflict(plural: str, group: str, name: str, text: str = MODIFIED) -> ApiError:
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {text}'
    return ApiError("Conflict", message, details=_details(name, group, plural))


def invalid(kind: str, group: str, name: str, causes: Iterable[Cause]) -> ApiError:
    """422: the object's fields are at fault; `kind` is the Kind, not the plural."""
    causes = list(causes)
    distinct = list(dict.fromkeys(cause.line() for cause in causes))
    text = distinct[0] if len(distinct) == 1 else "[" + ", ".join(distinct) + "]"
    return ApiError(
        "Invalid",
        f'{qualified(kind, group)} "{name}" is invalid: {text}',
        details=_details(name, group, kind, causes=[cause.body() for cause in causes]),
    )


def forbidden(plural: str, group: str, name: str, text: str, causes: Iterable[Cause] = ()) -> ApiError:
    subject = f'{qualified(plural, group)} "{name}"' if name else qualified(plural, group)
    listed = [cause.body() for cause in causes]
    more = {"causes": listed} if listed else {}
    return ApiError("Forbidden", f"{subject} is forbidden: {text}", details=_details(name, group, plural, **more))


def method_not_allowed() -> ApiError:
    return ApiError("MethodNotAllowed", "the server does not allow this method on the requested resource", details={})


def expired(message: str, continuation: str = "") -> ApiError:
    return ApiError("Expired", message, continuation=continuation)


def too_large(limit: int) -> ApiError:
    return ApiError("RequestEntityTooLarge", f"Request entity too large: limit is {limit}")


def internal(message: str) -> ApiError:
    return ApiError("InternalError", f"Internal error occurred: {message}", details={"causes": [{"message": message}]})
