"""``python3 -m sglang.launch_server`` (docs/advanced_features/server_arguments.md of sgl-project/sglang).

The server listens on the machine itself alone unless it is told otherwise. Attention replicas within the ranks that
share the experts are part of the tensor parallel size: ``--attn-dp-size`` N, which older versions were told as
``--dp-size N --enable-dp-attention`` (srt/arg_groups/parallel_hook.py of 0.5.23). The prefill chunk is that of all of
them together (python/sglang/srt/server_args.py: _handle_data_parallelism).
"""

from __future__ import annotations

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.engines.serving import Start, Starter
from gpu_sizer.engines.sglang.command_line import ALGORITHMS, IN_BLOCKS
from gpu_sizer.engines.sglang.reserve import constants
from gpu_sizer.engines.sglang.running import told_by_users
from gpu_sizer.engines.speculation import Speculation, speculation
from gpu_sizer.engines.versions import reaches
from gpu_sizer.memory.activations import is_compressed

#: ``--kv-cache-dtype``: the same page.
CACHE_TYPES = {"float8": "fp8_e4m3", "fp8": "fp8_e4m3", "fp8_e4m3": "fp8_e4m3", "fp8_e5m2": "fp8_e5m2"} | {
    "bf16": "bfloat16"
}
#: For the machines to find one another: the port of the page's own example.
RENDEZVOUS_PORT = 50000


def command(start: Start) -> tuple[str, ...]:
    """The words of the command."""
    layout, s = start.layout, start.settings
    dp = layout.data_parallel_size
    inside = dp if layout.expert_parallel else 1
    words = ["python3", "-m", "sglang.launch_server", "--model-path", start.weights]
    words += ["--host", "0.0.0.0", "--port", str(start.port)]
    words += ["--tp-size", str(layout.tensor_parallel_size * inside)]
    # Versions before pipelines have no option for it (0.4.6).
    if layout.pipeline_parallel_size > 1 or start.flags.has("--pp-size"):
        words += ["--pp-size", str(layout.pipeline_parallel_size)]
    if inside > 1 and start.flags.has("--attn-dp-size"):
        words += ["--attn-dp-size", str(inside)]
    elif dp > 1:
        words += ["--dp-size", str(dp)]
        if inside > 1:
            words.append("--enable-dp-attention")
    if layout.expert_parallel:
        words += ["--ep-size", str(layout.expert_ranks)]
    words += ["--context-length", str(s.context)]
    words += ["--mem-fraction-static", repr(float(s.gpu_memory_utilization))]
    words += ["--chunked-prefill-size", str(s.max_num_batched_tokens * inside)]
    if (most := start.load.max_num_seqs or told_by_users(s, inside)) is not None:
        words += ["--max-running-requests", str(most)]
    words += ["--dtype", start.dtype(), "--kv-cache-dtype", start.cache_dtype(CACHE_TYPES)]
    kernels = constants()["compressed"]
    if is_compressed(start.card.architecture) and not reaches(start.version, kernels["kernels_by_default"]):
        words += ["--moe-runner-backend", kernels["kernels_flag"][start.weights_format]]
    if start.load.block_size is not None:
        words += ["--page-size", str(start.load.block_size)]
    if s.enforce_eager and start.flags.has("--cuda-graph-backend-decode"):
        words += ["--cuda-graph-backend-decode", "disabled", "--cuda-graph-backend-prefill", "disabled"]
    elif s.enforce_eager:
        words.append("--disable-cuda-graph")
    if not start.load.hybrid_kv:
        words.append("--disable-hybrid-swa-memory")
    if s.prefix_caching is False:
        words.append("--disable-radix-cache")
    if s.language_model_only:
        words.append("--language-model-only")
    if s.cpu_offload_gib is not None:
        words += ["--cpu-offload-gb", f"{s.cpu_offload_gib:g}"]
    if s.lora is not None:
        slots, _, rank = s.lora.partition("x")
        words += ["--enable-lora", "--max-loras-per-batch", slots, "--max-lora-rank", rank]
        words += ["--lora-target-modules", "all"]
    if (drafts := speculation(s.speculative)) is not None:
        words += _speculative(start, drafts)
    if start.remote_code:
        words.append("--trust-remote-code")
    return tuple(words)


def _speculative(start: Start, drafts: Speculation) -> list[str]:
    """What drafts, a chain of tokens (arg_groups/speculative_hook.py).

    Steps are one less than the tokens that a pass verifies; drafts in blocks have one step.
    """
    words, tokens, algorithm = [], drafts.tokens, "EAGLE"
    if drafts.model is None:
        mtp = start.card.architecture.mtp
        tokens = tokens or (mtp.layers if mtp is not None else 1)
    else:
        card = catalogue().drafter(drafts.model)
        algorithm = "STANDALONE" if card.draft is None else ALGORITHMS[card.draft.method]
        words = ["--speculative-draft-model-path", card.hub_id or card.id]
    assert tokens is not None
    if algorithm not in IN_BLOCKS:
        words += ["--speculative-num-steps", str(tokens), "--speculative-eagle-topk", "1"]
    return ["--speculative-algorithm", algorithm, *words, "--speculative-num-draft-tokens", str(tokens + 1)]


def machine(nodes: int, rank: str, head: str) -> tuple[str, ...]:
    """What each of several machines needs beside that; the first one serves."""
    return ("--nnodes", str(nodes), "--node-rank", rank, "--dist-init-addr", f"{head}:{RENDEZVOUS_PORT}")


STARTER = Starter(
    title="SGLang",
    command=command,
    key_option="--api-key",
    said=frozenset(
        (
            *("block_size", "hybrid_kv", "prefix_caching", "cpu_offload_gib", "language_model_only"),
            *("speculative", "lora"),
        )
    ),
    several_from=(0, 4),
    machine=machine,
)
