"""What a question wants to know: told by which words stand near each other, in a fixed order of precedence."""

from __future__ import annotations

from gpu_sizer.queries.words import word_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from gpu_sizer.queries.sentence import Sentence

    Intent = Literal["count", "fit", "context", "users", "memory", "models", "gpus", "compare"]

INTENTS: tuple[Intent, ...] = ("count", "fit", "context", "users", "memory", "models", "gpus", "compare")


def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    """Phrases, written as one text with commas between them."""
    return tuple(tuple(phrase.split()) for phrase in text.split(","))


_MOST = word_set("max maximum maximal longest largest biggest most highest long much many far")
_LENGTHS = word_set("context contexts ctx tokens token prompt prompts sequence seqlen conversation")
_PEOPLE = word_set(
    "users user requests request people clients customers sessions streams employees developers chats conversations"
    " concurrency concurrent students persons"
)
_MEMORY = word_set("vram memory ram footprint gigabytes gb gib")
_HARDWARE = word_set("gpu gpus card cards hardware machine accelerator accelerators setup server box rig")
_MODELS = word_set("models model llm llms")
_SUBJECT = _LENGTHS | _MEMORY | _HARDWARE | _MODELS | word_set("users user inference parameters vllm sglang")

_ASK_MODEL = word_set("which what best biggest largest list any all good recommend suggest")
_MODEL_PHRASES = _phrases(
    "models, llms, what can i, what can we, what could i, what can run, what runs, what fits, what will, what would,"
    " what can be, anything i can, what else, what is possible, what does, what do, what to run, what should i run"
)
_ASK_HARDWARE = word_set("which what best cheapest recommend recommended cheaper right suggest smallest")
_HARDWARE_PHRASES = _phrases(
    "cheapest, cheap, cheaply, what do i need, what do we need, least expensive, what hardware, lowest cost,"
    " lowest price, affordable, what should i, where can i, on what, what does it take, what would i need,"
    " budget option"
)
_MEMORY_PHRASES = _phrases(
    "vram, memory footprint, footprint, memory requirement, memory requirements, how big, ram, memory needed,"
    " memory required, memory usage, memory use, memory does, how large, memory for, gb needed, gb required, gigabytes,"
    " memory consumption, memory to, memory is"
)
_CONTEXT_PHRASES = _phrases(
    "context limit, what context, which context, context can, context fits, context do, what max model len,"
    " max model len can"
)
_NO_CONTEXT_PHRASES = _phrases(
    "at max context, at maximum context, at full context, at its max, at its maximum, with max context,"
    " with maximum context, with full context, at the max context, at the maximum context, its maximum context"
)
_USERS_PHRASES = _phrases(
    "what concurrency, what batch size, max batch, maximum batch, largest batch, biggest batch, users for, users on,"
    " users with, capacity for, user capacity, users can, users could, requests can, people can, how big a batch"
)
_COUNT_FIRST = word_set("many number minimum fewest min smallest least count")
_COUNT_PHRASES = _phrases(
    "gpus needed, gpus required, gpus for, gpu count, gpus do, gpus does, cards needed, gpus to, gpu requirements,"
    " gpu requirement, gpus i need, gpus would"
)
_FIT_FIRST = word_set("does do can will would could is are fits fit may should")
_FIT_PHRASES = _phrases(
    "fit, fits, enough, sufficient, suffice, possible, can i, can we, will it, does it, able to, work on, run on"
)
_PRICE_PHRASES = _phrases("cost, costs, price, prices, expensive, how much does it cost, cheap, cheaply")
_COMPARE_PHRASES = _phrases("compare, versus, vs, comparison, compared")


def about_sizing(s: Sentence) -> bool:
    """Whether a question has any word of the subject."""
    return any(w.text in _SUBJECT for w in s.words)


def _near(s: Sentence, firsts: frozenset[str], seconds: frozenset[str], reach: int = 3) -> bool:
    """Whether a word of the first kind is followed closely by one of the second."""
    said = [w.text for w in s.words]
    return any(w in firsts and not seconds.isdisjoint(said[i + 1 : i + 1 + reach]) for i, w in enumerate(said))


def _asks_models(s: Sentence) -> bool:
    return s.has(_MODEL_PHRASES) or _near(s, _ASK_MODEL, _MODELS, 4)


def _asks_hardware(s: Sentence) -> bool:
    return s.has(_HARDWARE_PHRASES) or s.has(_PRICE_PHRASES) or _near(s, _ASK_HARDWARE, _HARDWARE, 4)


def _asks_memory(s: Sentence) -> bool:
    return s.has(_MEMORY_PHRASES) or _near(s, word_set("much many what total"), _MEMORY)


def _asks_context(s: Sentence) -> bool:
    if s.has(_NO_CONTEXT_PHRASES):
        return False
    return s.has(_CONTEXT_PHRASES) or _near(s, _MOST, _LENGTHS, 4)


def _asks_users(s: Sentence) -> bool:
    return s.has(_USERS_PHRASES) or _near(s, word_set("many max maximum most number much"), _PEOPLE, 4)


def _asks_count(s: Sentence) -> bool:
    return s.has(_COUNT_PHRASES) or _near(s, _COUNT_FIRST, _HARDWARE)


def _asks_fit(s: Sentence) -> bool:
    return bool(s.words and s.words[0].text in _FIT_FIRST) or s.has(_FIT_PHRASES)


def intent_of(s: Sentence, *, models: int, gpus: int, counted: bool, count_asked: bool) -> Intent | None:
    """The intent, or null where nothing in the question says one.

    Args:
        s: the sentence.
        models: models named.
        gpus: GPUs named.
        counted: whether a number of GPUs was told.
        count_asked: whether "how many" or the like stands before a GPU's name.
    """
    if gpus > 1 or (gpus and models and s.has(_COMPARE_PHRASES)):
        return "compare"
    if gpus and models and not count_asked and not counted and s.has(_PRICE_PHRASES):
        return "compare"
    if gpus and not models and not count_asked and _asks_models(s):
        return "models"
    if count_asked:
        return "count"
    if _asks_users(s) and (gpus or not _asks_hardware(s)):
        return "users"
    if _asks_context(s) and gpus:
        return "context"
    if models and not gpus and _asks_hardware(s) and not _asks_count(s):
        return "gpus"
    if _asks_memory(s) and not (gpus and counted):
        return "memory"
    if _asks_count(s) and not counted:
        return "count"
    if gpus and (counted or _asks_fit(s)):
        return "fit"
    return "count" if models or gpus else None
