"""Fits gpu_sizer/timing/constants.yaml on half 0 of tests/evidence/speed.jsonl; half 1 is never looked at.

    python tools/fit_speed.py [FILE]     # writes the file; the same records give the same bytes

Records of one configuration that was measured again count once, by their median. Each constant is a prior, times a
shift that all of its kind share, times one of each engine, GPU or link alone; both are as likely as a normal
distribution in logarithms says. Least squares of the logarithms of measured over estimated, with a loss that outliers
pull at less (soft L1), by Gauss-Newton steps. Servers on CUDA are fitted first; what differs on other platforms and in
llama.cpp is fitted afterwards with all that is shared held fast, since few records tell it.

The ranges stand on records that the constants behind them had not seen: the half is cut in parts by source and model,
and each part is estimated with constants fitted on the others.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from gpu_sizer.cards.catalogue import catalogue  # noqa: E402
from gpu_sizer.errors import GpuSizerError  # noqa: E402
from gpu_sizer.evidence.benchmarks import Benchmark, read_benchmarks  # noqa: E402
from gpu_sizer.evidence.identify import Skipped  # noqa: E402
from gpu_sizer.evidence.speed_replay import Ran, ran  # noqa: E402
from gpu_sizer.planning.speed import Demand  # noqa: E402
from gpu_sizer.records import fields  # noqa: E402
from gpu_sizer.timing.band import FIGURES, band_of, cells_of  # noqa: E402
from gpu_sizer.timing.bound import least_token_seconds, most_tokens_per_second  # noqa: E402
from gpu_sizer.timing.case import Case  # noqa: E402
from gpu_sizer.timing.constants import OTHER, Constants, OfAll, OfEngine, OfGpu, OfLink, combined, table  # noqa: E402
from gpu_sizer.timing.serving import Steady, steady  # noqa: E402

RECORDS = ROOT / "tests" / "evidence" / "speed.jsonl"
OUTPUT = ROOT / "gpu_sizer" / "timing" / "constants.yaml"

TABLES = {"gpus": OfGpu, "engines": OfEngine, "links": OfLink, "all": OfAll}
#: Where a constant starts; by how much (in logarithms) all of its kind may move together, and one of them alone.
#: Shares of peak: what large multiplications and copies reach in vendors' own libraries. Seconds: launches of a few
#: microseconds each, some ten kernels a layer, twice as many with experts or a latent; collectives of small messages
#: over NVLink in about eight microseconds; half a millisecond of scheduling a step.
PRIORS = {
    ("gpus", "read"): (0.80, 0.08, 0.06),
    ("gpus", "compute"): (0.65, 0.20, 0.12),
    ("gpus", "prefill"): (0.55, 0.20, 0.15),
    ("gpus", "compute8"): (0.90, 0.15, 0.10),
    ("gpus", "compute4"): (0.70, 0.20, 0.10),
    ("engines", "read"): (1.0, 0.01, 0.07),
    ("engines", "expert_read"): (0.70, 0.20, 0.15),
    ("engines", "expert_compute"): (0.50, 0.30, 0.25),
    ("engines", "cache_read"): (0.80, 0.20, 0.12),
    ("engines", "prefill"): (1.0, 0.01, 0.12),
    ("engines", "prefill_expert"): (0.60, 0.30, 0.25),
    ("engines", "layer"): (10e-6, 0.25, 0.20),
    ("engines", "expert_layer"): (20e-6, 0.40, 0.30),
    ("engines", "step"): (0.5e-3, 0.20, 0.60),
    ("engines", "request"): (5e-6, 0.50, 0.80),
    ("engines", "prompt"): (0.3e-3, 0.50, 0.40),
    ("engines", "first"): (20e-3, 0.30, 0.30),
    ("engines", "queue"): (0.12, 0.70, 0.70),
    ("links", "share"): (0.60, 0.30, 0.20),
    ("links", "prompt_share"): (0.60, 0.30, 0.20),
    ("links", "hop"): (8e-6, 0.25, 0.20),
    ("all", "attention"): (0.40, 0.30, 0.0),
    ("all", "latent_layer"): (20e-6, 0.50, 0.0),
    ("all", "state_layer"): (8e-6, 0.50, 0.0),
    ("all", "scaled_layer"): (5e-6, 0.50, 0.0),
}
#: What only the time to a first token tells, which is the least reproducible figure: it decides nothing else.
OF_FIRST = (("engines", "first"), ("engines", "queue"))
STEADY = frozenset({"tokens", "token"})
#: Errors (in logarithms) below this are as good as measurements allow: the same configuration, measured on another
#: day, differs by more in one case of ten.
NOISE = 0.25
#: Records of one source and model err together: this share of the variance of one is that of all.
COMMON = 0.03
#: Records that are further off than this (in units of the noise) are wrong in some other way.
FARTHEST = 12.0
#: Parts into which the half is cut for the ranges.
PARTS = 8
#: A cell with fewer records takes its engine's range.
LEAST_RECORDS = 40
#: Sources that contradict others on the same cards and weights, by engine: Argonne's llama.cpp reads 16-bit weights of
#: an A100 at half the speed of XiongjieDai's.
CONTRADICTED = frozenset({("Argonne", "llama.cpp")})
#: Engines that share what no engine alone decides.
SERVERS = frozenset(g["key"] for g in table("generations") if g["platform"] == "cuda" and g["most_users"] is None)


class Row:
    """One configuration with its figures: tokens a second of one replica, seconds of a token and to the first."""

    def __init__(self, b: Benchmark, r: Ran) -> None:
        self.benchmark, self.ran = b, r
        self.case, self.basis, self.demand = r.situation.case, r.situation.basis, r.demand
        self.source = "InferenceX" if (b.source or "").startswith("InferenceX") else b.source
        self.group = (str(self.source), str(b.card or b.model))
        told = (b.output_tokens_per_second or b.closed_tokens_per_second, b.token_ms, b.first_ms)
        scales = (1 / r.situation.replicas, 1e-3, 1e-3)
        self.figures = {n: v * s if v else None for n, v, s in zip(FIGURES, told, scales, strict=True)}
        run = (b.weights_dtype, b.kv_dtype, b.gpu_id, b.tp, b.pp, b.dp, b.ep, b.isl, b.osl, b.load)
        self.key = (*self.group, self.basis.engine.key, *run, b.concurrency, b.num_prompts)

    @property
    def possible(self) -> bool:
        """Whether no figure is better than physics allows."""
        tokens, token, _ = (self.figures[n] for n in FIGURES)
        users = self.ran.users / self.ran.situation.replicas
        least = least_token_seconds(self.case, min(users, self.demand.places))
        return (tokens is None or tokens <= most_tokens_per_second(self.case, users)) and (
            token is None or token >= least
        )

    @property
    def experts(self) -> bool:
        """Whether the model is a mixture of experts."""
        return bool(self.case.experts > 1)


def rows_of(benchmarks: Iterable[Benchmark]) -> list[Row]:
    """What can be estimated, one row a configuration."""
    cards, alike = catalogue(), defaultdict(list)
    for b in benchmarks:
        try:
            row = Row(b, ran(b, cards))
        except (Skipped, GpuSizerError):
            continue
        if row.possible and (row.source, b.engine) not in CONTRADICTED:
            alike[row.key].append(row)
    for same in alike.values():
        for name in FIGURES:
            told = [v for row in same if (v := row.figures[name])]
            same[0].figures[name] = median(told) if told else None
    return [same[0] for same in alike.values()]


class Arrays:
    """Rows as arrays."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        names = [f.name for f in fields(Case)]
        self.case = Case(**{n: np.array([float(getattr(r.case, n)) for r in rows]) for n in names})
        self.users, self.places, self.arrive, self.burst, self.tail = (
            np.array([float(getattr(r.demand, f.name)) for r in rows]) for f in fields(Demand)
        )
        self.keys = {
            "gpus": [r.basis.gpu for r in rows],
            "engines": [r.basis.engine.key for r in rows],
            "links": [r.basis.link for r in rows],
            "all": [OTHER] * len(rows),
        }
        self.dense = np.array([r.basis.dense_bits for r in rows])
        self.expert = np.array([r.basis.expert_bits for r in rows])
        self.measured = {n: np.array([r.figures[n] or np.nan for r in rows], float) for n in FIGURES}
        # A closed loop tells the same thing twice: by its tokens, and by the time between them.
        twice = np.isfinite(self.measured["token"]) & (self.arrive > 0)
        fitted = {**self.measured, "tokens": np.where(twice, np.nan, self.measured["tokens"])}
        self.told = {n: np.flatnonzero(np.isfinite(v)) for n, v in fitted.items()}
        sizes = Counter(r.group for r in rows)
        self.weight = np.array([1 / (1 + (sizes[r.group] - 1) * COMMON) for r in rows])


