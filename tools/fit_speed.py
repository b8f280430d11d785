"""Fits the constants of gpu_sizer/speed/constants.yaml on half 0 of tests/evidence/speed.jsonl."""

from __future__ import annotations

import sys
from collections import defaultdict
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
from gpu_sizer.records import fields  # noqa: E402
from gpu_sizer.speed.case import Case  # noqa: E402
from gpu_sizer.speed.constants import OfAll, OfEngine, OfGpu, OfLink, combined  # noqa: E402
from gpu_sizer.speed.serving import steady  # noqa: E402

RECORDS = ROOT / "tests" / "evidence" / "speed.jsonl"
OUTPUT = ROOT / "gpu_sizer" / "speed" / "constants.yaml"

TABLES = {"gpus": OfGpu, "engines": OfEngine, "links": OfLink, "all": OfAll}
#: Where every constant starts, by how much (in logarithms) all of its kind may move together, and one of them alone.
PRIORS = {
    ("gpus", "read"): (0.80, 0.15, 0.10),
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
    ("engines", "expert_layer"): (12e-6, 0.30, 0.25),
    ("engines", "step"): (1.0e-3, 0.40, 0.30),
    ("engines", "request"): (5e-6, 0.70, 0.60),
    ("engines", "prompt"): (0.3e-3, 0.50, 0.40),
    ("engines", "first"): (20e-3, 0.30, 0.30),
    ("engines", "queue"): (0.12, 0.70, 0.70),
    ("links", "share"): (0.60, 0.30, 0.20),
    ("links", "hop"): (8e-6, 0.25, 0.20),
    ("all", "attention"): (0.40, 0.30, 0.0),
    ("all", "latent_layer"): (10e-6, 0.50, 0.0),
    ("all", "state_layer"): (8e-6, 0.50, 0.0),
    ("all", "scaled_layer"): (5e-6, 0.50, 0.0),
}
#: How much one figure counts beside another.
WEIGHTS = {"tokens": 1.0, "token": 1.0, "first": 0.1}
#: Half of the figures of one configuration, measured again on another day, differ by less than about this.
NOISE = 0.25
MOST_TAIL = 4.0
#: Rows of one source and model err together: this share of their variance is common.
COMMON = 0.03


class Row:
    def __init__(self, b: Benchmark, r: Ran) -> None:
        self.b, self.r = b, r
        s = r.situation
        self.replicas = s.replicas
        users = r.users / s.replicas
        places = s.places if s.held >= 1 else min(users, s.sequences)
        if b.load != "closed" and b.num_prompts:
            # All come at once: whole waves, of equal size.
            n = b.num_prompts / s.replicas
            running = min(n, places)
            users = places = n / np.ceil(n / max(running, 1))
        self.users, self.places = users, max(places, 1.0)
        self.tail = 0.0
        if b.load in ("max", "static_batch") and b.drawn and b.num_prompts:
            n = b.num_prompts / s.replicas
            self.tail = min(np.log(n) , MOST_TAIL) / np.ceil(n / min(n, max(places,1)))
        self.source = "InferenceX" if (b.source or "").startswith("InferenceX") else b.source
        self.group = (self.source, b.card)
        self.out = b.output_tokens_per_second
        if self.out is not None:
            self.out /= s.replicas
        self.token = b.token_ms
        self.first = b.first_ms
        if self.token is not None and b.load == "closed":
            pass
        self.key = (self.source, b.card, b.weights_dtype, s.basis.engine, b.gpu_id, b.tp, b.pp, b.dp, (b.ep or 1) > 1, b.isl, b.osl, b.load, b.concurrency, b.num_prompts)


def rows_of(benchmarks) -> list[Row]:
    cards, made = catalogue(), []
    for b in benchmarks:
        try:
            made.append(Row(b, ran(b, cards)))
        except (Skipped, GpuSizerError):
            continue
    return made


def merged(rows: list[Row]) -> list[Row]:
    """One row a configuration: the median of what was measured again."""
    alike = defaultdict(list)
    for r in rows:
        alike[r.key].append(r)
    result = []
    for same in alike.values():
        first = same[0]
        for name in ("out", "token", "first"):
            told = [v for r in same if (v := getattr(r, name))]
            setattr(first, name, median(told) if told else None)
        result.append(first)
    return result


class Table:
    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        cases = [r.r.situation.case for r in rows]
        self.case = Case(**{f.name: np.array([float(getattr(c, f.name)) for c in cases]) for f in fields(Case)})
        self.tail = np.array([r.tail for r in rows])
        self.users = np.array([r.users for r in rows])
        self.places = np.array([r.places for r in rows])
        self.arrive = np.array([r.r.arrive for r in rows])
        bases = [r.r.situation.basis for r in rows]
        self.keys = {"gpus": [b.gpu for b in bases], "engines": [b.engine for b in bases], "links": [b.link for b in bases], "all": ["other"] * len(bases)}
        self.dense = np.array([b.dense_bits for b in bases])
        self.expert = np.array([b.expert_bits for b in bases])
        self.measured = {
            "tokens": np.array([r.out or np.nan for r in rows], float),
            "token": np.array([(r.token or np.nan) / 1e3 for r in rows], float),
            "first": np.array([(r.first or np.nan) / 1e3 for r in rows], float),
        }
        # A closed loop tells the same thing twice.
        twice = np.isfinite(self.measured["token"]) & (self.arrive > 0)
        self.fitted = {**self.measured, "tokens": np.where(twice, np.nan, self.measured["tokens"])}
        sizes = defaultdict(int)
        for r in rows:
            sizes[r.group] += 1
        self.weight = np.array([1 / (1 + (sizes[r.group] - 1) * COMMON) for r in rows])


