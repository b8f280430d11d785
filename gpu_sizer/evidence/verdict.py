"""What a checked log means, in plain sentences: what was expected, what differs, and why."""

from __future__ import annotations

from typing import Any

from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.engines.registry import advised, engine
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.evidence.identify import Skipped, identify_gpu, identify_model
from gpu_sizer.evidence.records import EvidenceRecord
from gpu_sizer.evidence.replay import Replayed, engine_of, replay
from gpu_sizer.load import Load, Settings
from gpu_sizer.memory.layout import Layout
from gpu_sizer.records import dataclass, replace

#: Weights that agree, as a share; cache memory that agrees, in GiB and as a share; tokens that agree, as a share.
WEIGHTS_AGREE, CACHE_AGREES_GIB, CACHE_AGREES, TOKENS_AGREE = 0.01, 0.5, 0.03, 0.03
#: A lower setting is worth telling if it gains at least this much cache.
WORTH_TELLING_GIB, WORTH_TELLING = 0.5, 0.03
#: Lower settings that are tried: sequences at once, tokens of a batch.
FEWER_SEQUENCES, FEWER_TOKENS = 256, 2048
#: A cause explains a difference if it is at least this share of it.
EXPLAINS = 1 / 3
#: GPUs of one name with different memory differ by more than this.
ANOTHER_GPU_GIB = 7.0
#: Memory outside of PyTorch beyond this is worth a word.
MUCH_OUTSIDE_GIB = 1.0

_HAPPENED = {
    "served": "Your server started",
    "oom_load": "Your server ran out of memory before it had a KV cache",
    "oom_kv": "Your server found too little memory for its KV cache",
}


@dataclass(frozen=True, slots=True)
class Lower:
    """What the estimate says of a lower setting."""

    setting: str
    now: int
    tried: int
    activation_peak_gib: float
    available_kv_gib: float


def sentences(record: EvidenceRecord, replayed: Replayed, agrees: bool | None, cards: Catalogue) -> list[str]:
    """The verdict, one thought a sentence.

    Args:
        record: what the log tells.
        replayed: what the estimate says.
        agrees: whether the verdict is what happened.
        cards: models and GPUs.
    """
    p = replayed.predicted
    lines = [_outcome(record, replayed, agrees), _weights(record, p)]
    gpu_told = record.gpu is not None or record.gpu_total_gib is not None
    if "available_kv_gib" not in p and replayed.status == "ok" and not gpu_told:
        lines.append("The log does not tell the GPU: pass --gpu to compare the memory for the KV cache.")
    driver = _driver(record, p, cards)
    lines += [_cache(record, p, driver), _tokens(record, p), _needed(record, p), _advice(record, p, driver)]
    return [line for line in lines if line]


def _more(difference: float) -> str:
    return f"{abs(difference):.1f} GiB {'more' if difference > 0 else 'less'}"


def _outcome(record: EvidenceRecord, replayed: Replayed, agrees: bool | None) -> str | None:
    """What happened, and whether it was expected."""
    reason = replayed.reason
    if replayed.status != "ok":
        reason = reason or "it cannot be compared"
        return f"{reason[:1].upper()}{reason[1:]}."
    if (verdict := replayed.predicted.get("verdict")) is None:
        return None
    expected = {
        "fits": "the estimate says that it fits",
        "tight": "the estimate calls it tight: it may fit or not",
        "does_not_fit": f"the estimate says that it does not fit ({reason})",
    }[verdict]
    if (happened := _HAPPENED.get(record.outcome or "")) is None:
        return f"{expected[:1].upper()}{expected[1:]}."
    return f"{happened}, {'and' if agrees else 'but'} {expected}."


def _weights(record: EvidenceRecord, p: dict[str, Any]) -> str | None:
    told, ours = record.weights_gib_per_gpu, p.get("weights_gib_per_gpu")
    if told is None or ours is None:
        return None
    if abs(ours - told) <= WEIGHTS_AGREE * told:
        return f"Its weights are as expected: {told:.2f} GiB a GPU."
    return f"Its weights take {_more(told - ours)} a GPU than expected: {told:.2f} GiB, not {ours:.2f}."


def _settings(record: EvidenceRecord, cards: Catalogue) -> Settings | None:
    """The settings under which the estimate was made, defaults resolved."""
    try:
        identified = identify_model(record, cards)
        profile = engine(engine_of(record)[0])
        load = Load(
            context=record.max_model_len or identified.card.context.native,
            max_num_seqs=record.max_num_seqs,
            max_num_batched_tokens=record.max_num_batched_tokens,
        )
        model = profile.model(identified.card)
        return profile.settings(model, identify_gpu(record, cards)[0], load, Layout())
    except (Skipped, GpuSizerError):
        return None


