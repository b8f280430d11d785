"""A question in words -> its answer."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.families import are_sizes
from gpu_sizer.engines.registry import advised
from gpu_sizer.errors import GpuSizerError, RequestError, UncountableError, UnknownModelError
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.planned import fit, plan
from gpu_sizer.planning.request import gpus_asked
from gpu_sizer.queries.gpu_memory import MOST_GIGABYTES
from gpu_sizer.queries.machines import InGpus, in_gpus
from gpu_sizer.queries.rates import rates_left
from gpu_sizer.queries.requests import asked, say
from gpu_sizer.queries.topics import Remark
from gpu_sizer.queries.understanding import understand_all
from gpu_sizer.records import dataclass, replace
from gpu_sizer.words import plain
from gpu_sizer.words import told as in_words
from gpu_sizer.words.blocks import BRIEF, USUAL, Paragraph, Told
from gpu_sizer.words.plan import dumped, notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Literal

    from gpu_sizer.cards.catalogue import Catalogue
    from gpu_sizer.planning.choices import Choices
    from gpu_sizer.planning.how_fast import HowFast
    from gpu_sizer.planning.inverse import LongestContext, MostUsers, OnCount
    from gpu_sizer.planning.needs import MemoryNeed
    from gpu_sizer.planning.runnable import Runnable
    from gpu_sizer.queries.intents import Intent
    from gpu_sizer.queries.pasted import Checked, Command
    from gpu_sizer.queries.requests import Asked
    from gpu_sizer.queries.understanding import Understanding
    from gpu_sizer.words.blocks import Block

    Result = Plan | Fit | OnCount | LongestContext | MostUsers | MemoryNeed | Runnable | Choices | HowFast


#: As much of a question as its answer tells back.
MOST_CHARACTERS = 500
#: Characters of a refusal that also says an answer.
MOST_SAID = 580
#: One of these stands in every question that holds a command, a log or what a tool printed: a cheap look for most.
_PASTED = (" -", "\n", "serve ", "run ")
#: One of these stands in every question about the GPUs of whoever asks.
_OWN = ("my ", "our ", "this ", "local ")
#: A shorter context than this is no answer to a question whose own does not fit.
LEAST_CONTEXT = 1024


@dataclass(frozen=True, slots=True)
class Most:
    """What may be asked: GPUs, and GPUs times users where the models that run are listed; null is any number."""

    gpus: int | None = None
    listed: int | None = None
    workers: int = 1
    """Processes that share what takes long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was understood, and the result: that of the library call and of the command which ask the same.

    ``engine`` is the one that was named; ``warnings`` say what the result leaves out; ``first`` are those of them that
    bear on what was decided, and so stand in the first line. ``ignored`` are the words that nothing was made of.
    """

    question: str
    intent: Intent
    understood: str
    result: Result
    engine: str = "vllm"
    warnings: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether it fits (whether anything does, for lists)."""
        return self.result.fits

    @property
    def plan(self) -> Plan | None:
        """The plan behind the answer; null for lists and for memory."""
        result: Any = self.result
        if isinstance(result, Plan):
            return result
        if isinstance(result, Fit):
            return result.as_plan()
        if self.intent == "fit":
            return result.fit.as_plan()  # type: ignore[no-any-return]
        return getattr(result, "plan", None)

    def told(self, level: int = USUAL) -> Told:
        """The answer in words: its sentence with what it leaves out of what was decisive, and what was understood."""
        made = in_words(self.result, level)
        first = " ".join([made.headline, *(f"{text[:1].upper()}{text[1:]}." for text in self.first)])
        blocks: list[Block] = [Paragraph((f"(understood: {self.understood})",), tone="dim", close=True)]
        if self.notes:
            blocks.append(notes(self.notes))
        return made.led_by(first, *blocks)

    def lines(self, level: int = USUAL) -> Iterator[str]:
        """The whole answer in plain text."""
        return plain.lines(self.told(level))

    @property
    def headline(self) -> str:
        """The answer in its first line."""
        return self.told(BRIEF).headline

    @property
    def notes(self) -> tuple[str, ...]:
        """What stands below the first line."""
        return tuple(w for w in self.warnings if w not in self.first)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object."""
        told: dict[str, Any] = {"question": self.question, "intent": self.intent, "understood": self.understood}
        told["headline"] = self.headline
        told.update(self.result.model_dump())
        if isinstance(self.result, Plan):
            told["levers"] = dumped(self.result)
        if self.warnings:
            _warned(told, self.warnings)
        if self.ignored:
            told["ignored"] = list(self.ignored)
        return told


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a question that cannot be answered, and why."""

    understood: str
    error: GpuSizerError
    fits: bool = False

    @property
    def headline(self) -> str:
        """Why it cannot be answered."""
        return f"{self.understood}: {self.error}."

    def told(self, level: int = USUAL) -> Told:
        """Why it cannot be answered."""
        return Told(self.headline, "does_not_fit")

    def model_dump(self) -> dict[str, Any]:
        """The JSON object of an error, with what was understood."""
        return {"understood": self.understood, **self.error.model_dump()}


