"""Deployments: who ran what on how many GPUs, or ran out of memory, or recommends it, against ``estimate``.

A deployment tells a layout and perhaps settings, not what its log printed. It is asked for under the profile of its
own engine and version where there is one; else vLLM's newest stands in, whose rules for tensors others share.
"""

from __future__ import annotations

import re

from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.engines.registry import engine, engine_names
from gpu_sizer.errors import GpuSizerError, RequestError, UncountableError
from gpu_sizer.evidence.records import OF_LOAD, EvidenceError, json_lines
from gpu_sizer.load import ENGINE
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass, field, fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Literal

    from gpu_sizer.cards.model_card import ModelCard
    from gpu_sizer.memory.estimate import Verdict

#: Length of a request where a deployment that ran tells none, or the model's own where that is shorter.
USUAL_CONTEXT = 8192
#: Precisions as deployments write them, where they are not the released one.
_PRECISIONS = {"bf16": "bfloat16", "fp16": "float16", "fp8": "float8", "fp32": "float32"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment; null where its source does not say."""

    id: str
    source_url: str
    hf_model: str | None = None
    gpu: str | None = None
    gpu_count: int | None = None
    verdict: str
    """served, oom, recommended, recommended_minimum."""
    engine: str | None = None
    engine_version: str | None = None
    precision: str | None = None
    released_precision_equals: bool | None = None
    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    ep: bool | None = None
    max_model_len: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """The settings of a load that are told, by their names."""
    strength: str | None = None
    """observed or stated."""
    quote: str | None = None
    note: str | None = None

    @property
    def kind(self) -> Literal["served", "oom", "recommended"]:
        """What it is evidence of."""
        if self.verdict == "served":
            return "served"
        return "oom" if self.verdict == "oom" else "recommended"


_FIELDS = tuple(f.name for f in fields(Deployment) if f.name != "settings")


@dataclass(frozen=True, slots=True)
class Judged:
    """A deployment with what the estimate says of it."""

    deployment: Deployment
    verdict: Verdict | None
    """Null where it cannot be asked for."""
    reason: str | None
    engine: str | None = None
    """The profile that was asked."""

    @property
    def agrees(self) -> bool:
        """Whether what ran is not refused, and what ran out of memory is not called fits."""
        return self.verdict != ("fits" if self.deployment.kind == "oom" else "does_not_fit")


def read_deployments(lines: Iterable[str], name: str) -> Iterator[Deployment]:
    """The deployments of a JSONL file; ``name`` stands in messages.

    Raises:
        EvidenceError: a line that is no deployment (file, line, reason).
    """
    for _, place, values in json_lines(lines, name):
        unknown = sorted(set(values).difference(_FIELDS, OF_LOAD)) if isinstance(values, dict) else ["not an object"]
        missing = [k for k in ("id", "source_url", "verdict") if unknown == [] and not values.get(k)]
        if unknown or missing:
            what = f"{unknown[0]}: unknown key" if unknown else f"{missing[0]}: missing"
            raise EvidenceError(f"{place}: {what}")
        settings = {name: values[name] for name in values if name in OF_LOAD and values[name] is not None}
        yield Deployment(**{name: values[name] for name in values if name in _FIELDS}, settings=settings)


def _profile(d: Deployment) -> str:
    """The profile of a deployment's engine and version, or the one that stands in."""
    words = (d.engine or "").lower().split()
    if not words or words[0] not in engine_names():
        return str(ENGINE.default)
    told = re.match(r"v?(\d+\.\d+[\w.]*)", d.engine_version or "")
    profile = f"{words[0]}@{told[1]}" if told is not None else words[0]
    try:
        engine(profile)
    except RequestError:
        # A version of which no profile is known.
        return words[0]
    return profile


def _layout(d: Deployment) -> Layout | None:
    """Its layout, tensor parallel where the source does not say; null where its sizes contradict its GPUs."""
    pp, dp, count = d.pp or 1, d.dp or 1, d.gpu_count or 0
    tp = d.tp or count // (pp * dp)
    return Layout(tp, pp, dp, bool(d.ep)) if tp and tp * pp * dp == count else None


def _usual_context(d: Deployment, card: ModelCard) -> int | None:
    """The length asked for where none is told: what ran out of memory ran its model's own, as an engine does."""
    return None if d.kind == "oom" else min(USUAL_CONTEXT, card.context.extended or card.context.native)


def _asked(d: Deployment, cards: Catalogue, layout: Layout, profile: str) -> Judged:
    card, gpu = cards.model(d.hf_model or ""), cards.gpu(d.gpu or "")
    options: dict[str, Any] = {
        **d.settings,
        "context": d.max_model_len or _usual_context(d, card),
    }
    if d.released_precision_equals is False and d.precision in _PRECISIONS:
        options["weights_dtype"] = _PRECISIONS[d.precision]
    try:
        engine(profile).check_card(card)
    except UncountableError:
        # The version that a source tells is not the one that ran.
        profile = profile.partition("@")[0]
    memory = Search(make_request(card, gpu, engine=profile, **options)).evaluate(layout)
    otherwise = engine(profile).unlike_earlier(card) if "@" not in profile else None
    if otherwise is not None and memory.verdict == "fits":
        return Judged(d, "tight", otherwise, profile)
    return Judged(d, memory.verdict, memory.reason, profile)


def judge(d: Deployment, cards: Catalogue) -> Judged:
    """What the estimate says of a deployment at its own layout, settings and engine version."""
    layout = _layout(d)
    if not (d.hf_model and d.gpu and d.gpu_count) or layout is None:
        return Judged(d, None, "model, GPU or layout are not told")
    try:
        return _asked(d, cards, layout, _profile(d))
    except GpuSizerError as error:
        return Judged(d, None, str(error))


def tally(judged: Iterable[Judged]) -> dict[str, tuple[int, int]]:
    """By kind: how many agree, of how many that could be asked for."""
    counts: dict[str, tuple[int, int]] = {}
    for j in judged:
        if j.verdict is not None:
            agree, every = counts.get(j.deployment.kind, (0, 0))
            counts[j.deployment.kind] = (agree + j.agrees, every + 1)
    return dict(sorted(counts.items()))