def _driver(record: EvidenceRecord, p: dict[str, Any], cards: Catalogue) -> Lower | None:
    """The setting on which most of the activation peak hangs, by trying lower ones."""
    settings = _settings(record, cards)
    if settings is None or "activation_peak_gib" not in p:
        return None
    # The other setting is held: an engine's defaults depend on each other.
    held = replace(
        record,
        max_num_seqs=settings.max_num_seqs,
        max_num_batched_tokens=settings.max_num_batched_tokens,
    )
    tried = []
    for setting, now, lower, changed in (
        ("max_num_seqs", settings.max_num_seqs, FEWER_SEQUENCES, replace(held, max_num_seqs=FEWER_SEQUENCES)),
        (
            "max_num_batched_tokens",
            settings.max_num_batched_tokens,
            FEWER_TOKENS,
            replace(held, max_num_batched_tokens=FEWER_TOKENS),
        ),
    ):
        if now > lower and "activation_peak_gib" in (q := replay(changed, cards).predicted):
            tried.append(Lower(setting, now, lower, q["activation_peak_gib"], q["available_kv_gib"]))
    best = min(tried, key=lambda t: t.activation_peak_gib, default=None)
    if best is None or p["activation_peak_gib"] - best.activation_peak_gib < WORTH_TELLING_GIB:
        return None
    return best


def _cache(record: EvidenceRecord, p: dict[str, Any], driver: Lower | None) -> str | None:
    """The memory for the cache: as expected, or how far off and why."""
    told, ours = record.available_kv_gib, p.get("available_kv_gib")
    if told is None or ours is None:
        return None
    band = p.get("band_gib", 0.0)
    if abs(told - ours) <= max(CACHE_AGREES_GIB, CACHE_AGREES * abs(ours)):
        return f"The memory for its KV cache is as expected: {told:.2f} GiB a GPU ({ours:.2f} expected)."
    if abs(told - ours) <= band:
        return (
            f"It has {told:.2f} GiB of KV cache a GPU, within the estimate's own error ({ours:.2f} ± {band:.1f} GiB)."
        )
    cause = _cause(record, p, told - ours, driver)
    if record.gpu and record.gpu_total_gib is None and abs(told - ours) > ANOTHER_GPU_GIB:
        cause += f", or the GPU is another than {record.gpu}"
    than = f"than expected ({told:.2f} GiB, not {ours:.2f})"
    return f"Your server has {_more(told - ours)} KV cache a GPU {than}: {cause}."


def _cause(record: EvidenceRecord, p: dict[str, Any], difference: float, driver: Lower | None) -> str:
    """What explains most of a difference in cache memory (measured less predicted, in GiB)."""
    if engine(engine_of(record)[0]).allocates_request:
        return "it is as large as the context asked for, so model, context or type of the cache is another"
    less = difference < 0
    because = f" because {driver.setting} is {driver.now}" if driver is not None and less else ""
    causes: list[tuple[float, str]] = []
    if (peak := record.activation_peak_gib) is not None:
        ours = p["activation_peak_gib"]
        causes.append((ours - peak, f"its activation peak is {peak:.1f} GiB{because}, where {ours:.1f} was expected"))
    if (weights := record.weights_gib_per_gpu) is not None and "weights_gib_per_gpu" in p:
        ours = p["weights_gib_per_gpu"]
        causes.append((ours - weights, f"its weights take {weights:.2f} GiB, where {ours:.2f} was expected"))
    if record.non_torch_gib is not None and record.non_torch_gib > MUCH_OUTSIDE_GIB:
        outside = f"{record.non_torch_gib:.1f} GiB is used outside of PyTorch, by buffers or by another process"
        causes.append((-record.non_torch_gib, outside))
    share, text = max(causes, key=lambda c: -c[0] if less else c[0], default=(0.0, ""))
    if share and share / difference >= EXPLAINS:
        return text
    more = "more" if less else "less"
    if record.activation_peak_gib is not None:
        return f"neither weights nor activations explain it, so something else takes {more}"
    if record.weights_gib_per_gpu is None:
        return (
            f"weights, activations and overhead take {more} than the estimate's, and the log does not tell them apart"
        )
    estimate = f"the estimate's {p['activation_peak_gib']:.1f} GiB of activations and its overhead"
    return f"what it uses beside weights and cache is {more} than {estimate}"


def _tokens(record: EvidenceRecord, p: dict[str, Any]) -> str | None:
    """The cache in tokens, where the log tells it."""
    told, ours = record.kv_cache_tokens, p.get("kv_cache_tokens")
    if not told or not ours:
        return None
    if abs(ours / told - 1) <= TOKENS_AGREE:
        return f"It holds {told:,} tokens, as expected ({ours:,})."
    share = f"{abs(told / ours - 1):.0%} {'more' if told > ours else 'fewer'}"
    return f"It holds {told:,} tokens, {share} than the {ours:,} expected."


def _needed(record: EvidenceRecord, p: dict[str, Any]) -> str | None:
    told, ours = record.needed_kv_gib, p.get("needed_kv_gib")
    if told is None or ours is None:
        return None
    return f"One request of the full length needs {told:.2f} GiB of KV cache ({ours:.2f} expected)."


def _advice(record: EvidenceRecord, p: dict[str, Any], driver: Lower | None) -> str | None:
    """What a lower setting would give, where the engine may be told one."""
    if driver is None or driver.setting not in engine(engine_of(record)[0]).lowerable:
        return None
    gain = driver.available_kv_gib - p["available_kv_gib"]
    if gain < max(WORTH_TELLING_GIB, WORTH_TELLING * p["available_kv_gib"]):
        return None
    flag = advised(record.engine.split()[0], {driver.setting: driver.tried})
    peak = f"{driver.activation_peak_gib:.1f} GiB instead of {p['activation_peak_gib']:.1f}"
    return (
        f"With {flag}, not {driver.now}, the estimated activation peak is {peak}: {gain:.1f} GiB more KV cache a GPU."
    )