@dataclass(frozen=True, slots=True)
class Answers:
    """A question that asks several things: the answer to each."""

    question: str
    answers: tuple[Answer | Refused, ...]
    intent: Literal["several"] = "several"
    sought: bool = False
    """Whether one of them that fits is what was asked for."""

    @property
    def understood(self) -> str:
        """What was understood of each part."""
        return " | ".join(dict.fromkeys(a.understood for a in self.answers))

    @property
    def fits(self) -> bool:
        """Whether every part fits; one part, where one that does is sought."""
        return (any if self.sought else all)(a.fits for a in self.answers)

    def told(self, level: int = USUAL) -> tuple[Told, ...]:
        """Each answer in words."""
        return tuple([a.told(level) for a in self.answers])

    def lines(self, level: int = USUAL) -> Iterator[str]:
        """Each answer in its first line, then each with what it rests on."""
        every = self.told(level)
        yield from [t.headline for t in every]
        for t in every:
            rest = list(plain.below(t))
            yield from ("", *rest) if rest else ()

    def model_dump(self) -> dict[str, Any]:
        """The JSON object of several answers; a model or GPU that all of them are about stands at the top, too."""
        told = [a.model_dump() for a in self.answers]
        alike = {k: told[0][k] for k in ("model", "gpu") if all(k in t and t[k] == told[0].get(k) for t in told)}
        return {
            "question": self.question,
            "intent": self.intent,
            "understood": self.understood,
            **alike,
            "answers": told,
        }


def _warned(dumped: dict[str, Any], warnings: tuple[str, ...]) -> None:
    """The warnings of the question before those of its answer."""
    for part in (dumped, dumped.get("plan")):
        if isinstance(part, dict):
            part["warnings"] = [*warnings, *part.get("warnings", ())]


def _count(a: Asked, cards: Catalogue) -> Plan:
    told = a.understood.options
    if told.sizes or told.expert_parallel:
        from gpu_sizer.planning.told_sizes import ToldSizes, smallest_with

        return smallest_with(a.request(), ToldSizes(**told.sizes, expert_parallel=told.expert_parallel))
    return plan(a.request())


def _fit(a: Asked, cards: Catalogue) -> Fit | OnCount:
    request = a.request()
    if a.understood.mixed:
        from gpu_sizer.planning.given import fit_given

        return fit_given(request, [cards.gpus.get(g) for g in a.understood.mixed])
    if sizes := a.layout():
        from gpu_sizer.memory.layout import Layout

        tensor, pipeline, data = sizes["tensor"], sizes["pipeline"], sizes["data"]
        layout = Layout(tensor, pipeline, data, a.understood.options.expert_parallel)
        return fit(request, layout, gpus=a.gpu_count)
    from gpu_sizer.planning.inverse import on_count

    return on_count(request, gpus_asked(a.gpu_count))


def _context(a: Asked, cards: Catalogue) -> LongestContext:
    from gpu_sizer.planning.inverse import longest_context

    request = a.request()
    return longest_context(request.under(context=request.model.context.native), gpus_asked(a.gpu_count))


def _users(a: Asked, cards: Catalogue) -> MostUsers:
    from gpu_sizer.planning.inverse import most_users

    return most_users(a.request().under(users=1), gpus_asked(a.gpu_count))


def _choices(a: Asked, cards: Catalogue) -> Choices:
    from gpu_sizer.planning.choices import which_gpu

    assert a.model is not None
    where = {"provider": a.provider, "in_machines": a.in_nodes, "shelf": cards, **a.options}
    if a.understood.intent == "compare":
        compared = [(cards.gpus.get(m.machine.seen_gpu or ""), m) for m in a.machines]
        own = {gpu.id for gpu, _ in compared}
        return which_gpu(a.model, [*(g for g in a.gpus if g.id not in own), *compared], in_order=True, **where)
    least, most = a.understood.memory or (0, MOST_GIGABYTES)
    sought = (g for g in cards.gpus.all() if least <= g.memory.marketed_gb <= most)
    return which_gpu(a.model, a.gpus or list(sought), **where)


