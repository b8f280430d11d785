"""aiconfigurator beside our own estimate: the time per token on the same benchmarks, none of which ours had seen.

    python -m benchmarks.speed_peers [FOLDER]

without FOLDER asks ours again and keeps what the peer said; with it
installs the peer (https://pypi.org/project/aiconfigurator) into an environment of its own in FOLDER, asks both for the
same configurations, and writes ``benchmarks/speed_peers.jsonl``, from which ``tools/speed_report.py`` makes a part of
``docs/speed-accuracy.md``. The benchmarks are of half 1, on which no constant of ours was fitted; most of them lie in
aiconfigurator's own sample of measured runs, which its tuning may know.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections import defaultdict
from pathlib import Path
from typing import Any

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.evidence.benchmarks import Benchmark, read_benchmarks
from gpu_sizer.evidence.speed_replay import speed_replay, weights_of
from gpu_sizer.model.feed_forwards.mixture_of_experts import MixtureOfExperts

ROOT = Path(__file__).parent.parent
RECORDS = ROOT / "tests" / "evidence" / "speed.jsonl"
OUTPUT = ROOT / "benchmarks" / "speed_peers.jsonl"
PEER = "aiconfigurator==0.12.0"
#: Configurations of each engine, GPU, model and type: those of the fewest, the middle and the most requests at once.
EACH = 3
#: How the peer calls engines, GPUs and types of weights.
BACKENDS = {"vllm": "vllm", "sglang": "sglang", "tensorrt-llm": "trtllm"}
SYSTEMS = {
    "h100-80gb": "h100_sxm",
    "h200": "h200_sxm",
    "b200": "b200_sxm",
    "b300": "b300_sxm",
    "gb200": "gb200",
    "gb300": "gb300",
    "l40s": "l40s",
    "a100-80gb": "a100_sxm",
}
#: Configurations that the peer ships, for releases of the same shape that it would have to download.
SHIPPED = {
    "deepseek-ai/DeepSeek-R1-0528": "deepseek-ai/DeepSeek-R1",
    "meta-llama/Llama-3.1-8B-Instruct": "meta-llama/Meta-Llama-3.1-8B",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama/Meta-Llama-3.1-8B",
    "meta-llama/Llama-3.1-70B-Instruct": "meta-llama/Meta-Llama-3.1-70B",
}
QUANT = {"float8": "fp8", "nvfp4": "nvfp4", "bfloat16": "bfloat16"}
#: Run by the peer's own Python: a line of JSON in, a line out.
RUNNER = """
import json, logging, sys, warnings
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
out, sys.stdout = sys.stdout, sys.stderr
from aiconfigurator.cli.api import cli_estimate
for line in sys.stdin:
    asked = json.loads(line)
    try:
        found = cli_estimate(asked.pop("model_path"), asked.pop("system_name"), **asked)
        told = {"tpot_ms": float(found.tpot), "ttft_ms": float(found.ttft)}
    except BaseException as error:
        told = {"reason": f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"}
    print(json.dumps(told), file=out, flush=True)
"""


def sample() -> list[Benchmark]:
    """Configurations of half 1 that a closed loop ran, some of each kind."""
    kinds: dict[tuple[Any, ...], list[Benchmark]] = defaultdict(list)
    with RECORDS.open(encoding="utf-8") as stream:
        for b in read_benchmarks(stream, RECORDS.name):
            asked = b.half == 1 and b.load == "closed" and b.concurrency and b.token_ms and b.tp
            if asked and b.engine in BACKENDS and b.gpu_id in SYSTEMS and b.spec_decoding in (None, "none"):
                kinds[b.engine, b.gpu_id, b.model, b.weights_dtype].append(b)
    chosen = []
    for _, rows in sorted(kinds.items(), key=lambda item: str(item[0])):
        rows.sort(key=lambda b: (b.concurrency or 0, b.id))
        places = sorted({0, len(rows) // 2, len(rows) - 1})[:EACH]
        chosen += [rows[i] for i in places]
    return chosen


def question(b: Benchmark) -> dict[str, Any]:
    """A benchmark as the peer is asked about it.

    Raises:
        GpuSizerError: a model or a type that is not known here.
    """
    card = catalogue().model(b.card or b.model or "")
    tp, dp, ep = b.tp or 1, b.dp or 1, b.ep or 1
    ranks = tp * dp
    asked = {
        "model_path": SHIPPED.get(b.model or "", b.model),
        "system_name": SYSTEMS[b.gpu_id or ""],
        "backend_name": BACKENDS[b.engine],
        "isl": round(b.isl or 0),
        "osl": round(b.osl or 0),
        "batch_size": max(1, round((b.concurrency or 1) / dp)),
        "tp_size": tp,
        "pp_size": b.pp or 1,
        "attention_dp_size": dp,
    }
    if any(isinstance(block.feed_forward, MixtureOfExperts) for block in card.architecture.blocks.values()):
        spread = ranks if ep > 1 or dp > 1 else 1
        asked |= {"moe_ep_size": spread, "moe_tp_size": ranks // spread}
    if (weights := weights_of(card, b.weights_dtype, b.model)) is not None and weights in QUANT:
        asked |= {"gemm_quant_mode": QUANT[weights], "moe_quant_mode": QUANT[weights]}
    return asked


def peer(folder: Path) -> Path:
    """The Python of the peer's own environment, made where it is not yet."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=True)
    return python


def said(rows: list[tuple[Benchmark, dict[str, Any]]]) -> list[dict[str, Any]]:
    """What the peer answers, or, where no folder for it is given, what it answered before."""
    if len(sys.argv) > 1:
        asked = "".join(json.dumps(q) + "\n" for _, q in rows)
        done = subprocess.run([peer(Path(sys.argv[1])), "-c", RUNNER], input=asked, capture_output=True, text=True)
        return list(map(json.loads, done.stdout.splitlines()))
    _, *before = map(json.loads, OUTPUT.read_text(encoding="utf-8").splitlines())
    kept = {row["id"]: row["peer"] for row in before}
    return [kept[b.id] for b, _ in rows]


def main() -> None:
    """Asks both, and writes the lines."""
    rows, cards = [], catalogue()
    for b in sample():
        try:
            rows.append((b, question(b)))
        except GpuSizerError:
            continue
    lines = []
    for (b, _), told in zip(rows, said(rows), strict=True):
        ours = speed_replay(b, cards)
        own = ours.speed.tpot_ms.about if ours.speed and ours.speed.tpot_ms else None
        found = {"id": b.id, "engine": b.engine, "gpu": b.gpu_id, "model": b.model, "measured": b.token_ms}
        lines.append(json.dumps({**found, "ours": own and round(own, 3), "peer": told}, ensure_ascii=False))
    OUTPUT.write_text("\n".join([json.dumps({"peer": PEER}), *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
