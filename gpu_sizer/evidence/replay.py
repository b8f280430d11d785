"""Records replayed: each becomes a request at its own layout, settings and engine version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.engines.registry import engine as get_engine
from gpu_sizer.engines.registry import engine_name, engine_names
from gpu_sizer.engines.speculation import NoDrafterError
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.evidence.identify import Identified, Skipped, identify_gpu, identify_model
from gpu_sizer.evidence.records import EvidenceRecord
from gpu_sizer.memory.estimate import LayoutMemory
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.request import Request, make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.records import dataclass, replace
from gpu_sizer.units import GIB

#: What a log measures that an estimate predicts.
COMPARED = ("weights_gib_per_gpu", "available_kv_gib", "gpu_blocks", "kv_cache_tokens", "max_concurrency", "outcome")
#: Weights that are heavier than a guessed format by more than this share disprove it.
GUESS_HOLDS = 0.02


@dataclass(frozen=True, slots=True)
class Replayed:
    """One record with what the estimate says of it; null predictions where the log lacks what they need."""

    record: EvidenceRecord
    status: Literal["ok", "skipped"]
    reason: str | None
    predicted: dict[str, Any]
    assumed: tuple[str, ...] = ()
    """What the log does not tell and was taken from the engine's defaults."""

    @property
    def measured(self) -> dict[str, Any]:
        """What the log says."""
        told = {key: getattr(self.record, key) for key in COMPARED}
        return {key: value for key, value in told.items() if value is not None}

    @property
    def errors(self) -> dict[str, float]:
        """Relative error of each figure that both have: predicted / measured - 1."""
        return {
            key: self.predicted[key] / value - 1
            for key, value in self.measured.items()
            if isinstance(value, int | float) and value > 0 and isinstance(self.predicted.get(key), int | float)
        }

    def model_dump(self) -> dict[str, Any]:
        """The object of ``replay --json``."""
        return {
            "id": self.record.id,
            "status": self.status,
            "reason": self.reason,
            "predicted": self.predicted,
            "measured": self.measured,
            "assumed": list(self.assumed),
        }


def engine_of(record: EvidenceRecord) -> tuple[str, str | None]:
    """The engine profile of a record, and what was assumed of its version.

    Raises:
        Skipped: an engine without a profile.
    """
    name = engine_name(record.engine.split()[0])
    if name not in engine_names():
        raise Skipped(f"no profile of the engine {record.engine!r}")
    told, generation = record.engine_version, record.engine_generation
    if told:
        profile = f"{name}@{told.lstrip('v')}"
        if generation is None or get_engine(profile).generation in (None, generation):
            return profile, None
    if (version := get_engine(name).standing(generation, beside=bool(told))) is not None:
        # Two generations of one engine differ more than the versions within one.
        return f"{name}@{version}", f"{name} {version}: " + (
            f"{told} ran as {generation}" if told else "the log tells the generation alone"
        )
    return name, f"{name}: the newest version that is known"