def _memory(a: Asked, cards: Catalogue) -> MemoryNeed:
    from gpu_sizer.planning.choices import cheapest
    from gpu_sizer.planning.needs import REFERENCE_GPU, memory_need

    request = a.request(a.gpus[0] if a.gpus else cards.gpus.get(REFERENCE_GPU))
    return memory_need(request, cheapest(request, a.gpus or cards.gpus.every))


def _models(a: Asked, cards: Catalogue) -> Runnable:
    from gpu_sizer.planning.runnable import what_fits

    shelf = cards.models
    how = {"machine": a.machine, "workers": a.workers, "counts": shelf.counts, **a.options}
    u = a.understood
    tried = [shelf.get(i) for i in u.among] if u.among else shelf.all()
    runnable_models = what_fits(tried, a.gpus[0], gpus_asked(a.gpu_count), **how)
    if u.among:
        runnable_models = replace(runnable_models, called=u.spelling)
    if not a.understood.options.best:
        return runnable_models
    from gpu_sizer.arena.scores import rated_now
    from gpu_sizer.planning.runnable import by_rating

    return by_rating(runnable_models, *rated_now(cards))


def _speed(a: Asked, cards: Catalogue) -> HowFast:
    from gpu_sizer.queries.pace import speed_of

    return speed_of(a, gpus_asked(a.gpu_count))


def _carried(a: Asked) -> Asked:
    """A question of speed that tells no number of GPUs, with the fewest that carry the model."""
    from gpu_sizer.queries.pace import fewest

    return replace(a, gpu_count=fewest(a))


_ANSWERS: dict[Intent, Callable[[Asked, Catalogue], Result]] = {
    "speed": _speed,
    "count": _count,
    "fit": _fit,
    "context": _context,
    "users": _users,
    "memory": _memory,
    "models": _models,
    "gpus": _choices,
    "compare": _choices,
}


def _shorter(a: Asked, result: Result) -> str | None:
    """The context that fits on the GPUs that were told, where the one asked for does not; null where none does."""
    if isinstance(result, Plan):
        return None
    from gpu_sizer.planning.inverse import OnCount, longest

    if not isinstance(result, OnCount) or result.fits:
        return None
    reach = longest(a.request(), result.gpu_count)
    if reach < LEAST_CONTEXT or reach >= result.fit.request.context:
        return None
    request = result.fit.request
    option = advised(request.engine, {"context": reach}, request.users)
    return f"with a shorter context it fits: up to {reach:,} tokens ({option})"


def _other_memory(a: Asked, result: Result, cards: Catalogue) -> str | None:
    """Whether a GPU of the same name with another memory decides otherwise; null where it does not."""
    others = []
    for identity in a.understood.other_memory:
        gpu = cards.gpus.get(identity)
        try:
            other = _fit(replace(a, gpus=(gpu,)), cards)
        except GpuSizerError:
            continue
        if other.fits != result.fits:
            others.append(f"{a.gpu_count} × {gpu.name.removeprefix('NVIDIA ').removeprefix('AMD ')}")
    if not others:
        return None
    return f"on {' or '.join(others)} it {'fits' if not result.fits else 'does not fit'}"


def _layout_of(result: Result) -> Layout | None:
    """The layout that an answer found for the memory; null for lists, and where nothing fits."""
    planned: Any = getattr(result, "plan", None) or getattr(result, "fit", None) or result
    return getattr(planned, "layout", None) if result.fits else None


def _with_speed(a: Asked, result: Result, remark: Remark) -> Remark:
    """A remark on speed with what is known of it, for the layout that was found."""
    if remark.topic != "speed" or a.model is None or not a.gpus:
        return remark
    if (layout := _layout_of(result)) is None:
        return remark if result.fits else replace(remark, text="it has no speed where it does not fit")
    from gpu_sizer.queries.pace import aside

    return replace(remark, text=aside(a, layout))


def _refuse_dear(a: Asked, most: Most) -> None:
    """Refuses a question that takes longer to answer than is allowed here.

    Raises:
        RequestError: more GPUs, or more of them times users for a list of models.
    """
    if most.gpus is not None and (told := a.largest_count()) > most.gpus:
        raise RequestError(f"at most {most.gpus:,} GPUs can be asked about here, not {told:,}", about="gpu")
    listed = (a.gpu_count or 1) * a.options.get("users", 1)
    if most.listed is not None and a.understood.intent == "models" and listed > most.listed:
        message = f"which models run can be asked here for up to {most.listed:,} GPUs times users, not for {listed:,}"
        raise RequestError(message, about="users")


