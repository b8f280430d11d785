"""Fits the constants of gpu_sizer/engines/vllm/fitted.yaml on the training half of tests/evidence/records.jsonl.

    python tools/fit_vllm.py [FILE]     # writes the file; the same records give the same bytes

Each constant is a median over the records that tell it, with all others known, in this order:

1. ``sampler_bytes_per_logit``: single-GPU records of models without experts: what the budget leaves beside
   weights and cache, less the CUDA context (and the logged graphs where they stand in the budget), by sequence
   and vocabulary entry;
2. ``communication_copies``: NVLink records with tensor parallelism: what is left after that, in copies of a
   batch's hidden states (never negative);
3. ``graphs``: least squares of the logged memory of one captured graph over the number of layers; what latent
   attention adds;
4. ``rocm``: the same rest on MI300X (``extra_gib``), with what loading takes there beyond what is counted; the logged
   memory of one captured graph by layer, which latent attention does not change there;
5. ``unified``: the same rest where the GPU shares the machine's memory, with graphs as they are estimated (the engine
   takes what it reads there before it captures any, not what the log prints afterwards); ``unified_machines``: of
   several of them, each of which is a machine of its own; its band is at least that of one, and covers as many of
   the starts whose weights are not logged, with the weights as counted;
6. ``band_gib``: the 90th percentile of what remains unexplained, for models with and without experts, at least
   0.7 GiB. Ranges with too few records of their own may differ from their neighbours by what these differ from each
   other: the 90th percentile of the steps of one model in one layout from one version to the next.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from math import ceil
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from gpu_sizer.cards.catalogue import catalogue  # noqa: E402
from gpu_sizer.engines.registry import engine  # noqa: E402
from gpu_sizer.engines.vllm import activations  # noqa: E402
from gpu_sizer.engines.vllm.engine import VllmEngine  # noqa: E402
from gpu_sizer.engines.vllm.version import VersionProfile  # noqa: E402
from gpu_sizer.evidence.halves import BULK_SOURCES, is_held_out  # noqa: E402
from gpu_sizer.evidence.identify import Skipped, identify_gpu, identify_model  # noqa: E402
from gpu_sizer.evidence.records import EvidenceRecord, read_records  # noqa: E402
from gpu_sizer.evidence.replay import engine_of, layout_of, request_of  # noqa: E402
from gpu_sizer.planning.search import Search  # noqa: E402
from gpu_sizer.records import replace  # noqa: E402
from gpu_sizer.units import GIB, MIB  # noqa: E402

RECORDS = ROOT / "tests" / "evidence" / "records.jsonl"
OUTPUT = ROOT / "gpu_sizer" / "engines" / "vllm" / "fitted.yaml"
NAMES = (
    "0.4",
    "0.5.3",
    "0.6.5",
    "0.7.1",
    "0.7.4",
    "0.8",
    "0.11",
    "0.13",
    "0.14",
    "0.15",
    "0.17",
    "0.18",
    "0.20",
    "0.20.1",
    "0.26",
    "0.28",
    "0.29",
    "0.32",
    "0.33",
)
#: Versions of the second generation that sort the vocabulary, and the one that ceased to and has few records.
SORTING, UNSORTED = ("0.8", "0.11", "0.13", "0.14", "0.15"), "0.17"
FIRST, LATEST = NAMES[: NAMES.index("0.8")], NAMES[NAMES.index("0.18") :]
#: Ranges whose sampler and collectives are the same code are fitted together.
TOGETHER = {
    **dict.fromkeys(FIRST, FIRST),
    **dict.fromkeys((*SORTING, UNSORTED), SORTING),
    **dict.fromkeys(LATEST, LATEST),
}
#: V0 sorts the vocabulary as the first V1 versions do, but profiles whole prompts, which hides it in its logs.
SAMPLER_OF = dict.fromkeys(FIRST, SORTING)
#: Kinds of models with bands of their own: the kernels of experts change from version to version.
KINDS = ("dense", "experts")
#: No band is narrower: between builds of one version the rest moves by this much for one and the same model.
LEAST_BAND_GIB = 0.7
#: A range with fewer records of its own is not covered, and a figure with fewer would be fitted to them, not tested.
LEAST_RECORDS = 3


class Point:
    """One training record with the figures that the fit needs, in bytes."""

    def __init__(self, record: EvidenceRecord, *, count_weights: bool = False) -> None:
        cards = catalogue()
        identified, self.layout = identify_model(record, cards), layout_of(record)
        self.gpu, known = identify_gpu(record, cards)
        if count_weights != (record.weights_gib_per_gpu is None) or not known or record.available_kv_gib is None:
            raise Skipped("figures are missing")
        if count_weights and not self.gpu.is_unified:
            raise Skipped("weights are logged where they are fitted on")
        if record.gpu_memory_utilization is None or record.max_model_len is None:
            raise Skipped("settings are missing")
        name, _ = engine_of(record)
        self.record = record
        request = request_of(record, identified, self.gpu, name)
        engine = request.get_engine()
        assert isinstance(engine, VllmEngine)
        self.version: VersionProfile = engine.version
        model = engine.model(request.model, request.load)
        self.settings = engine.settings(model, self.gpu, request.load, self.layout)
        self.card, self.architecture = request.model, request.model.architecture
        stages = self.layout.pipeline_parallel_size
        self.estimated_graphs = model.graph_bytes(
            self.gpu, self.layout.tensor_parallel_size, stages, self.settings, self.version
        )
        self.scaled_experts, self.host_bytes = model.has_scaled_experts, model.host_bytes
        budget = self.gpu.visible_bytes * self.settings.gpu_memory_utilization
        loaded = max(stage.loaded_bytes for stage in Search(request).evaluate(self.layout).stages)
        weights = loaded / GIB if record.weights_gib_per_gpu is None else record.weights_gib_per_gpu
        self.rest = budget - (weights + record.available_kv_gib) * GIB
        self.loading_gib = weights - loaded / GIB
        self.logits = self.settings.max_num_seqs * self.architecture.vocab_size
        self.workspace = activations.kept_workspace_bytes(
            self.architecture, self.gpu, self.layout, self.settings.max_num_batched_tokens, self.scaled_experts,
            self.version,
        )  # fmt: skip
        self.kind = KINDS[model.has_experts]
        self.parallel = self.layout.tensor_parallel_size * self.layout.pipeline_parallel_size > 1
        self.latent = model.has_latent

    @property
    def layers(self) -> float:
        """Layers of one stage."""
        return self.architecture.num_hidden_layers / self.layout.pipeline_parallel_size

    @property
    def graph_mib(self) -> float:
        """Memory of one captured graph, as logged."""
        number = activations.captured_graphs(self.settings, self.gpu, self.version)
        return (self.record.graph_gib or 0) * GIB / MIB / number

    @property
    def graphs(self) -> float:
        """Graph memory inside the budget: as logged, or as estimated where the log's is not what the engine took."""
        if self.gpu.is_unified:
            return self.estimated_graphs
        return (self.record.graph_gib or 0) * GIB if self.gpu.platform in self.version.graphs_in_budget else 0

    @property
    def own_memory(self) -> bool:
        """Whether the GPU is NVIDIA's with memory of its own."""
        return self.gpu.platform == "cuda" and not self.gpu.is_unified

    def explained(self, sampler: float, copies: float, extra: float) -> float:
        """The rest as the estimate makes it, with the logged graphs."""
        version = replace(self.version, sampler_bytes_per_logit=sampler, communication_copies=copies)
        gpu = replace(self.gpu, platform="cuda")
        activation = activations.activation_bytes(
            self.card, gpu, self.layout, self.settings, version, self.scaled_experts
        )
        made = activations.reserve(
            self.card, gpu, self.layout, self.settings, version, activation, self.kind == "experts", self.host_bytes
        )
        overhead = made.overhead_bytes - (activations.unified_bytes(self.layout)[0] if gpu.is_unified else 0)
        return made.activation_bytes + overhead + self.graphs + extra


