"""What changed of TGI's memory from version to version: the rules of its profile that hold for one."""

from __future__ import annotations

from functools import cache

from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.versions import line, reaches
from gpu_sizer.errors import RequestError
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one version; the profile says where each was read."""

    pool: Literal["free", "whole"]
    """Of what the share is taken: of what a warm-up leaves free, or of the whole memory."""
    share: float
    requests: bool
    """Whether the prompts of a warm-up hold the blocks of whole requests."""
    logprobs: bool
    """Whether a warm-up keeps the logits of every token."""
    prefill: Literal["fixed", "prompt", "computed"]
    """Where the default size of a prefill comes from."""
    length: int | None
    """The default length of a request; null is what the pool holds."""
    chunks: bool
    """Whether a prompt may be longer than a prefill."""
    eight_bits: bool
    """Whether the cache may be of another type than the model's."""
    block_size: int
    """Tokens of a block on GPUs since Ampere."""


def constants() -> dict[str, Any]:
    """The profile's data."""
    data: dict[str, Any] = profile_data("tgi/profile")
    return data


@cache
def rules_of(version: str) -> Rules:
    """The rules of a version, or of the last of a line.

    Raises:
        RequestError: a version older than those that are known.
    """
    rules: dict[str, Any] = {}
    for rule in constants()["rules"]:
        if reaches(version, rule["from"]):
            rules |= rule
    if not rules:
        first = line(constants()["rules"][0]["from"])
        raise RequestError(
            f"TGI version {version!r} is not known; known from {first} on, as in tgi@{first}", about="engine"
        )
    del rules["from"]
    return Rules(**rules)
