"""A start-up log beside the estimate: what was expected, what differs, and why, in plain sentences."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from gpu_sizer.cards.catalogue import Catalogue
from gpu_sizer.engines.registry import engine, engine_names, engine_title, engine_wordings
from gpu_sizer.errors import GpuSizerError, UnknownNameError
from gpu_sizer.evidence.identify import Skipped, identify_model
from gpu_sizer.evidence.logs.startup import LogFindings
from gpu_sizer.evidence.records import EvidenceError, EvidenceRecord, record_from
from gpu_sizer.evidence.replay import Replayed, replay
from gpu_sizer.evidence.verdict import sentences
from gpu_sizer.records import dataclass, replace

#: Keys of a record that are about the record, not about the server.
_ABOUT = ("id", "source_url", "quote", "note")
#: Figures told beside those that a replay compares.
_FURTHER = ("activation_peak_gib", "needed_kv_gib")


@dataclass(frozen=True, slots=True)
class LogCheck:
    """A log's start-up with what the estimate says of it."""

    record: EvidenceRecord
    replayed: Replayed
    draft: dict[str, float]
    """What a draft model takes beside the main one, in GiB."""
    verdict_agrees: bool | None
    """Whether the estimate's verdict is what happened; null where one of them is not known."""
    sentences: tuple[str, ...]

    @property
    def found(self) -> dict[str, Any]:
        """What the log tells, by key of a record."""
        told = {k: v for k, v in self.record.model_dump().items() if v is not None and k not in _ABOUT}
        return told | self.draft

    @property
    def errors(self) -> dict[str, float]:
        """Relative error of each figure that both have: predicted / measured - 1."""
        further = {k: _error(getattr(self.record, k), self.replayed.predicted.get(k)) for k in _FURTHER}
        told = self.replayed.errors | {k: e for k, e in further.items() if e is not None}
        return {k: round(e, 6) for k, e in told.items()}

    def model_dump(self) -> dict[str, Any]:
        """The object of ``check-log --json``."""
        return {
            "found": self.found,
            "predicted": self.replayed.predicted,
            "errors": self.errors,
            "verdict_agrees": self.verdict_agrees,
            "verdict": list(self.sentences),
            "reason": self.replayed.reason,
            "assumed": list(self.replayed.assumed),
        }


def _error(measured: float | None, predicted: float | None) -> float | None:
    return predicted / measured - 1 if measured and predicted is not None and measured > 0 else None


def _known_name(names: tuple[str, ...], values: dict[str, Any], cards: Catalogue) -> str | None:
    """The first of a model's names that a card bears, or the likeliest one."""
    for name in names:
        try:
            identify_model(record_from({**values, "id": "log", "model": name}, "log"), cards)
        except Skipped as skipped:
            if not isinstance(skipped.__context__, UnknownNameError):
                return name
        else:
            return name
    return names[0] if names else None


def _summary(values: dict[str, Any]) -> str:
    """What was found, for a message that asks for the rest."""
    parts = [engine(values["engine"]).title]
    if "engine_version" in values:
        parts[0] += f" {values['engine_version']}"
    for key, form in (
        ("tp", "tensor parallel size {}"),
        ("weights_gib_per_gpu", "weights of {:.4g} GiB a GPU"),
        ("available_kv_gib", "{:.4g} GiB of KV cache"),
        ("kv_cache_tokens", "{:,} tokens of KV cache"),
    ):
        if key in values:
            parts.append(form.format(values[key]))
    return ", ".join(parts)


def _logged() -> str:
    """The engines whose logs are read."""
    *others, last = [engine_title(name) for name, _ in engine_wordings()]
    return f"{', '.join(others)} or {last}"


def _told(values: dict[str, Any], engine_told: str | None, sizes: dict[str, int | None]) -> dict[str, Any]:
    """A log's values with what was told beside it, which overrides them.

    Raises:
        RequestError: an engine that is not known.
    """
    if engine_told is not None:
        engine(engine_told)
        base, _, version = engine_told.partition("@")
        name = engine(base).name
        if values.get("engine") not in (None, name):
            # Another engine's version and generation say nothing.
            values = {k: v for k, v in values.items() if k not in ("engine_version", "engine_generation")}
        values = {**values, "engine": name}
        if version:
            values["engine_version"] = version
            values.pop("engine_generation", None)
    if given := {k: v for k, v in sizes.items() if v is not None}:
        values = {**values, **given}
        values["gpu_count"] = values.setdefault("tp", 1) * values.get("pp", 1) * values.get("dp", 1)
    elif "tp" not in values and "gpu_count" not in values:
        values = {**values, "tp": 1, "gpu_count": 1}
    return values