def _answer(u: Understanding, named: InGpus, cards: Catalogue, most: Most) -> Answer:
    """The answer to one question; where a speed that is only named is not known, the one to what else it asks."""
    if u.instead is None:
        return _answered(u, named, cards, most)
    try:
        return _answered(u, named, cards, most)
    except GpuSizerError:
        from gpu_sizer.queries.rates import SPEED

        return _answered(replace(u, intent=u.instead, remarks=(*u.remarks, SPEED)), named, cards, most)


def _answered(u: Understanding, named: InGpus, cards: Catalogue, most: Most) -> Answer:
    offer = named.offer if named.offer is not None and u.gpus == (named.offer.machine.seen_gpu,) else None
    if named.offers and u.model and {o.machine.seen_gpu for o in named.offers} >= set(u.gpus):
        # Machines side by side, whether or not their GPUs are alike.
        u = replace(u, intent="compare", gpu_count=None)
    machines = named.offers if u.intent == "compare" else ()
    a = replace(asked(u, cards), machine=offer, machines=machines, provider=named.provider, workers=most.workers)
    if u.intent == "speed" and a.gpu_count is None:
        a = _carried(a)
    remarks = list(u.remarks)
    copies = u.options.copies
    if a.gpus and copies is not None and copies > (a.gpu_count or copies) >= 1:
        from gpu_sizer.queries.copies import shared

        a, remark = shared(a, copies)
        remarks.append(remark)
    _refuse_dear(a, most)
    if a.gpu_count == 1 and copies is not None and remarks and a.understood is not u:
        result: Result = fit(a.request(), Layout())
    else:
        result = _ANSWERS[a.understood.intent](a, cards)
    if copies is not None and copies > 1 and a.understood.intent in ("memory", "gpus"):
        remarks.append(Remark(f"that is for one of the {copies} copies", first=True))
    more = [text for text in (_shorter(a, result), _other_memory(a, result, cards)) if text is not None]
    more += _aside(a, result)
    if u.intent == "speed" and not result.fits:
        more += _takes(a)
    told = [_with_speed(a, result, r) for r in remarks]
    first = (*more, *(r.text for r in told if r.first))
    kept = (w for w in a.warnings if w not in {r.text for r in remarks if r.first})
    warnings = tuple(dict.fromkeys((*kept, *first)))
    understood = "; ".join([say(a), *named.said])
    return Answer(u.question, a.understood.intent, understood, result, a.engine, warnings, first, u.ignored)


def _takes(a: Asked) -> Iterator[str]:
    """How many GPUs a model takes that does not run on those of whose speed a question asks."""
    from gpu_sizer.queries.pace import fewest

    if (count := fewest(a)) > (a.gpu_count or 1):
        yield f"it takes {count}"


def _aside(a: Asked, result: Result) -> Iterator[str]:
    """What a question asks beside its intent, and its answer holds."""
    u, o = a.understood, a.understood.options
    if o.dollars_an_hour is not None or o.by_month:
        from gpu_sizer.queries.budget import judged

        yield from judged(o, result)
    if o.power and a.gpus and u.intent not in ("gpus", "compare"):
        from gpu_sizer.words.power import drawn

        layout = _layout_of(result)
        yield drawn(a.gpus[0], layout.gpu_count if layout is not None else a.gpu_count or 1)
    if o.prices and not o.token_price and u.intent in ("fit", "count") and not u.mixed and result.fits:
        from gpu_sizer.planning.rental import rented
        from gpu_sizer.words.rental import named, priced

        planned: Any = getattr(result, "fit", None) or result
        rental = rented(planned)
        yield (
            f"on {named(rental)} it costs {priced(rental)}"
            if rental is not None
            else "no price is known of such machines"
        )
    if o.token_price:
        from gpu_sizer.queries.pace import token_price

        yield from token_price(a, result)
    if o.best and u.intent == "models":
        from gpu_sizer.words.inverse import unrated

        listed: Any = result
        yield from unrated(listed)
    if o.waits and u.intent == "speed":
        from gpu_sizer.words.how_fast import first_token

        result_: Any = result
        yield from first_token(result_)


