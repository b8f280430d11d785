"""What a question wants to know: told by which words stand near each other, in a fixed order of precedence."""

from __future__ import annotations

from gpu_sizer.queries.words import word_set
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from gpu_sizer.queries.sentence import Sentence

    Intent = Literal["count", "fit", "context", "users", "memory", "models", "gpus", "compare"]

INTENTS: tuple[Intent, ...] = ("count", "fit", "context", "users", "memory", "models", "gpus", "compare")


def _phrases(text: str) -> tuple[tuple[str, ...], ...]:
    """Phrases, written as one text with commas between them."""
    return tuple(tuple(phrase.split()) for phrase in text.split(","))


_MOST = word_set("max maximum maximal longest largest biggest most highest long much many")
_LENGTHS = word_set(
    "context contexts ctx tokens token prompt prompts sequence seqlen conversation conversations document documents"
)
_CONTEXT = word_set("context ctx")
_WHICH = word_set("what which whats")
_PEOPLE = word_set(
    "users user requests request people clients customers sessions streams employees developers devs chats concurrency"
    " concurrent students persons agents callers queries readers colleagues sequences completions"
)
_MEMORY = word_set("vram memory ram footprint gigabytes gb gib gigs")
_HARDWARE = word_set("gpu gpus card cards hardware machine accelerator accelerators setup server box rig")
_MODELS = word_set("models model llm llms")
_SUBJECT = _LENGTHS | _MEMORY | _HARDWARE | _MODELS | word_set("users user inference parameters vllm sglang")
_BREAKS = frozenset(",;.?!:")
#: Words that end the noun behind "how many" or "which".
_ENDS = word_set(
    "do does did can could will would should is are was i we you it for to on with in at and or that which who need"
    " needs needed fits fit"
)
#: Words of a noun, its adjectives included.
_NOUN = 5

_ASK_MODEL = word_set("which what best biggest largest list any all good recommend suggest show")
_MODEL_PHRASES = _phrases(
    "models, llms, what runs, what fits, what will, options for, what would, what can, what could, anything, "
    "everything, something, what else, what is possible, what does, what do, what to run, what should i run, is there "
    "a model, biggest thing, largest thing, a model for, model for, model that, model to, llm for, llm that"
)
_ASK_HARDWARE = word_set(
    "which what best cheapest recommend recommended cheaper right suggest smallest list all show affordable ideal"
)
_HARDWARE_PHRASES = _phrases(
    "cheapest, cheap, cheaply, what do i need, what do we need, least expensive, what hardware, lowest cost, lowest "
    "price, affordable, what should i, where can i, where could i, on what, what does it take, what would i need, "
    "what would we need, what will i need, budget option, hardware requirement, hardware requirements, gpu "
    "requirement, gpu requirements, gpu options, hardware options, gpu recommendation, gpu recommendations, hardware "
    "recommendation, hardware recommendations, hardware for, hardware needed, hardware to, best value, what is "
    "needed, whats needed, what is required, gpu for, gpu to, card for, card to, minimum gpu, minimum hardware, "
    "minimum card, smallest gpu, hardware is"
)
_MEMORY_PHRASES = _phrases(
    "vram, memory footprint, footprint, memory requirement, memory requirements, how big, ram, memory needed, memory "
    "required, memory usage, memory use, memory does, how large, how heavy, memory for, gb needed, gb required, "
    "gigabytes, memory consumption, memory to, memory is, cache size, size of the cache, size in gb, size of, in "
    "gigabytes, in gb, memory do"
)
_MEMORY_ALONE = word_set("memory vram ram space weigh weighs")
_CONTEXT_PHRASES = _phrases(
    "context limit, what context, which context, context can, context fits, context do, what max model len, max model "
    "len, max model length, max seq len, max context, how far, context length can, context window can"
)
_HOW_FAR = _phrases("how long, how far, how big, how large, how high, longest, largest, biggest")
_NO_CONTEXT_PHRASES = _phrases(
    "at max context, at maximum context, at full context, at its max, at its maximum, with max context, with maximum "
    "context, with full context, at the max context, at the maximum context, its maximum context, its max context, "
    "their full context, its full context"
)
_USERS_PHRASES = _phrases(
    "what concurrency, what batch size, max batch, maximum batch, largest batch, biggest batch, users for, users on, "
    "users with, capacity for, user capacity, user limit, users limit, request limit, users can, users could, "
    "requests can, people can, how big a batch, how large a batch"
)
_COUNT_FIRST = word_set("many number minimum fewest min smallest least count quantity qty amount")
_NUMBER_OF = word_set("many number count quantity qty amount")
_FEWEST = word_set("minimum fewest min least")
_PLURAL = word_set("gpus cards accelerators")
_COUNT_PHRASES = _phrases(
    "gpus needed, gpus required, gpus for, gpu count, gpus do, gpus does, cards needed, gpus to, gpus i need, gpus "
    "would"
)
_FIT_FIRST = word_set("does do can will would could is are fits fit may should")
_FIT_PHRASES = _phrases(
    "fit, fits, enough, sufficient, suffice, possible, can i, can we, will it, does it, able to, work on, run on"
)
_PRICE_PHRASES = _phrases("cost, costs, price, prices, expensive, how much does it cost, cheap, cheaply")
_COMPARE_PHRASES = _phrases("compare, versus, vs, comparison, compared, difference between")