def _record(
    findings: LogFindings, cards: Catalogue, model: str | None, gpu: str | None, values: dict[str, Any]
) -> EvidenceRecord:
    """The record of a log and of what was told beside it.

    Raises:
        EvidenceError: nothing was found, or no model that is known.
        UnknownNameError: a model or GPU told beside the log that is not known.
    """
    if "engine" not in values:
        raise EvidenceError(
            f"no start-up of {_logged()} is found in this log; "
            "the lines about weights, KV cache and settings must be in it"
        )
    if gpu is not None:
        values["gpu"] = cards.gpus.resolve(gpu)
    name = model if model is not None else _known_name(findings.names, values, cards)
    if name is None:
        raise EvidenceError(f"the log tells {_summary(findings.values)}, but not the model: pass it with --model")
    values["model"] = name
    values |= {"id": _identity(values), "quote": findings.quote, "note": "; ".join(findings.notes) or None}
    return record_from(values, "log")


def _identity(values: dict[str, Any]) -> str:
    """An id that the same findings always get."""

    return f"log-{crc32(repr(sorted(values.items())).encode()):08x}"


def check(
    findings: LogFindings,
    cards: Catalogue,
    *,
    model: str | None = None,
    gpu: str | None = None,
    tp: int | None = None,
    pp: int | None = None,
    engine: str | None = None,
) -> LogCheck:
    """A log's findings beside the estimate.

    Args:
        findings: what the log tells.
        cards: models and GPUs.
        model, gpu, tp, pp, engine: what the log does not tell, or tells wrongly.

    Raises:
        EvidenceError: nothing was found in the log, or no model that is known.
        RequestError: an engine that is not known.
        UnknownNameError: a model or GPU given by name that is not known.
    """
    values = _told(dict(findings.values), engine, {"tp": tp, "pp": pp})
    record = _record(findings, cards, model, gpu, values)
    try:
        identify_model(record, cards)
    except Skipped as skipped:
        if isinstance(skipped.__context__, UnknownNameError):
            if model is not None:
                raise skipped.__context__ from None
            told = _summary(findings.values)
            message = f"the log tells {told}, of a model without a card: {skipped}; or pass --model"
            raise EvidenceError(message, suggestions=skipped.__context__.suggestions) from None
    taken, assumed = _of_version(record, findings, cards)
    replayed = replay(taken, cards, own_types=True)
    if assumed is not None:
        replayed = replace(replayed, assumed=(assumed, *replayed.assumed))
    agrees = _agrees(record, replayed)
    lines = [*sentences(taken, replayed, agrees, cards), *(f"Note: {n}." for n in findings.notes)]
    if record.outcome == "error_other":
        lines.insert(0, "Your server failed to start, by what the log tells.")
    if findings.startups > 1:
        lines.append(f"The log tells of {findings.startups} start-ups; this is the last.")
    if not findings.values.get("tp") and tp is None and not findings.values.get("gpu_count"):
        lines.append("The log does not tell the number of GPUs: one was assumed; --tp tells another.")
    return LogCheck(record, replayed, findings.draft, agrees, tuple(lines))


def _of_version(record: EvidenceRecord, findings: LogFindings, cards: Catalogue) -> tuple[EvidenceRecord, str | None]:
    """The record with a version where its log tells none, and how that was chosen.

    It is the newest that words as the log does and loads the model. An older generation of an engine's core stands
    for itself.
    """
    if record.engine_version or record.engine not in engine_names():
        return record, None
    newest = engine(record.engine)
    if record.engine_generation not in (None, newest.generation):
        return record, None
    version = findings.release or findings.newest or newest.release
    try:
        card = identify_model(record, cards, any_weights=newest.allocates_request).card
        profile = engine(f"{record.engine}@{version}")
        version = profile.newer_version(card) or profile.older_version(card) or version
    except (Skipped, GpuSizerError):
        return record, None
    why = "the newest that words so" if version == findings.newest else "the newest that is known"
    if version == findings.release:
        why = "the newest whose source prints this from the lines that the log names"
    elif version not in (findings.newest, newest.release):
        why = "the nearest that loads it"
    return replace(record, engine_version=version), f"{newest.title} {version}: {why}, for the log tells no version"


def _agrees(record: EvidenceRecord, replayed: Replayed) -> bool | None:
    """Whether the verdict is what happened. A tight one agrees with either."""
    verdict = replayed.predicted.get("verdict")
    if verdict is None or record.outcome not in ("served", "oom_load", "oom_kv"):
        return None
    return bool(verdict != "does_not_fit") if record.outcome == "served" else bool(verdict != "fits")
