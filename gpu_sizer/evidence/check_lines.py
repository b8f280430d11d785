"""A start-up log beside the estimate, as lines that a person reads."""

from __future__ import annotations

from gpu_sizer.evidence.check import LogCheck
from gpu_sizer.evidence.records import OF_LOAD

#: Figures of the table: title, key, digits.
_FIGURES = (
    ("weights GiB a GPU", "weights_gib_per_gpu", 2),
    ("activation peak GiB", "activation_peak_gib", 2),
    ("KV cache GiB a GPU", "available_kv_gib", 2),
    ("KV cache needed GiB", "needed_kv_gib", 2),
    ("KV cache blocks", "gpu_blocks", 0),
    ("KV cache tokens", "kv_cache_tokens", 0),
    ("requests at once", "max_concurrency", 2),
)
#: Settings told before the table, with those of the load behind them.
_TOLD = ("gpu", "gpu_total_gib", "tp", "pp", "dp", "ep", "dtype", "quantization", "max_model_len")


def _shown(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _rows(done: LogCheck) -> list[tuple[str, ...]]:
    """Found beside predicted."""
    rows: list[tuple[str, ...]] = []
    for title, key, digits in _FIGURES:
        told, predicted = getattr(done.record, key), done.replayed.predicted.get(key)
        if told is None and (predicted is None or key == "needed_kv_gib"):
            continue
        error = f"{done.errors[key]:+.1%}" if key in done.errors else ""
        rows.append((title, _shown(told, digits), _shown(predicted, digits), error))
    return rows


def _heading(done: LogCheck) -> list[str]:

    r = done.record
    version = f" {r.engine_version}" if r.engine_version else ""
    log = done.found
    settings = ", ".join(f"{key} {log[key]}" for key in (*_TOLD, *OF_LOAD) if key in log)
    return [f"{r.engine}{version}: {r.model}", settings]


def lines(done: LogCheck) -> list[str]:
    """What was found beside what was expected, and why they differ."""
    told = [*_heading(done), ""]
    if rows := _rows(done):
        told += [*aligned([("", "found", "expected", "error"), *rows]), ""]
    told += done.sentences
    if done.replayed.assumed:
        told += ["", f"Assumed: {'; '.join(done.replayed.assumed)}"]
    return told


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows in columns, figures at the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    first, *others = widths
    return [
        "  ".join([row[0].ljust(first), *(c.rjust(w) for c, w in zip(row[1:], others, strict=True))]).rstrip()
        for row in rows
    ]