def ask(
    text: str,
    *,
    cards: Catalogue | None = None,
    most_gpus: int | None = None,
    most_listed: int | None = None,
    workers: int = 1,
) -> Answer | Answers | Checked:
    """The answer to a question in words, or those to each of its parts.

    Args:
        text: ``how many A6000s for Mixtral 8x7b``.
        cards: the catalogue; null is the shipped one with the user's own folders.
        most_gpus: refuse questions about more GPUs, which take longer to answer; null is as many as can be planned.
        most_listed: refuse questions for all models that run on more GPUs, times users, for the same reason.
        workers: processes that share what takes long, as in :func:`gpu_sizer.what_fits`.

    Raises:
        GpuSizerError: a question that is not understood, or a name that is missing, unknown or ambiguous: ``kind``
            (``unknown``, ``ambiguous``, ``incomplete``, ``invalid``) and ``about`` say which.
    """
    shelf, most = cards or catalogue(), Most(most_gpus, most_listed, workers)
    known = shelf.changes
    try:
        answered = _asked_of(text, shelf, most)
    except GpuSizerError:
        shelf.look_again()
        if shelf.changes == known:
            raise
    else:
        if shelf.changes == known:
            return answered
    # Cards were edited in place, and a name means something else now.
    return _asked_of(text, shelf, most)


def _asked_of(text: str, shelf: Catalogue, most: Most) -> Answer | Answers | Checked:
    """The answer from the cards as they are known."""
    answered = _pasted(text, shelf, most)
    if not isinstance(answered, InGpus):
        return answered
    named = answered
    question = " ".join(text.split())[:MOST_CHARACTERS]
    try:
        named, read = _read(named, shelf)
    except UnknownModelError as error:
        if (said := _of_best_known(error, named, shelf, most)) is not None:
            whole = f"{error}; {said}"
            error.args = (whole if len(whole) <= MOST_SAID else str(error),)
        raise
    parts = tuple(replace(u, question=question) for u in _side_by_side(read, named))
    if len(parts) == 1:
        try:
            return _answer(parts[0], named, shelf, most)
        except GpuSizerError as error:
            if told := [*(r.text for r in parts[0].remarks if r.first), *rates_left(parts[0].options)]:
                error.args = (f"{error}; besides, {'; '.join(told)}",)
            if isinstance(error, UncountableError):
                # A rule that is not known for these: the reader must see which ones were meant.
                error.args = (f"{error} (understood: {say(asked(parts[0], shelf))})",)
            raise
    answers = tuple(_parts(parts, named, shelf, most))
    if all(isinstance(a, Refused) for a in answers):
        raise next(a.error for a in answers if isinstance(a, Refused))
    return Answers(question, answers, sought=all(u.sought for u in parts))


def _side_by_side(parts: tuple[Understanding, ...], named: InGpus) -> tuple[Understanding, ...]:
    """The parts of a question, of which those on the GPUs of each of its machines are one: they are compared."""
    there = {o.machine.seen_gpu for o in named.offers}
    if any(not there.issuperset(u.gpus) for u in parts) or not there:
        return parts
    kept: dict[tuple[str | None, int], Understanding] = {}
    for u in parts:
        key = (u.model, id(u.options))
        before = kept.get(key)
        kept[key] = u if before is None else replace(before, gpus=tuple(dict.fromkeys((*before.gpus, *u.gpus))))
    return tuple(kept.values())


def _of_best_known(error: UnknownModelError, named: InGpus, cards: Catalogue, most: Most) -> str | None:
    """The answer for the best known of the models that a mere size could mean; null for other errors."""
    if error.kind != "ambiguous" or not are_sizes(error.spelling):
        return None
    import re

    best = error.suggestions[0]
    text = re.sub(rf"\b{re.escape(error.spelling)}\b", best, named.text, count=1, flags=re.I)
    try:
        where, parts = _read(replace(named, text=text), cards)
        headline = _answer(parts[0], where, cards, most).headline
    except GpuSizerError:
        return None
    return f"of these {best} has most releases: {headline.removesuffix('.')}"


def _pasted(text: str, cards: Catalogue, most: Most) -> Answer | Checked | InGpus:
    """The answer where a command or a log was pasted; else the question, with GPUs in the place of machines."""
    if not any(sign in text for sign in _PASTED):
        return in_gpus(text, cards)
    from gpu_sizer.queries.here import in_paste
    from gpu_sizer.queries.pasted import find_command, in_log

    if (command := find_command(text)) is not None:
        return _starts(text, command, cards, most)
    return in_log(text, cards) or in_paste(text, cards) or in_gpus(text, cards)


