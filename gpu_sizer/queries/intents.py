"""What a question wants to know: a table of what it must say and tell, of which the first row that holds is meant."""

from __future__ import annotations

from gpu_sizer.queries.patterns import matches
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from gpu_sizer.queries.sentence import Sentence

    Intent = Literal["count", "fit", "context", "users", "memory", "models", "gpus", "compare", "speed"]

#: What a question may say, by a name for it: patterns (:mod:`gpu_sizer.queries.patterns`).
CUES = {
    "sizing": (
        "LENGTHS, MEMORY, HARDWARE, MODELS, user|users|inference|parameters|vllm|sglang, gpu|gpus|card|cards,"
        " accelerator|accelerators"
    ),
    "asks_models": (
        "models, llms, what runs, what fits, what will, options for, what would, what can, what could, anything,"
        " everything, something, what else, what is possible, what does, what do, what to run, what should i run,"
        " is there a model, biggest thing, largest thing, a model for, model for, model that, model to, llm for,"
        " llm that, ASK ~ MODELS"
    ),
    "asks_best": (
        "BEST ~ MODELS, best|highest|top rated|ranked|scoring, smartest, cleverest, most capable|intelligent, by"
        " rating|arena"
    ),
    "asks_hardware": (
        "cheapest, cheap, cheaply, what do i need, what do we need, least expensive, what hardware, lowest cost,"
        " lowest price, affordable, what should i, where can i, where could i, on what, what does it take,"
        " what would i need, what would we need, what will i need, budget option, hardware requirement|requirements,"
        " gpu requirement|requirements, gpu|hardware options, gpu|hardware|card recommendation|recommendations,"
        " hardware for|needed|to|is, best value, what is needed|required, whats needed, gpu|card for|to,"
        " minimum gpu|hardware|card, smallest gpu, gpu|gpus configuration|configurations, RECOMMEND ~ HARDWARE,"
        " cost|costs|price|prices|expensive, how much does it cost"
    ),
    "asks_memory": (
        "vram, memory footprint, footprint, weights|checkpoint|file|download size, size on disk, disk space,"
        " much disk|storage,"
        " ^ kv|kvcache, kv cache usage|requirement|requirements|needed, memory requirement|requirements, how big, ram,"
        " memory needed|required, memory usage|use, memory does, how large, how heavy, memory for, gb needed|required,"
        " gigabytes, memory consumption, memory to|is|do, cache size, size of the cache, size in gb, size of,"
        " in gigabytes, in gb, MUCH ~ MEMORY"
    ),
    "mentions_memory": "WEIGH",
    "asks_context": (
        "context limit, what|which context, context can|fits|do, what max model len, max model len|length,"
        " max seq len, max context, context|ctx length|window|size|limit $,"
        " context|ctx length|window|size|limit on|for, context|ctx $,"
        " how far, context length can, context window can, ^ context|ctx, WHICH ~ CONTEXT,"
        " MOST ~ LENGTHS"
    ),
    "asks_reach": "how long|far|big|large|high, longest, largest, biggest",
    "of_lengths": "LENGTHS",
    "at_full_context": (
        "at|with max|maximum|full context, at its max|maximum, at the max|maximum context, its max|maximum|full"
        " context, their full context, native|default|whole|entire|full|long|short|same|its context|ctx"
    ),
    "asks_users": (
        "what concurrency, what batch size, ^ batch size, batch size for|on|of,"
        " max|maximum|largest|biggest batch, users for|on|with|can|could, capacity"
        " for, user capacity, user|users|request limit, requests|people can, how big|large a batch, MANY ~ PEOPLE"
    ),
    "names_users": "users at, users $, ^ users, concurrency for|on|of|with|at, ^ concurrency",
    "asks_number": "NUMBER ~ HARDWARE, FEWEST ~ GPUS",
    "asks_count": ("gpus needed|required|for|do|does|to|would, gpu count, cards needed, gpus i need, COUNT ~ HARDWARE"),
    "asks_enough": "enough, sufficient, suffice|suffices",
    "asks_gpus": "many gpus|cards",
    "asks_fit": (
        "fit, fits, enough, sufficient, suffice, possible, can i|we, will it, does it, able to, work|run on, ^ MAY"
    ),
    "yes_or_no": "^ MAY",
    "says_fits": "fit|fits|enough|run|runs|work|works",
    "asks_much": "how much|many|big|large|heavy, MUCH ~ MEMORY",
    "asks_price": "cost|costs|price|prices|expensive, how much does it cost, cheap|cheaply|cheapest",
    "asks_power": (
        "how many|much watts|watt|power|electricity, what|which psu, psu for, power draw|consumption|usage|bill|supply,"
        " watts for|does|do|will|would, kwh"
    ),
    "compares": "compare|versus|vs|comparison|compared, difference between",
    "per_token": "per token kv|cache, kv|cache per token, cache a token, bytes per|a token, kv cache per|a token",
}

