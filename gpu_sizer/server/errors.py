"""Errors over HTTP: the JSON object of every error, and the status that goes with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from gpu_sizer.errors import GpuSizerError

#: Fields of a body and what an error in them is about; all others are about the question.
_ABOUT = {"model": "model", "gpu": "gpu", "gpu_count": "gpu", "context": "context", "users": "users"}


def error_object(kind: str, message: str, about: str = "question") -> dict[str, Any]:
    """The JSON object of an error that the library did not raise."""
    return {"error": {"kind": kind, "about": about, "message": message, "suggestions": []}}


def raised(error: GpuSizerError) -> tuple[int, dict[str, Any]]:
    """Status and object of an error of the library: what was asked can be read, and cannot be answered."""
    return HTTPStatus.UNPROCESSABLE_ENTITY, error.model_dump()


def refused(errors: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The object for a body that breaks its schema: the first key that is wrong, and why.

    Args:
        errors: what pydantic found, as of ``ValidationError.errors()``.
    """
    first = min(errors, key=lambda e: e["type"] != "extra_forbidden")
    place = [str(step) for step in first["loc"] if step not in ("body", "query")]
    if first["type"] == "json_invalid":
        return error_object("invalid", "the body must be JSON")
    key = place[0] if place else "the body"
    if first["type"] == "missing":
        message = f"{key} is missing"
        return error_object("incomplete", message, _ABOUT.get(key, "question"))
    reason = "unknown key" if first["type"] == "extra_forbidden" else str(first["msg"])
    message = f"{key[:60]}: {reason[:1].lower()}{reason[1:]}"
    return error_object("invalid", message, _ABOUT.get(key, "question"))
