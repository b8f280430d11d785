"""Writes docs/speed-accuracy.md: the estimate beside every benchmark, by constants that had not seen it.

    python tools/speed_report.py [FILE]

Half 1 is estimated by the constants that are shipped, which were fitted on half 0; half 0 by constants that are fitted
on half 1 for this page alone. Configurations that were measured again count once, by their median.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import fit_speed  # noqa: E402
from fit_speed import Arrays, Row, estimates, fit, rows_of, usable  # noqa: E402

from gpu_sizer.evidence.benchmarks import read_benchmarks  # noqa: E402
from gpu_sizer.timing.band import FIGURES, band, regime  # noqa: E402

OUTPUT = ROOT / "docs" / "speed-accuracy.md"
#: What benchmarks/speed_peers.py wrote.
PEERS = ROOT / "benchmarks" / "speed_peers.jsonl"
WORDS = {"tokens": "output tokens a second", "token": "time per token", "first": "time to the first token"}
#: Groups with fewer configurations are not listed.
LEAST = 8
#: The farthest groups that are listed.
WORST = 12
#: Why a source and model lie far off, by source and card.
CAUSES = {
    ("GPUStack lab", "glm-4.5-air"): "the pages print the same figures for A100 and H100: one of them is not as told",
    ("Argonne", "mixtral-8x7b"): "a step of 16 requests was hardly longer than of one: they met few experts more",
    ("nvidia-runs-in-aiconfigurator", "llama-3.1-8b"): "some times per token are below what the others' prompts take",
    (
        "TensorRT-LLM docs",
        "llama-3.1-405b",
    ): "of dense models in 8 or 4 bits at full batches the other half has small ones",
}


class Tested:
    """A row with its estimates, how many ran at once, and its half."""

    def __init__(self, row: Row, found: dict[str, float], running: float, half: int) -> None:
        self.row, self.found, self.running, self.half = row, found, running, half

    def error(self, figure: str) -> float | None:
        """Estimated over measured."""
        value = self.row.figures[figure]
        return self.found[figure] / value if value else None

    def in_range(self, figure: str) -> bool:
        """Whether what was measured lies in the range that is printed."""
        made, _ = band(figure, self.row.basis.engine.key, self.row.experts, self.running)
        return made.low <= 1 / (self.error(figure) or 1) <= made.high


def tested() -> list[Tested]:
    """Every configuration, estimated by constants of the other half."""
    with fit_speed.RECORDS.open(encoding="utf-8") as stream:
        every = list(read_benchmarks(stream, fit_speed.RECORDS.name))
    halves = [usable(rows_of(b for b in every if b.half == half)) for half in (0, 1)]
    result = []
    for half in (0, 1):
        space, x = fit(halves[1 - half])
        found, made = estimates(space, x, Arrays(halves[half]))
        for i, row in enumerate(halves[half]):
            result.append(Tested(row, {k: float(v[i]) for k, v in found.items()}, float(made.running[i]), half))
    return result


def line(name: str, rows: Iterable[Tested], figure: str) -> str | None:
    """One line of a table; null where too few configurations tell the figure."""
    pairs = [(e, t) for t in rows if (e := t.error(figure)) is not None]
    if len(pairs) < LEAST:
        return None
    off = sorted(abs(e - 1) for e, _ in pairs)
    ranged = sum(t.in_range(figure) for _, t in pairs) / len(pairs)
    within = sum(o <= 0.3 for o in off) / len(off)
    ninth = off[int(0.9 * (len(off) - 1))]
    lean = median(e for e, _ in pairs) - 1
    return f"| {name} | {len(pairs):,} | {median(off):.1%} | {ninth:.0%} | {within:.0%} | {ranged:.0%} | {lean:+.0%} |"


def table(rows: list[Tested], figure: str, by: Callable[[Tested], str] | None = None) -> list[str]:
    """A table of groups, the largest first."""
    groups: dict[str, list[Tested]] = defaultdict(list)
    for t in rows:
        groups[by(t) if by else "all"].append(t)
    lines = [line(n, g, figure) for n, g in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))]
    head = "| | configurations | half within | nine of ten within | within 30 % | in the range | leans |"
    return [head, "|---|---:|---:|---:|---:|---:|---:|", *filter(None, lines), ""]


def worst(rows: list[Tested]) -> list[str]:
    """The sources and models that lie farthest off, with what is known of why."""
    groups: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for t in rows:
        for figure in ("tokens", "token"):
            if (e := t.error(figure)) is not None:
                groups[(*t.row.group, t.row.basis.engine.key)].append(abs(e - 1))
    far = sorted(((median(v), k, len(v)) for k, v in groups.items() if len(v) >= LEAST), reverse=True)[:WORST]
    lines = ["| source | model | engine | figures | half within | what is known |", "|---|---|---|---:|---:|---|"]
    for off, (source, card, engine), n in far:
        lines.append(f"| {source} | {card} | {engine} | {n} | {off:.0%} | {CAUSES.get((source, card), '')} |")
    return [*lines, ""]


def peers() -> list[str]:
    """The time per token of a peer beside ours, on configurations that both answer; what it does not answer counted."""
    head, *rows = map(json.loads, PEERS.read_text(encoding="utf-8").splitlines())
    both = [r for r in rows if r["ours"] and r["peer"].get("tpot_ms")]
    groups = {"all": both, **{e: [r for r in both if r["engine"] == e] for e in sorted({r["engine"] for r in both})}}
    answered = [sum(bool(r["peer"].get("tpot_ms")) for r in rows), sum(bool(r["ours"]) for r in rows)]
    name = head["peer"].replace("==", " ")
    lines = [
        f"`python -m benchmarks.speed_peers` asked {name}, in an environment of its own, and our own",
        f"estimate for the time per token of {len(rows)} configurations of half 1, some of each engine, GPU, model",
        "and type. No constant of ours had seen them; most are in the peer's own sample of measured runs. The",
        f"peer answered {answered[0]} of them, ours {answered[1]}; the table is of those that both answered.",
        "",
        "| | configurations | the peer: half within | within 30 % | leans | ours: half within | within 30 % | leans |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, of in groups.items():
        cells = []
        for get in (lambda r: r["peer"]["tpot_ms"], lambda r: r["ours"]):
            ratios = [get(r) / r["measured"] for r in of]
            off = [abs(x - 1) for x in ratios]
            within = sum(o <= 0.3 for o in off) / len(off)
            cells.append(f"{median(off):.1%} | {within:.0%} | {median(ratios) - 1:+.0%}")
        lines.append(f"| {name} | {len(of)} | {' | '.join(cells)} |")
    reasons = Counter(r["peer"]["reason"].partition(":")[0] for r in rows if "reason" in r["peer"])
    if reasons:
        told = ", ".join(f"{n} with {name}" for name, n in reasons.most_common())
        lines += ["", f"Not answered by the peer: {told}."]
    return [*lines, ""]


def main() -> None:
    """Writes the page."""
    rows = tested()
    servers = [
        t for t in rows if t.row.basis.engine.key in fit_speed.SERVERS and t.row.case.tensor * t.row.case.data <= 8
    ]
    others = [t for t in rows if t.row.basis.engine.key not in fit_speed.SERVERS]
    lines = [
        "# How far the speeds are off",
        "",
        "Written by `python tools/speed_report.py` from `tests/evidence/speed.jsonl`: 7,407 benchmarks that others",
        "published, each with its source. Every figure here is of a configuration on whose source and model the",
        "constants behind it were not fitted: half 1 is estimated by the constants that are shipped, half 0 by",
        "constants fitted on half 1 for this page alone. *In the range* counts what was measured within the range that",
        "is printed, of which nine of ten should be (the ranges stand on half 0, so that half 1 tests them); *leans*",
        "is the median of estimated over measured.",
        "",
    ]
    for figure in FIGURES:
        lines += [
            f"## {WORDS[figure][:1].upper()}{WORDS[figure][1:]}",
            "",
            "vLLM, SGLang and TensorRT-LLM on up to eight",
            "",
        ]
        lines[-2] += " GPUs of NVIDIA's."
        for title, by in (
            ("half", lambda t: f"half {t.half}"),
            ("engine", lambda t: t.row.basis.engine.key),
            ("GPU", lambda t: t.row.basis.gpu),
            ("model", lambda t: "mixture of experts" if t.row.experts else "dense"),
            ("load", lambda t: regime(t.running)),
            ("layout", _layout),
        ):
            lines += [f"By {title}:", "", *table(servers, figure, by)]
    lines += ["## AMD, and llama.cpp", "", "Tokens a second alone on AMD; one stream alone with llama.cpp.", ""]
    lines += table(others, "tokens", lambda t: t.row.basis.engine.key)
    lines += ["## A peer on the same configurations", "", *peers()]
    lines += ["## The farthest off", "", *worst(rows)]
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    output.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _layout(t: Tested) -> str:
    c = t.row.case
    if c.data > 1:
        return "attention data parallel"
    if c.pipeline > 1:
        return "pipeline"
    return "tensor parallel" if c.tensor > 1 else "one GPU"


if __name__ == "__main__":
    main()
