"""What a question wants to know."""

from __future__ import annotations

from typing import Literal

from gpu_sizer.queries.sentence import Sentence

Intent = Literal["count", "fit", "context", "users", "memory", "models", "gpus", "compare"]
INTENTS: tuple[Intent, ...] = ("count", "fit", "context", "users", "memory", "models", "gpus", "compare")

_MOST = ("max", "maximum", "maximal", "longest", "largest", "biggest", "most", "highest", "long", "much", "many", "far")
_LENGTHS = ("context", "contexts", "ctx", "tokens", "token", "prompt", "prompts", "sequence", "seqlen", "conversation")
_PEOPLE = (
    "users user requests request people clients customers sessions streams employees developers chats conversations"
    " concurrency concurrent students"
).split()
_MEMORY = "vram memory ram footprint gigabytes gb gib".split()
_HARDWARE = "gpu gpus card cards hardware machine accelerator accelerators setup server box rig".split()
_MODELS = "models model llm llms".split()
_DOMAIN = frozenset([*_LENGTHS, *_PEOPLE[:2], *_MEMORY, *_HARDWARE, *_MODELS, "inference", "parameters", "vllm", "serve"])


def about_sizing(s: Sentence) -> bool:
    """Whether a question has any word of the subject."""
    return any(w.text in _DOMAIN for w in s.words)


def _near(s: Sentence, firsts: tuple[str, ...], seconds: list[str] | tuple[str, ...], reach: int = 3) -> bool:
    """Whether a word of the first kind is followed closely by one of the second."""
    said = [w.text for w in s.words]
    return any(
        word in firsts and any(other in seconds for other in said[i + 1 : i + 1 + reach])
        for i, word in enumerate(said)
    )


def _asks_models(s: Sentence) -> bool:
    return (
        s.has("what can i", "what can we", "what could i", "what can run", "what runs", "what fits", "what will", "what would")
        or s.has("what can be", "anything i can", "what else", "what is possible", "what does", "what do")
        or _near(s, ("which", "what", "best", "biggest", "largest", "list", "any", "all", "good"), _MODELS, 4)
        or s.has("models", "llms")
    )


def _asks_hardware(s: Sentence) -> bool:
    return (
        _near(s, ("which", "what", "best", "cheapest", "recommend", "recommended", "cheaper", "right"), _HARDWARE, 4)
        or s.has("cheapest", "cheap", "cheaply", "what do i need", "what do we need", "least expensive", "what hardware")
        or s.has("lowest cost", "lowest price", "most affordable", "affordable", "what should i", "where can i", "on what")
    )


def _asks_memory(s: Sentence) -> bool:
    return (
        _near(s, ("much", "many", "what", "total"), _MEMORY, 3)
        or s.has("vram", "memory footprint", "footprint", "memory requirement", "memory requirements", "how big", "ram")
        or s.has("memory needed", "memory required", "memory usage", "memory use", "memory does", "how large", "memory for")
        or s.has("gb needed", "gb required", "gigabytes")
    )


def _asks_context(s: Sentence) -> bool:
    return _near(s, _MOST, _LENGTHS, 4) or s.has("context limit", "what context", "context can", "context fits", "context do")


def _asks_users(s: Sentence) -> bool:
    return (
        _near(s, ("many", "max", "maximum", "most", "number", "much"), _PEOPLE, 4)
        or s.has("what concurrency", "what batch size", "max batch", "maximum batch", "largest batch", "biggest batch")
        or s.has("users for", "users on", "users with", "capacity for", "throughput users", "user capacity", "users can", "users could", "requests can", "people can")
    )


def _asks_count(s: Sentence) -> bool:
    return _near(s, ("many", "number", "minimum", "fewest", "min", "smallest", "least", "count"), _HARDWARE, 3) or s.has(
        "gpus needed", "gpus required", "gpus for", "gpu count", "gpus do", "gpus does", "cards needed", "gpus to"
    )


def _asks_fit(s: Sentence) -> bool:
    first = s.words[0].text if s.words else ""
    return first in ("does", "do", "can", "will", "would", "could", "is", "are", "fits", "fit", "may", "should") or s.has(
        "fit", "fits", "enough", "sufficient", "suffice", "possible", "can i", "can we", "will it", "does it", "able to"
    )


def intent_of(s: Sentence, *, models: int, gpus: int, counted: bool, count_asked: bool) -> Intent | None:
    """The intent, or null where nothing in the question says one.

    Args:
        s: the sentence.
        models: models named.
        gpus: GPUs named.
        counted: whether a number of GPUs was told.
        count_asked: whether "how many" or the like stands before a GPU's name.
    """
    if gpus > 1 or (gpus and models and s.has("compare", "versus", "vs")):
        return "compare"
    if gpus and not models and not count_asked and _asks_models(s):
        return "models"
    if count_asked:
        return "count"
    if _asks_users(s) and (gpus or not _asks_hardware(s)):
        return "users"
    if _asks_context(s) and gpus:
        return "context"
    if models and not gpus and (_asks_hardware(s) and not _asks_count(s)):
        return "gpus"
    if _asks_memory(s) and not (gpus and counted):
        return "memory"
    if _asks_count(s) and not counted:
        return "count"
    if _asks_fit(s) and gpus:
        return "fit"
    if counted and gpus:
        return "fit"
    return "count" if (models or gpus) else None