def layout_of(record: EvidenceRecord) -> Layout:
    """The layout of a record.

    Raises:
        Skipped: it tells neither parallel sizes nor a number of GPUs.
    """
    pp, dp = record.pp or 1, record.dp or 1
    tp = record.tp or ((record.gpu_count or 0) // (pp * dp))
    if tp < 1:
        raise Skipped("neither tensor parallel size nor number of GPUs is known")
    return Layout(tp, pp, dp, bool(record.ep))


def request_of(record: EvidenceRecord, identified: Identified, gpu: GpuSpec, engine: str) -> Request:
    """The request that a record's start-up answers: its own length and settings."""
    card, load = identified.card, record.load()
    # A length beyond the card's own was let through by the operator (rope scaling): the log is the authority.
    longest = card.context.extended or card.context.native
    if record.max_model_len and record.max_model_len > longest:
        card = replace(card, context=replace(card.context, native=record.max_model_len, extended=None, method=None))
    profile = get_engine(engine)
    context, users = profile.logged_load(record.max_model_len, card.context.native, record.max_num_seqs)
    if users > 1:
        # Sequences that stand for users are no bound of their own.
        load.pop("max_num_seqs", None)
    load |= {"context": context, "users": users, "weights_dtype": identified.dtype}
    return make_request(card, gpu, engine=engine, **load)


def replay(record: EvidenceRecord, cards: Catalogue, *, own_types: bool = False) -> Replayed:
    """One record replayed.

    Args:
        record: what a start-up printed.
        cards: models and GPUs.
        own_types: as in :func:`identify_model`.
    """
    try:
        return _replay(record, cards, own_types)
    except Skipped as skipped:
        return Replayed(record, "skipped", str(skipped), {})
    except GpuSizerError as error:
        return Replayed(record, "skipped", str(error), {})


def _replay(record: EvidenceRecord, cards: Catalogue, own_types: bool) -> Replayed:
    """One record replayed.

    Raises:
        Skipped: a model, GPU or layout that cannot be told.
    """
    layout = layout_of(record)
    name, assumed_version = engine_of(record)
    profile = get_engine(name)
    identified = identify_model(record, cards, any_weights=profile.allocates_request, own_types=own_types)
    if not record.engine_version and (newer := profile.newer_version(identified.card)) is not None:
        # A log that tells no version is of one that loads its model.
        name, assumed_version = f"{profile.name}@{newer}", f"{profile.name} {newer}: the first version that loads it"
    gpu, memory_known = identify_gpu(record, cards, any_gpu=profile.allocates_request)
    assumed = [a for a in (assumed_version,) if a]
    for key, what in (
        ("max_model_len", "the model's own length"),
        ("gpu_memory_utilization", "the engine's default utilisation"),
    ):
        if getattr(record, key) is None:
            assumed.append(what)
    request = request_of(record, identified, gpu, name)
    if profile.allocates_request and layout.tensor_parallel_size > 1 and record.tp is None:
        # A number of GPUs without a layout: whole layers, as such an engine does by itself.
        layout = Layout(1, layout.tensor_parallel_size, layout.data_parallel_size)
    try:
        memory = Search(request).evaluate(layout)
    except NoDrafterError as error:
        # The rest of the start-up is compared without what drafts.
        request = request.under(speculative=None)
        assumed.append(f"nothing that drafts, for {error}")
        memory = Search(request).evaluate(layout)
    if memory.per_gpu is None:
        return Replayed(
            record, "ok", memory.reason, {"verdict": memory.verdict, "outcome": "error_other"}, tuple(assumed)
        )
    predicted: dict[str, Any] = {}
    if identified.weights_known:
        predicted["weights_gib_per_gpu"] = round(max(s.loaded_bytes for s in memory.stages) / GIB, 4)
    if memory.allocated_kv_bytes is not None:
        predicted |= {
            "available_kv_gib": round((memory.allocated_kv_bytes - memory.state_bytes) / GIB, 4),
            "activation_peak_gib": round(memory.per_gpu.activation_bytes / GIB, 4),
        }
    if memory_known and identified.weights_known:
        predicted = _of_memory(memory, layout) | predicted
        if identified.guessed:
            assumed.append(
                f"weights in {identified.format}, as the name or the method says; more where layers stay as they were"
            )
            if predicted["verdict"] == "fits" and not _as_heavy(record, predicted):
                predicted["verdict"] = "tight"
    if not record.engine_version and (otherwise := profile.unlike_earlier(identified.card)) is not None:
        assumed.append(f"the newest version: {otherwise}")
        if predicted.get("verdict") == "fits":
            predicted["verdict"] = "tight"
    told = memory.reason if "verdict" in predicted else None
    return Replayed(record, "ok", told, predicted, tuple(assumed))


def _as_heavy(record: EvidenceRecord, predicted: dict[str, Any]) -> bool:
    """Whether the log's own weights bear a guessed format out."""
    told = record.weights_gib_per_gpu
    return told is not None and told <= predicted["weights_gib_per_gpu"] * (1 + GUESS_HOLDS)


def _of_memory(memory: LayoutMemory, layout: Layout) -> dict[str, Any]:
    """What depends on the GPU's memory, in a record's keys."""
    assert memory.per_gpu is not None
    outcome = "served" if memory.verdict != "does_not_fit" else "oom_kv"
    if memory.per_gpu.weights_bytes > memory.per_gpu.budget_bytes:
        outcome = "oom_load"
    return {
        "available_kv_gib": round(memory.per_gpu.available_kv_bytes / GIB, 4),
        "activation_peak_gib": round(memory.per_gpu.activation_bytes / GIB, 4),
        "gpu_blocks": memory.blocks,
        "kv_cache_tokens": memory.printed_tokens,
        "max_concurrency": round(memory.max_concurrent_requests / layout.data_parallel_size, 2),
        "needed_kv_gib": round(memory.per_gpu.kv_cache_bytes / GIB, 4),
        "band_gib": round(memory.band_bytes / GIB, 4),
        "verdict": memory.verdict,
        "outcome": outcome,
    }


def replay_all(records: Iterable[EvidenceRecord], cards: Catalogue) -> Iterator[Replayed]:
    """Every record, one after another."""
    return (replay(record, cards) for record in records)