#: The intents: what each needs, in the order in which they are tried. A condition is a cue of :data:`CUES`, a fact of
#: :class:`Told`, or one of these denied with a ``not``.
ROWS: tuple[tuple[Intent, str, str], ...] = (
    ("compare", "several_gpus", "A6000 or L40S for Qwen3 32B"),
    ("compare", "gpu, model, compares", "Mixtral on A6000 versus others"),
    ("compare", "gpu, model, not count_asked, not counted, asks_price", "the price of Mixtral on A6000s"),
    ("models", "gpu, not model, not count_asked, not users_asked, asks_models", "what can I run on two 4090s"),
    ("count", "gpu, count_asked", "how many A6000s for Mixtral"),
    ("users", "users_asked, gpu", "how many users can 8 H100s serve with Llama 3.3 70B"),
    ("users", "users_asked, not asks_hardware", "how many users can Mixtral serve"),
    ("context", "context_asked, gpu", "max context for Gemma 3 27B on one L40S"),
    ("memory", "model, per_token", "KV cache per token for Llama 3 70B"),
    ("memory", "model, host, not gpu", "how much system RAM does Mixtral need"),
    ("gpus", "model, not gpu, not asks_number, asks_hardware", "what hardware for Mixtral"),
    ("fit", "gpu, model, asks_enough, not count_asked", "16gb of vram enough for Gemma 3 12B"),
    ("fit", "gpu, model, yes_or_no, says_fits, not asks_much, not count_asked", "will Mixtral fit in 48gb vram"),
    ("fit", "gpu, model, held, not asks_much, not asks_count", "Gemma 3 27B, 24gb"),
    ("count", "gpu, model, not counted, asks_gpus", "how much memory does Mixtral take, and how many A6000s"),
    ("memory", "asks_memory, not gpu", "how much VRAM does Llama 3 8B need"),
    ("memory", "asks_memory, not counted", "how much memory does Mixtral take on A6000s"),
    ("count", "not counted, asks_count", "A6000s needed for Mixtral"),
    ("memory", "model, not gpu, not counted, mentions_memory, not asks_fit", "Mixtral memory"),
    ("fit", "gpu, counted", "Mixtral on 2 A6000s"),
    ("fit", "gpu, asks_fit", "does Mixtral fit on an A6000"),
    ("count", "model", "Mixtral, A6000"),
    ("count", "gpu", "A6000"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a question tells, and so does not ask for."""

    model: bool
    gpu: bool
    several_gpus: bool = False
    counted: bool = False
    """A number of GPUs."""
    count_asked: bool = False
    """``how many`` or the like stands before a GPU's name."""
    users: bool = False
    context: bool = False
    held: bool = False
    """Whether an amount of memory was told in the place of a GPU."""
    host: bool = False
    """How much of the machine's own memory is asked."""


class _Facts:
    """What holds of a question, each looked at once."""

    def __init__(self, s: Sentence, told: Told) -> None:
        self.s, self.told = s, told
        self.known: dict[str, bool] = {
            "users_asked": not told.users and (self.says("asks_users") or self.says("names_users")),
            "context_asked": not told.context and self._context(),
        }

    def says(self, cue: str) -> bool:
        """Whether the question says what a cue stands for."""
        return matches(self.s, CUES[cue])

    def _context(self) -> bool:
        if self.says("at_full_context"):
            return False
        return self.says("asks_context") or (self.says("asks_reach") and self.says("of_lengths"))

    def __getitem__(self, name: str) -> bool:
        if name not in self.known:
            self.known[name] = self.says(name) if name in CUES else bool(getattr(self.told, name))
        return self.known[name]

    def hold(self, conditions: str) -> bool:
        """Whether every condition holds."""
        return all(self[c.removeprefix("not ")] != c.startswith("not ") for c in conditions.split(", "))


def says(s: Sentence, cue: str) -> bool:
    """Whether a question says what a cue stands for."""
    return matches(s, CUES[cue])


def intent_of(s: Sentence, told: Told) -> Intent | None:
    """The intent, or null where nothing in the question says one."""
    facts = _Facts(s, told)
    return next((intent for intent, conditions, _ in ROWS if facts.hold(conditions)), None)