def _starts(text: str, command: Command, cards: Catalogue, most: Most) -> Answer:
    """Whether the command in a question starts on the GPUs that the rest of the question names."""
    from gpu_sizer.queries.pasted import read_command, started

    read, model = read_command(command)
    rest = command.rest.strip(" :;.?\n")
    named = in_gpus(f"does {cards.model(model).name} fit {rest}", cards)
    named, parts = _read(named, cards)
    u = parts[0]
    gpu = u.gpus[0] if u.gpus else None
    start = started(read, model, gpu, u.gpu_count, cards, most.gpus)
    there = f"{u.gpu_count or start.fit.gpu_count} × {start.fit.request.gpu.short_name}"
    said = "; ".join((f"whether `{command.text[:120]}` starts on {there}", *named.said))
    question = " ".join(text.split())[:MOST_CHARACTERS]
    unsafe = start.notes if start.command.takes_memory else ()
    warnings = (*start.notes, *u.options.notes)
    return Answer(question, "fit", said, start.fit, start.command.engine.partition("@")[0], warnings, unsafe[:1])


def _read(named: InGpus, cards: Catalogue) -> tuple[InGpus, tuple[Understanding, ...]]:
    """What a question asks; where it names no GPU, its own words for one are read: "my GPU", or a sum of money."""
    mine = False
    if not cards.names_only and any(word in named.text.lower() for word in _OWN):
        from gpu_sizer.queries.here import says_mine

        mine = says_mine(named.text)
    if mine:
        return _on_mine(named, cards)
    try:
        return named, understand_all(named.text, cards)
    except RequestError as error:
        missing = error.kind == "incomplete" or (error.kind, error.about) == ("unknown", "question")
        if not missing or (paid := _on_rented(named, cards)) is None:
            raise
        return paid


def _on_rented(named: InGpus, cards: Catalogue) -> tuple[InGpus, tuple[Understanding, ...]] | None:
    """What a question asks of the machine that its sum of money rents; null where it tells none, or a GPU."""
    from gpu_sizer.queries.budget import within

    if named.offer is not None or (paid := within(named.text, cards)) is None:
        return None
    offer, said = paid
    machine = offer.machine
    where = replace(named, text=f"which models? {named.text} on {machine.gpu_count} x {machine.seen_gpu}", offer=offer)
    parts = understand_all(where.text, cards)
    if len({g for u in parts for g in u.gpus}) > 1:
        return None
    told = Remark(said, first=True)
    return where, tuple(
        replace(u, options=replace(u.options, dollars_an_hour=None, by_month=False), remarks=(*u.remarks, told))
        for u in parts
    )


def _on_mine(named: InGpus, cards: Catalogue) -> tuple[InGpus, tuple[Understanding, ...]]:
    """What a question asks of this computer's GPUs, unless it names others.

    Raises:
        GpuSizerError: it is not understood, or there are none where it names none.
    """
    from gpu_sizer.queries.here import on_mine

    parts: tuple[Understanding, ...] = ()
    missing: GpuSizerError | None = None
    try:
        parts = understand_all(named.text, cards)
    except RequestError as error:
        if error.kind != "incomplete":
            raise
        missing = error
    if any(u.gpus or u.mixed for u in parts):
        return named, parts
    try:
        here = on_mine(named, cards)
    except RequestError as error:
        if missing is not None:
            raise error from None
        return named, tuple(replace(u, remarks=(*u.remarks, Remark(str(error), first=True))) for u in parts)
    return here, understand_all(here.text, cards)


def _parts(parts: tuple[Understanding, ...], named: InGpus, cards: Catalogue, most: Most) -> list[Answer | Refused]:
    """The answer to each part; where a type of weights is sought, the first that fits, and what was too large."""
    kept: list[Answer | Refused] = []
    for u in parts:
        answer = _part(u, named, cards, most)
        if u.sought and answer.fits:
            return [answer, *kept]
        kept.append(answer)
    return kept


def _part(u: Understanding, named: InGpus, cards: Catalogue, most: Most) -> Answer | Refused:
    """The answer to one of several parts; one that has none does not end the others."""
    try:
        return _answer(u, named, cards, most)
    except GpuSizerError as error:
        length = f" at {u.options.context[0]} tokens" if u.options.context else ""
        return Refused(f"{cards.models.get(u.model).name if u.model else u.intent}{length}", error)
