"""Status bodies: what the Kubernetes API answers when it does not answer an object.

The texts are those of kube-apiserver 1.20, byte for byte where tests or users may see them.
"""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """An answer that is a failure Status; raised anywhere, turned into a response by the API."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> Json:
        status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


def success(details: Json) -> Json:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def details_of(name: str, group: str, kind: str) -> Json:
    details: Json = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    details["kind"] = kind
    return details


def qualified(resource: str, group: str) -> str:
    return f"{resource}.{group}" if group else resource


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def not_found(resource: str, group: str, name: str) -> ApiError:
    return ApiError(
        404,
        "NotFound",
        f'{qualified(resource, group)} "{name}" not found',
        details_of(name, group, resource),
    )


def no_such_resource() -> ApiError:
    return ApiError(
        404, "NotFound", "the server could not find the requested resource", {}
    )


def method_not_allowed() -> ApiError:
    return ApiError(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        {},
    )


def not_acceptable(message: str = "406: Not Acceptable", details: Json | None = None) -> ApiError:
    return ApiError(406, "NotAcceptable", message, details)


def already_exists(resource: str, group: str, name: str) -> ApiError:
    return ApiError(
        409,
        "AlreadyExists",
        f'{qualified(resource, group)} "{name}" already exists',
        details_of(name, group, resource),
    )


def conflict(resource: str, group: str, name: str, why: str) -> ApiError:
    return ApiError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {qualified(resource, group)} "{name}": {why}',
        details_of(name, group, resource),
    )


def modified(resource: str, group: str, name: str) -> ApiError:
    return conflict(
        resource,
        group,
        name,
        "the object has been modified; please apply your changes to the latest version and try "
        "again",
    )


def expired(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def too_old(version: int, oldest: int) -> ApiError:
    return expired(f"too old resource version: {version} ({oldest})")


def unsupported_media_type(message: str = "415: Unsupported Media Type",
                           details: Json | None = None) -> ApiError:
    return ApiError(415, "UnsupportedMediaType", message, {} if details is None else details)


def rejected_patch() -> ApiError:
    """A JSON Patch that does not apply: the body names neither the operation nor the reason."""
    return ApiError(
        422, "Invalid", "the server rejected our request due to an error in our request", {}
    )


class Cause:
    """One reason why an object is invalid; `invalid` puts them together."""

    def __init__(self, field: str, reason: str, message: str) -> None:
        self.field = field
        self.reason = reason
        self.message = message

    @classmethod
    def value(cls, field: str, value: Any, why: str) -> Cause:
        # A string that is already a description is shown quoted, as Go's %q does.
        shown = json.dumps(value, ensure_ascii=False)
        return cls(field, "FieldValueInvalid", f"Invalid value: {shown}: {why}")

    @classmethod
    def required(cls, field: str, why: str = "") -> Cause:
        return cls(field, "FieldValueRequired", "Required value" + (f": {why}" if why else ""))

    @classmethod
    def forbidden(cls, field: str, why: str) -> Cause:
        return cls(field, "FieldValueForbidden", f"Forbidden: {why}")

    def body(self) -> Json:
        return {"reason": self.reason, "message": self.message, "field": self.field}


def invalid(kind: str, group: str, name: str, causes: list[Cause]) -> ApiError:
    texts = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    text = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    details = details_of(name, group, kind)
    details["causes"] = [cause.body() for cause in causes]
    message = f'{qualified(kind, group)} "{name}" is invalid: {text}'
    return ApiError(422, "Invalid", message, details)


def undecodable_patch(patched: str, why: str) -> ApiError:
    """The patched object has a field of a wrong type: the whole object is in the body, twice."""
    cause = Cause("patch", "FieldValueInvalid", f"Invalid value: {json.dumps(patched)}: {why}")
    return ApiError(
        422,
        "Invalid",
        f' "" is invalid: patch: {cause.message}',
        {"causes": [cause.body()]},
    )


def too_large_version(version: int, current: int) -> ApiError:
    return ApiError(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {version}, current: {current}",
        {
            "causes": [
                {
                    "reason": "ResourceVersionTooLarge",
                    "message": "Too large resource version",
                }
            ],
            "retryAfterSeconds": 1,
        },
    )


def internal(message: str) -> ApiError:
    """A failure without a reason, as the real one gives for what it did not expect."""
    return ApiError(500, "", message)
