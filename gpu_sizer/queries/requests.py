"""What was understood -> the request that the planner takes, and the sentence that says it back."""

from __future__ import annotations

from gpu_sizer.engines.registry import engine_title
from gpu_sizer.errors import RequestError
from gpu_sizer.load import ENGINE, OPTIONS, USUAL_ANSWER, USUAL_PROMPT
from gpu_sizer.planning.quantities import thousand, tokens
from gpu_sizer.planning.request import RATES, make_request, usual_context
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.cards.gpu_spec import GpuSpec
    from gpu_sizer.cards.machine import Offer
    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.planning.request import Request
    from gpu_sizer.queries.options import Options
    from gpu_sizer.queries.understanding import Understanding

#: Intents whose answer is a number of GPUs: nodes limit it.
_MANY = ("count", "gpus", "compare", "memory")
#: Options that the sentence says in other places.
_SAID_APART = ("context", "users", "engine")


@dataclass(frozen=True, slots=True)
class Asked:
    """The cards that a question names, its load options, and what to warn of."""

    understood: Understanding
    model: ModelCard | None
    gpus: tuple[GpuSpec, ...]
    gpu_count: int | None
    options: dict[str, Any]
    engine: str
    warnings: tuple[str, ...]
    machine: Offer | None = None
    """The machine that was named, whose GPUs these are."""
    machines: tuple[Offer, ...] = ()
    """The machines that were named to be compared, where there are several."""
    provider: str | None = None
    """Id of the provider that was named."""
    cards: Catalogue | None = None
    """Whose machines are named beside counts."""
    in_nodes: bool = False
    """Whether a number of nodes is asked for, or told."""
    workers: int = 1
    """Processes that share what takes long."""

    def request(self, gpu: GpuSpec | None = None) -> Request:
        """The checked request on one of the GPUs.

        Raises:
            RequestError: a value that makes no sense.
        """
        assert self.model is not None
        machine = self.machine if gpu is None else None
        return make_request(
            self.model,
            gpu or self.gpus[0],
            machine=machine,
            provider=self.provider,
            in_nodes=self.in_nodes,
            cards=self.cards,
            **self.options,
        )

    def layout(self) -> dict[str, int] | None:
        """The parallel sizes that were told, or null; what they leave of the GPUs told is a pipeline."""
        if not (told := self.understood.options.sizes):
            return None
        sizes = {"tensor": 1, "pipeline": 1, "data": 1, **told}
        count, product = self.gpu_count or 1, sizes["tensor"] * sizes["pipeline"] * sizes["data"]
        if "pipeline" not in told and product and count % product == 0:
            sizes["pipeline"] = count // product
        return sizes

    def largest_count(self) -> int:
        """The largest number of GPUs that the question names: told, as the end of a search, or by a layout."""
        product = 1
        for size in (self.layout() or {}).values():
            product *= size
        return max(self.gpu_count or 0, self.options.get("max_gpus") or 0, product)