class Space:
    """The constants as one vector of logarithms: of each kind a shift of all, and one of each key alone."""

    def __init__(self, rows: list[Row], shared: frozenset[str]) -> None:
        found = Arrays(rows).keys
        first = Arrays([r for r in rows if r.basis.engine.key in shared]).keys
        self.keys = {name: sorted(set(found[name]) - {OTHER}) for name in TABLES}
        self.slots: dict[tuple[str, str], int] = {}
        sigma: list[float] = []
        later: list[bool] = []
        for (name, constant), (_, together, alone) in PRIORS.items():
            self.slots[name, constant] = len(sigma)
            own = self.keys[name] if alone else []
            sigma += [together, *[alone] * len(own)]
            later += [False, *(key not in first[name] for key in own)]
        self.sigma, self.later = np.array(sigma), np.array(later)
        self.of_first = np.zeros(len(sigma), bool)
        for name, constant in OF_FIRST:
            start = self.slots[name, constant]
            self.of_first[start : start + 1 + len(self.keys[name])] = True

    def value(self, x: np.ndarray, name: str, constant: str, key: str) -> float:
        """One constant; ``other`` is what a key without records has."""
        prior, _, alone = PRIORS[name, constant]
        slot = self.slots[name, constant]
        own = x[slot + 1 + self.keys[name].index(key)] if alone and key in self.keys[name] else 0.0
        return float(prior * np.exp(x[slot] + own))

    def constants(self, x: np.ndarray, a: Arrays) -> Constants:
        """The constants of every row."""
        rows = {}
        for name, kind in TABLES.items():
            order = [OTHER, *self.keys[name]]
            place = {key: i for i, key in enumerate(order)}
            index = np.array([place.get(key, 0) for key in a.keys[name]])
            values = {
                f.name: np.array([self.value(x, name, f.name, key) for key in order])[index] for f in fields(kind)
            }
            rows[name] = kind(**values)
        gpu = rows["gpus"]
        dense, expert = (
            np.where(b == 8, gpu.compute8, np.where(b == 4, gpu.compute4, 1.0)) for b in (a.dense, a.expert)
        )
        return combined(gpu, rows["engines"], rows["links"], rows["all"], dense, expert)