class Space:
    """The constants as one vector of logarithms: of each kind a common shift, and one of each key."""

    def __init__(self, keys: dict[str, list[str]]) -> None:
        self.keys = keys
        self.slots, n = {}, 0
        sigma = []
        for (table, name), (_, wide, own) in PRIORS.items():
            count = len(keys[table]) if own else 0
            self.slots[table, name] = (n, n + 1, n + 1 + count)
            sigma += [wide] + [own] * count
            n += 1 + count
        self.sigma = np.array(sigma)
        self.size = n

    def values(self, x, table: str, name: str) -> dict[str, float]:
        start, own, stop = self.slots[table, name]
        prior = PRIORS[table, name][0]
        found = {"other": prior * np.exp(x[start])}
        for key, v in zip(self.keys[table], x[own:stop]):
            found[key] = prior * np.exp(x[start] + v)
        return found

    def constants(self, x, t: Table):
        rows = {}
        for table, kind in TABLES.items():
            made = {}
            for f in fields(kind):
                values = self.values(x, table, f.name)
                order = ["other", *self.keys[table]]
                array = np.array([values.get(k, values["other"]) for k in order])
                index = {k: i for i, k in enumerate(order)}
                made[f.name] = array[[index.get(k, 0) for k in t.keys[table]]] if (table, f.name) not in t.__dict__.setdefault("_i", {}) else None
            rows[table] = kind(**made)
        g = rows["gpus"]
        narrow = lambda bits: np.where(bits == 8, g.compute8, np.where(bits == 4, g.compute4, 1.0))
        return combined(g, rows["engines"], rows["links"], rows["all"], narrow(t.dense), narrow(t.expert))


def predict(space, x, t):
    s = steady(t.case, space.constants(x, t), t.users, t.places, arrive=t.arrive)
    k = space.constants(x, t)
    from gpu_sizer.speed.formulas import step_seconds
    fixed = step_seconds(t.case, k, np.ones_like(t.users))
    slower = 1 + t.tail * t.case.answer * fixed / (s.running * t.case.answer / s.tokens_per_second)
    s2 = s.tokens_per_second / slower
    return {"tokens": s2, "token": s.token_seconds, "first": s.first_seconds, "running": s.running}


def residuals(space, x, t):
    q = predict(space, x, t)
    out = []
    for name, w in WEIGHTS.items():
        m = t.fitted[name]
        ok = np.isfinite(m) & (m > 0)
        out.append(np.clip(np.log(q[name][ok] / m[ok]) / NOISE * w, -12, 12))
    return np.concatenate(out)


def weights(t):
    return np.concatenate([t.weight[np.isfinite(m) & (m > 0)] for m in (t.fitted[n] for n in WEIGHTS)])


def fit(space, t, steps=40):
    """Gauss-Newton with damping; soft-L1 loss by reweighting, normal priors."""
    x = np.zeros(space.size)
    w0 = weights(t)
    damp = 1e-2

    def cost(x, r):
        return np.sum(w0 * 2 * (np.sqrt(1 + r * r) - 1)) + np.sum((x / space.sigma) ** 2)

    r = residuals(space, x, t)
    now = cost(x, r)
    for _ in range(steps):
        J = np.empty((len(r), space.size))
        for i in range(space.size):
            y = x.copy()
            y[i] += 1e-4
            J[:, i] = (residuals(space, y, t) - r) / 1e-4
        w = w0 / np.sqrt(1 + r * r)
        A = J.T @ (J * w[:, None]) + np.diag(1 / space.sigma**2)
        g = J.T @ (w * r) + x / space.sigma**2
        while True:
            d = np.linalg.solve(A + damp * np.diag(np.diag(A)), -g)
            r2 = residuals(space, x + d, t)
            new = cost(x + d, r2)
            if new < now or damp > 1e6:
                break
            damp *= 4
        done = now - new < 1e-4 * now
        x, r, now, damp = x + d, r2, min(new, now), damp / 4
        if done:
            break
    return x


def space_of(rows):
    keys = {"gpus": set(), "engines": set(), "links": set(), "all": set()}
    for r in rows:
        b = r.r.situation.basis
        keys["gpus"].add(b.gpu); keys["engines"].add(b.engine); keys["links"].add(b.link)
    return Space({k: sorted(v) for k, v in keys.items()})
