"""A question -> its answer."""

from __future__ import annotations

from gpu_sizer.cards.catalogue import Catalogue, catalogue
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.planning.request import Request, make_request
from gpu_sizer.planning.search import Search, fit, plan
from gpu_sizer.planning.sentences import fit_lines, lines
from gpu_sizer.queries.grammar import context_of
from gpu_sizer.queries.understanding import Understanding, understand
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gpu_sizer.queries.understanding import Intent


@dataclass(frozen=True, slots=True)
class Answer:
    """What was understood, and the plan (or the verdict on a given number of GPUs)."""

    question: str
    intent: Intent
    understood: str
    result: Plan | Fit

    @property
    def fits(self) -> bool:
        """Whether it fits."""
        return self.result.fits

    def lines(self) -> Iterator[str]:
        """The answer in plain text, what was understood first."""
        yield f"({self.understood})"
        yield from lines(self.result) if isinstance(self.result, Plan) else fit_lines(self.result)

    def model_dump(self) -> dict[str, Any]:
        """The JSON object of DESIGN 6.2."""
        head = {"question": self.question, "intent": self.intent, "understood": self.understood}
        return {**head, **self.result.model_dump()}


def _request(u: Understanding, cards: Catalogue) -> Request:
    model, o = cards.models.get(u.model.identity), u.options
    return make_request(
        model,
        cards.gpus.get(u.gpu.identity),
        context=context_of(o, model.context.native),
        users=o.users or 1,
        engine=o.engine or "vllm",
        gpu_memory_utilization=o.utilization,
        weights_dtype=o.weights_dtype,
        kv_cache_dtype=o.kv_cache_dtype,
        layouts=o.layouts or "any",
    )


def _understood(u: Understanding, r: Request) -> str:
    gpu = r.gpu.name.removeprefix("NVIDIA ")
    subject = f"fewest {gpu}" if u.intent == "count" else f"{u.gpu_count} × {gpu}"
    parts = [
        f"understood: {subject} for {r.model.name} at {r.context:,} tokens, {r.users} user{'s' if r.users > 1 else ''}"
    ]
    if r.weights_dtype:
        parts.append(f"weights in {r.weights_dtype}")
    if r.layouts != "any":
        parts.append(f"{r.layouts} parallel only")
    if r.gpu_memory_utilization:
        parts.append(f"utilization {r.gpu_memory_utilization:g}")
    parts += [f"{f.spelling!r} taken as {f.identity}" for f in (u.model, u.gpu) if f.near]
    if u.ignored:
        parts.append("ignored: " + ", ".join(repr(w[:30]) for w in u.ignored[:6]))
    return "; ".join(parts)


def ask(text: str, *, cards: Catalogue | None = None) -> Answer:
    """The answer to a question in words.

    Raises:
        GpuSizerError: a name that is not known, or a question that is not understood.
    """
    shelf = cards or catalogue()
    u = understand(text, shelf)
    request = _request(u, shelf)
    understood = _understood(u, request)
    if u.intent == "fit" and u.gpu_count:
        best = Search(request).best(u.gpu_count)
        layout = best.layout if best else Layout(u.gpu_count if request.layouts != "pipeline" else 1)
        if best is None:
            nearest = Search(request).rejection(u.gpu_count)
            layout = nearest.layout or layout
        return Answer(u.question, "fit", understood, fit(request, layout))
    return Answer(u.question, "count", understood, plan(request))