def estimates(space: Space, x: np.ndarray, a: Arrays) -> tuple[dict[str, np.ndarray], Steady]:
    """Every figure of every row."""
    made = steady(a.case, space.constants(x, a), a.users, a.places, arrive=a.arrive, burst=a.burst, tail=a.tail)
    return {"tokens": made.tokens_per_second, "token": made.token_seconds, "first": made.first_seconds}, made


def residuals(space: Space, x: np.ndarray, a: Arrays, figures: frozenset[str]) -> np.ndarray:
    """How far off every one of some figures is, in units of the noise."""
    found, _ = estimates(space, x, a)
    return np.concatenate([
        np.clip(np.log(found[n][a.told[n]] / a.measured[n][a.told[n]]) / NOISE, -FARTHEST, FARTHEST)
        for n in FIGURES if n in figures
    ])  # fmt: skip


def descend(
    space: Space, a: Arrays, x: np.ndarray, free: np.ndarray, figures: frozenset[str] = STEADY, steps: int = 40
) -> np.ndarray:
    """The best values of the free constants: damped Gauss-Newton on the soft-L1 loss and the priors."""
    places, small, damping = np.flatnonzero(free), 1e-4, 1e-2
    counts = np.concatenate([a.weight[a.told[n]] for n in FIGURES if n in figures])

    def loss(x: np.ndarray, r: np.ndarray) -> float:
        return float(np.sum(counts * 2 * (np.sqrt(1 + r * r) - 1)) + np.sum((x / space.sigma) ** 2))

    r = residuals(space, x, a, figures)
    now = loss(x, r)
    for _ in range(steps):
        slopes = np.empty((len(r), len(places)))
        for column, place in enumerate(places):
            moved = x.copy()
            moved[place] += small
            slopes[:, column] = (residuals(space, moved, a, figures) - r) / small
        weight = counts / np.sqrt(1 + r * r)
        stiff = slopes.T @ (slopes * weight[:, None]) + np.diag(1 / space.sigma[places] ** 2)
        force = slopes.T @ (weight * r) + x[places] / space.sigma[places] ** 2
        while damping < 1e9:
            trial = x.copy()
            trial[places] -= np.linalg.solve(stiff + damping * np.diag(np.diag(stiff)), force)
            other = residuals(space, trial, a, figures)
            if (new := loss(trial, other)) < now:
                break
            damping *= 4
        else:
            return x
        gained, x, r, now, damping = now - new, trial, other, new, damping / 4
        if gained < 1e-5 * now:
            break
    return x