def asked(u: Understanding, cards: Catalogue) -> Asked:
    """The cards and options of a question.

    Raises:
        RequestError: a length or a number of nodes that is none.
    """
    o = u.options
    model = cards.models.get(u.model).as_release(u.spelling) if u.model else None
    gpus = tuple(cards.gpus.get(g) for g in u.gpus)
    node = (gpus[0].gpus_per_node if gpus else None) or 8
    count, max_gpus = u.gpu_count, o.max_gpus
    if o.nodes is not None and o.nodes < 1:
        raise RequestError(f"the number of nodes must be at least 1, not {o.nodes}", about="nodes")
    if o.nodes and count is None and u.intent not in _MANY:
        count = node * o.nodes
    elif o.nodes and max_gpus is None and u.intent in _MANY:
        max_gpus = node * o.nodes
    if gpus and o.copies is not None and o.copies >= 1 and count in (None, o.copies):
        o.sizes["data"], o.copies = o.copies, None
    for kind, size in (("data", 1 if o.copies is None else o.copies), *o.sizes.items()):
        if size < 1:
            raise RequestError(f"{kind}_parallel_size must be a whole number of at least 1, not {size}")
    native = model.context.native if model else None
    engine = o.engine or ENGINE.default
    options: dict[str, Any] = {name: getattr(o, s.key, o.settings.get(name)) for name, s in OPTIONS.items()}
    if o.users_each and o.users is not None:
        options["users"] = o.users * (count or 1)
    options["context"] = sum(tokens(text, native) for text in o.context) or None
    if u.intent == "speed" or o.tokens_in_all or any(options[name] for name in RATES):
        options |= _paced(o, lengths(o, native), speed=u.intent == "speed")
    options |= {"engine": engine, "max_gpus": max_gpus}
    told = o.nodes_place is not None and u.intent not in _MANY
    if each := o.per_machine or (count // o.nodes if told and o.nodes and count and count % o.nodes == 0 else None):
        options["gpus_per_node"] = options["gpus_per_node"] or each
    kept = {k: v for k, v in options.items() if v is not None}
    return Asked(
        *(u, model, gpus, count, kept, engine, tuple(o.notes)), cards=cards, in_nodes=told or o.per_machine is not None
    )


def lengths(o: Options, native: int | None) -> dict[str, int]:
    """Tokens of a prompt, of an answer and of both, as far as they are told."""
    given = {"in": 0, "out": 0, "": 0}
    for text, part in o.parts:
        given[part] += tokens(text, native)
    return {name: given[part] for part, name in (("in", "prompt"), ("out", "answer"), ("", "context")) if given[part]}


def _paced(o: Options, told: dict[str, int], *, speed: bool) -> dict[str, Any]:
    """The lengths and rates of a question in which speed matters: a prompt and an answer are no context."""
    load: dict[str, Any] = dict(told)
    if {"prompt", "answer"} & told.keys():
        load.setdefault("context", None)
    elif speed:
        # A length alone is that of both.
        answer = min(USUAL_ANSWER, told.get("context", USUAL_PROMPT) // 2)
        load |= {"prompt": told.get("context", USUAL_PROMPT + answer) - answer, "answer": answer, "context": None}
    if o.tokens_in_all is not None:
        load["requests_per_second"] = o.tokens_in_all / told.get("answer", USUAL_ANSWER)
    return load


def say(a: Asked) -> str:
    """What was understood, in one sentence."""
    u, o, count = a.understood, a.options, a.gpu_count or 1
    model = a.model.name if a.model else ""
    gpus = [g.short_name for g in a.gpus]
    on = f"{count} × {gpus[0]}" if gpus else ""
    if u.mixed:
        on = f"{len(u.mixed)} GPUs of {len(gpus)} kinds together"
    if u.intent == "count":
        text = f"fewest {gpus[0]} for {model}"
    elif u.intent == "fit":
        text = f"whether {model} fits on {on}"
    elif u.intent == "context":
        text = f"longest context for {model} on {on}"
    elif u.intent == "users":
        text = f"most users for {model} on {on}"
    elif u.intent == "memory":
        text = f"memory for {model}" + (f" on {gpus[0]}" if gpus else "")
    elif u.intent == "speed":
        text = f"speed of {model} on {on}"
    elif u.intent == "models":
        called = f" called {u.spelling!r}" if u.among else ""
        text = f"models{called} that run on {on}" + (", the best rated first," if u.options.best else "")
    elif u.intent == "gpus":
        text = f"GPUs{_of_memory(u.memory)} for {model}, cheapest first"
    else:
        text = f"{' or '.join(gpus)} for {model}"
    return "; ".join([text + _load(a), *_details(a, o), *_aside(u)])


def _of_memory(told: tuple[int, int] | None) -> str:
    """The memory of the GPUs that are sought, where one was told."""
    if told is None:
        return ""
    least, most = told
    if least == most:
        return f" of {least} GB"
    return f" of at most {most} GB" if least == 0 else f" of at least {least} GB"


def _load(a: Asked) -> str:
    users = a.options.get("users", 1)
    length = a.options.get("context") or (usual_context(a.options, a.model) if a.model else None)
    parts = []
    if a.understood.intent != "context":
        parts.append(f"at {length:,} tokens" if length else "at each model's full context")
    if a.understood.intent != "users" and not a.understood.options.most:
        parts.append(f"{users:,} user{'s' if users > 1 else ''}")
    return " " + ", ".join(parts) if a.understood.intent != "context" else f", {parts[0]}"


def _details(a: Asked, o: dict[str, Any]) -> list[str]:
    said: list[str] = []
    if a.understood.options.engine:
        said.append(f"with {engine_title(a.engine)}")
    said += [s.say(o[n]) for n, s in OPTIONS.items() if n not in _SAID_APART and o.get(n, s.default) != s.default]
    said += _sizes(a)
    for text in a.understood.options.context:
        if text.endswith("k") and a.model is not None:
            said.append(f"k = {thousand(float(text[:-1]), a.model.context.native):,}")
            break
    return said


def _sizes(a: Asked) -> list[str]:
    """The parallel sizes: kept in a count and in a fit, and told where they are not."""
    told = a.understood.options
    sizes = a.layout() if a.understood.intent == "fit" else dict(told.sizes)
    said = [f"{kind} parallel {n}" for kind, n in (sizes or {}).items() if n > 1 or told.sizes.get(kind)]
    if told.expert_parallel:
        said.append("expert parallel")
    if not said:
        return []
    kept = a.understood.intent in ("count", "fit") and (a.understood.intent == "count" or sizes)
    return [" x ".join(said) + ("" if kept else " not kept: the best layout is taken")]


def _aside(u: Understanding) -> list[str]:
    ignored = ", ".join(f"'{word[:30]}'" for word in u.ignored)
    return [*u.taken_as, *([f"ignored: {ignored}"] if ignored else [])]