@dataclass(frozen=True, slots=True)
class Told:
    """What a question tells, and so does not ask for.

    Attributes:
        models: models named.
        gpus: GPUs named.
        counted: a number of GPUs.
        count_asked: "how many" or the like stands before a GPU's name.
        users: a number of users.
        context: a length.
    """

    models: int
    gpus: int
    counted: bool = False
    count_asked: bool = False
    users: bool = False
    context: bool = False


def about_sizing(s: Sentence) -> bool:
    """Whether a question has any word of the subject."""
    return any(w.text in _SUBJECT for w in s.words)


def _near(s: Sentence, firsts: frozenset[str], seconds: frozenset[str]) -> bool:
    """Whether a word of the first kind asks for a noun of the second: ``how many concurrent 8k users``."""
    said = [w.text for w in s.words]
    for i, word in enumerate(said):
        if word not in firsts:
            continue
        for k in range(i + 1, min(len(said), i + 1 + _NOUN)):
            if said[k] in _ENDS or not _BREAKS.isdisjoint(s.words[k].before):
                break
            if said[k] in seconds:
                return True
    return False


def _asks_models(s: Sentence) -> bool:
    return s.has(_MODEL_PHRASES) or _near(s, _ASK_MODEL, _MODELS)


def _asks_hardware(s: Sentence) -> bool:
    return s.has(_HARDWARE_PHRASES) or s.has(_PRICE_PHRASES) or _near(s, _ASK_HARDWARE, _HARDWARE)


def _asks_memory(s: Sentence) -> bool:
    return s.has(_MEMORY_PHRASES) or _near(s, word_set("much many what total"), _MEMORY)


def _asks_context(s: Sentence) -> bool:
    if s.has(_NO_CONTEXT_PHRASES):
        return False
    reach = s.has(_HOW_FAR) and any(w.text in _LENGTHS for w in s.words)
    first = bool(s.words) and s.words[0].text in ("context", "ctx")
    which = _near(s, _WHICH, _CONTEXT)
    return reach or first or which or s.has(_CONTEXT_PHRASES) or _near(s, _MOST, _LENGTHS)


def _asks_users(s: Sentence) -> bool:
    return s.has(_USERS_PHRASES) or _near(s, word_set("many max maximum most number much"), _PEOPLE)


def _asks_number(s: Sentence) -> bool:
    """Whether a number of GPUs is asked for, not which: the minimum GPU is a kind, the minimum GPUs are some."""
    return _near(s, _NUMBER_OF, _HARDWARE) or _near(s, _FEWEST, _PLURAL)


def _mentions_memory(s: Sentence) -> bool:
    return any(w.text in _MEMORY_ALONE for w in s.words)


def _asks_count(s: Sentence) -> bool:
    return s.has(_COUNT_PHRASES) or _near(s, _COUNT_FIRST, _HARDWARE)


def _asks_fit(s: Sentence) -> bool:
    return bool(s.words and s.words[0].text in _FIT_FIRST) or s.has(_FIT_PHRASES)


def intent_of(s: Sentence, told: Told) -> Intent | None:
    """The intent, or null where nothing in the question says one. What was told is not asked for."""
    models, gpus = told.models, told.gpus
    users = not told.users and _asks_users(s)
    context = not told.context and _asks_context(s)
    if gpus > 1 or (gpus and models and s.has(_COMPARE_PHRASES)):
        return "compare"
    if gpus and models and not told.count_asked and not told.counted and s.has(_PRICE_PHRASES):
        return "compare"
    if gpus and not models and not told.count_asked and not users and _asks_models(s):
        return "models"
    if told.count_asked:
        return "count"
    if users and (gpus or not _asks_hardware(s)):
        return "users"
    if context and gpus:
        return "context"
    if models and not gpus and _asks_hardware(s) and not _asks_number(s):
        return "gpus"
    if _asks_memory(s) and not (gpus and told.counted):
        return "memory"
    if _asks_count(s) and not told.counted:
        return "count"
    if models and not gpus and not told.counted and _mentions_memory(s) and not _asks_fit(s):
        return "memory"
    if gpus and (told.counted or _asks_fit(s)):
        return "fit"
    return "count" if models or gpus else None