def fit(rows: list[Row]) -> tuple[Space, np.ndarray]:
    """The constants of some rows."""
    space = Space(rows, SERVERS)
    x = np.zeros(len(space.sigma))
    shared = [r for r in rows if r.basis.engine.key in SERVERS]
    x = descend(space, Arrays(shared), x, ~space.later & ~space.of_first)
    if rest := [r for r in rows if r.basis.engine.key not in SERVERS]:
        x = descend(space, Arrays(rest), x, space.later & ~space.of_first)
    return space, descend(space, Arrays(shared), x, ~space.later & space.of_first, frozenset({"first"}))


def usable(rows: list[Row]) -> list[Row]:
    """Those within what an engine's generation is said to answer."""
    return [r for r in rows if r.basis.engine.most_users is None or r.ran.users <= r.basis.engine.most_users]


def unseen(rows: list[Row]) -> list[tuple[Row, dict[str, float], float]]:
    """Every row with estimates by constants that saw nothing of its source and model, and how many ran at once."""
    sizes = Counter(r.group for r in rows)
    part = {group: i % PARTS for i, group in enumerate(sorted(sizes, key=lambda g: (-sizes[g], g)))}
    result = []
    for n in range(PARTS):
        space, x = fit([r for r in rows if part[r.group] != n])
        tested = [r for r in rows if part[r.group] == n]
        found, made = estimates(space, x, Arrays(tested))
        result += [
            (r, {k: float(v[i]) for k, v in found.items()}, float(made.running[i])) for i, r in enumerate(tested)
        ]
    return result


def bands(tested: list[tuple[Row, dict[str, float], float]]) -> dict[str, dict[str, dict[str, float]]]:
    """The ranges of every cell, and of every engine."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for figure in FIGURES:
        cells: dict[str, dict[tuple[str, ...], list[float]]] = defaultdict(lambda: defaultdict(list))
        for row, found, running in tested:
            if (value := row.figures[figure]) is None:
                continue
            engine = row.basis.engine.key
            for name in cells_of(engine, row.experts, running):
                group = (engine, *row.group) if name == OTHER else row.group
                cells[name][group].append(value / found[figure])
        every = list(cells[OTHER].values())
        result[figure] = {
            name: {f.name: getattr(made, f.name) for f in fields(type(made))}
            for name, groups in sorted(cells.items())
            if "," not in name or sum(map(len, groups.values())) >= LEAST_RECORDS
            for made in [band_of(list(groups.values()), every)]
        }
    return result


def yaml_lines(
    rows: list[Row], space: Space, x: np.ndarray, ranges: dict[str, dict[str, dict[str, float]]]
) -> list[str]:
    """The file."""

    def shown(value: object) -> str:
        if isinstance(value, float):
            text = f"{value:.3g}"
            # YAML 1.1 takes 1e-05 for a text.
            return text if "." in text or "e" not in text else text.replace("e", ".0e")
        return f'"{value}"' if isinstance(value, str) and (value[:1].isdigit() or "," in value) else str(value)

    def line(values: dict[str, object]) -> str:
        return "{" + ", ".join(f"{k}: {shown(v)}" for k, v in values.items()) + "}"

    lines = [
        "# Written by tools/fit_speed.py from half 0 of tests/evidence/speed.jsonl; do not edit.",
        f"# {len(rows)} configurations of {len({r.group for r in rows})} sources and models. `n`: those behind a row;",
        "# `other`: what stands for a GPU, link or engine without any. Shares are of the data sheet's figures, times",
        "# in seconds. Bands: measured over estimated, by constants that had not seen the source and model.",
    ]
    keys = Arrays(rows).keys
    for name, kind in TABLES.items():
        counts = Counter(keys[name])
        lines.append(f"{name}:")
        for key in [OTHER, *space.keys[name]]:
            values: dict[str, object] = {f.name: space.value(x, name, f.name, key) for f in fields(kind)}
            lines.append(f"  {key}: {line({**values, 'n': counts[key]})}")
    lines.append("bands:")
    for figure, cells in ranges.items():
        lines.append(f"  {figure}:")
        lines += [f"    {shown(name)}: {line(dict(made))}" for name, made in cells.items()]
    return lines


def main() -> None:
    """Fits, and writes the file."""
    with RECORDS.open(encoding="utf-8") as stream:
        rows = usable(rows_of(b for b in read_benchmarks(stream, RECORDS.name) if b.half == 0))
    space, x = fit(rows)
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    output.write_text("\n".join([*yaml_lines(rows, space, x, bands(unseen(rows))), ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