def points() -> tuple[list[Point], list[Point], list[EvidenceRecord]]:
    """The training records that can be used, those that could but for their weights, and all of the training half."""
    with RECORDS.open(encoding="utf-8") as stream:
        training = [r for r in read_records(stream, RECORDS.name) if not is_held_out(r)]
    made: dict[bool, list[Point]] = {False: [], True: []}
    for record in (r for r in training if r.engine == engine("vllm").name):
        for count_weights, found in made.items():
            try:
                found.append(Point(record, count_weights=count_weights))
            except Skipped:
                continue
    return made[False], made[True], training


def nearest_rank(values: list[float], share: float) -> float:
    """The smallest of the values that a share of them does not exceed."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def steps(made: list[Point], residual: Callable[[Point], float]) -> dict[str, list[float]]:
    """How far what remains unexplained of one model in one layout moves from a version to the next, by kind."""
    lines: dict[tuple[str, ...], dict[str, Point]] = defaultdict(dict)
    for p in made:
        if any(source in (p.record.source_url or "") for source in BULK_SOURCES) and p.record.engine_version:
            line = (p.record.model, p.gpu.id, p.layout.describe())
            lines[line].setdefault(".".join(p.record.engine_version.lstrip("v").split(".")[:2]), p)
    moved: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for versions in lines.values():
        ordered = [versions[v] for v in sorted(versions, key=lambda v: int(v.partition(".")[2]))]
        for before, after in pairwise(ordered):
            moved[before.kind].append(abs(residual(after) - residual(before)))
    return moved


def main() -> None:
    """Fits, and writes the file."""
    made, weightless, training = points()
    by_range: dict[str, list[Point]] = defaultdict(list)
    for p in made:
        by_range[p.version.name].append(p)
    sampler: dict[str, tuple[float, int]] = {}
    copies: dict[str, tuple[float, int]] = {}
    residuals: dict[str, dict[str, list[float]]] = {}
    for name in NAMES:
        cuda = [p for other in TOGETHER[name] for p in by_range[other] if p.own_memory]
        alone = [
            (p.rest - p.graphs - p.version.single_bytes) / p.logits
            for other in {**SAMPLER_OF, UNSORTED: LATEST}.get(name, TOGETHER[name])
            for p in by_range[other]
            if p.own_memory and not p.parallel and not p.workspace
        ]
        sampler[name] = (round(median(alone), 1), len(alone))
        joined = [p for p in cuda if p.layout.tensor_parallel_size > 1 and p.gpu.has_nvlink]
        left = [
            max(0.0, p.rest - p.explained(sampler[name][0], 0, 0))
            / (p.settings.max_num_batched_tokens * p.architecture.hidden_size * activations.ACTIVATION_BYTES)
            for p in joined
        ]
        copies[name] = (round(median(left), 1) if len(left) >= LEAST_RECORDS else 0.0, len(left))
        residuals[name] = {
            kind: [(p.rest - p.explained(sampler[name][0], copies[name][0], 0)) / GIB for p in cuda if p.kind == kind]
            for kind in KINDS
        }
    # Beside the sampler it is as those before it.
    copies[UNSORTED], residuals[UNSORTED] = copies[SORTING[-1]], residuals[SORTING[-1]]
    captured = [p for p in made if p.version.at_least("0.18") and p.record.graph_gib]
    graphs = [(p.layers, p.graph_mib, p.latent) for p in captured if p.own_memory]
    rocm_graphs = [p.graph_mib / p.layers for p in captured if p.gpu.platform == "rocm"]
    plain = [(n, g) for n, g, latent in graphs if not latent]
    slope, constant = np.polyfit([n for n, _ in plain], [g for _, g in plain], 1)
    latent = [g - (slope * n + constant) for n, g, is_latent in graphs if is_latent]
    rocm, unified = [p for p in made if p.gpu.platform == "rocm"], [p for p in made if p.gpu.is_unified]

    def residual(p: Point) -> float:
        known = p.explained(sampler[p.version.name][0], copies[p.version.name][0], 0)
        return (p.rest - known) / GIB

    moved = steps(made, residual)
    over = [residual(p) + p.loading_gib for p in rocm]
    extra = median(over)
    shared = [residual(p) for p in unified if not p.parallel]
    taken = median(shared)
    machines = [residual(p) for p in unified if p.parallel]
    others = [residual(p) for p in weightless if p.gpu.is_unified and p.parallel]
    joined_taken = median(machines)

    def band(values: list[float]) -> float:
        return round(max(LEAST_BAND_GIB, nearest_rank(list(map(abs, values)), 0.9)), 2)

    def bands(name: str) -> dict[str, float]:
        if len(by_range[name]) < LEAST_RECORDS and name not in SAMPLER_OF:
            return {kind: band(moved[kind]) for kind in KINDS}
        every = [r for kind in KINDS for r in residuals[name][kind]]
        return {kind: band(own if len(own := residuals[name][kind]) >= LEAST_RECORDS else every) for kind in KINDS}

    alone = band([s - taken for s in shared])
    together = max(alone, band([m - joined_taken for m in (*machines, *others)]))
    lines = [
        "# Written by tools/fit_vllm.py from the training half of tests/evidence/records.jsonl; do not edit.",
        f"# {len(training)} records in the training half, {len(made)} of them with all figures that the fit needs.",
        "# `n` counts the records behind a figure (ranges with the same code are fitted together); `residual_gib` is",
        "# the median of what stays unexplained of the memory beside weights and cache. `steps`: by how much (median,",
        "# number) it moves from one version to the next for one model; bands of ranges without records stand on it.",
        "versions:",
    ]
    for name in NAMES:
        left = [r for kind in KINDS for r in residuals[name][kind]]
        counts = ", ".join(f"{kind}: {len(residuals[name][kind])}" for kind in KINDS)
        width = ", ".join(f"{kind}: {size}" for kind, size in bands(name).items())
        lines += [
            f'  "{name}":',
            f"    sampler_bytes_per_logit: {sampler[name][0]}",
            f"    communication_copies: {copies[name][0]}",
            f"    band_gib: {{{width}}}",
            f"    n: {{sampler: {sampler[name][1]}, communication: {copies[name][1]}, {counts}}}",
            f"    residual_gib: {median(left):.2f}",
        ]
    lines += [
        "# Memory of one captured graph: least squares over layers; latent attention adds.",
        f"graphs: {{per_layer_mib: {slope:.4f}, constant_mib: {constant:.2f}, "
        f"latent_mib: {median(latent) if latent else 0:.2f}, n: {len(plain)}, n_latent: {len(latent)}}}",
        "steps: {"
        + ", ".join(f"{kind}: {{median_gib: {median(moved[kind]):.2f}, n: {len(moved[kind])}}}" for kind in KINDS)
        + "}",
        f"rocm: {{extra_gib: {extra:.2f}, band_gib: {band([o - extra for o in over])}, n: {len(over)}, "
        f"graph_per_layer_mib: {median(rocm_graphs):.2f}, n_graphs: {len(rocm_graphs)}}}",
        "# GPUs that share the machine's memory: what else is taken of it while a server starts.",
        f"unified: {{extra_gib: {taken:.2f}, band_gib: {alone}, n: {len(shared)}}}",
        f"unified_machines: {{extra_gib: {joined_taken:.2f}, band_gib: {together}, n: {len(machines)}, "
        f"n_band: {len(machines) + len(others)}}}",
        "",
    ]
    output = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    output.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
