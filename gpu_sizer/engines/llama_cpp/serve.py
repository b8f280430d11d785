"""``llama-server`` (tools/server/README.md of ggml-org/llama.cpp), every layer on a GPU unless fewer are asked for.

It loads GGUF files, which the release's own repository does not hold: which one is for the user to say. The context
given is that of all slots together, each of which gets its part where the cache is not shared.
"""

from __future__ import annotations

from gpu_sizer.engines.serving import Start, Starter
from gpu_sizer.errors import RequestError

#: ``--cache-type-k``: the same page.
CACHE_TYPES = {"float16": "f16", "bfloat16": "bf16", "float32": "f32"}
#: The default of ``--batch-size``.
LOGICAL_BATCH = 2048
#: Names of unquantized files in GGUF repositories, behind a colon; without one, the server takes Q4_K_M.
FILE_TYPES = {"float16": "F16", "bfloat16": "BF16"}


def _source(start: Start) -> list[str]:
    """Where the weights are: a file, or a repository with the type of the file.

    Raises:
        RequestError: none was named, or one whose default would be quantized weights.
    """
    if not start.own_weights:
        raise RequestError("llama.cpp loads GGUF files: name one, or a repository that has one (--weights)")
    if start.weights.startswith("/") or start.weights.endswith(".gguf"):
        return ["--model", start.weights]
    if ":" in start.weights:
        return ["--hf-repo", start.weights]
    if (kind := FILE_TYPES.get(start.weights_format)) is None:
        raise RequestError(f"say which file of {start.weights} is meant: --weights {start.weights}:TYPE")
    return ["--hf-repo", f"{start.weights}:{kind}"]


def _layers(start: Start) -> list[str]:
    """How the GPUs share the layers: the plan's cut, the last GPU holding the output as one layer more.

    The server counts the output as a layer behind the last (src/llama-model.cpp: act_gpu_layers).
    """
    layout = start.layout
    if layout.tensor_parallel_size > 1:
        return ["--split-mode", "row"]
    if layout.pipeline_parallel_size == 1:
        return ["--split-mode", "none"]
    words = ["--split-mode", "layer"]
    if cut := start.layer_split:
        words += ["--tensor-split", ",".join(map(str, (*cut[:-1], cut[-1] + 1)))]
    return words


def command(start: Start) -> tuple[str, ...]:
    """The words of the command.

    Raises:
        RequestError: no GGUF file was named, or more than one replica.
    """
    start.one_replica("llama.cpp")
    s = start.settings
    words = ["llama-server", *_source(start), "--host", "0.0.0.0", "--port", str(start.port)]
    words += ["--n-gpu-layers", "all" if s.n_gpu_layers is None else str(s.n_gpu_layers), *_layers(start)]
    if s.n_cpu_moe:
        words += ["--n-cpu-moe", str(s.n_cpu_moe)]
    words += ["--ctx-size", str(s.context * s.users), "--parallel", str(s.max_num_seqs)]
    words.append("--kv-unified" if s.max_num_seqs > s.users else "--no-kv-unified")
    # The physical batch is cut to the logical one, 2048 by default (src/llama-context.cpp).
    words += ["--batch-size", str(max(LOGICAL_BATCH, s.max_num_batched_tokens))]
    words += ["--ubatch-size", str(s.max_num_batched_tokens)]
    kind = CACHE_TYPES.get(s.kv_cache_dtype, s.kv_cache_dtype)
    words += ["--cache-type-k", kind, "--cache-type-v", kind]
    if s.flash_attention is False:
        words += ["--flash-attn", "off"]
    if not start.load.hybrid_kv:
        words.append("--swa-full")
    return tuple(words)


#: Its server's place in the image: .devops/cuda.Dockerfile; LLAMA_API_KEY: tools/server/README.md.
STARTER = Starter(
    title="llama.cpp",
    command=command,
    version="b{0}",
    program="/app/llama-server",
    cache="/root/.cache",
    downloads=False,
    key_variable="LLAMA_API_KEY",
    health=("curl", "-fsS", "-m", "{seconds}", "{url}"),
    said=frozenset(("hybrid_kv", "n_gpu_layers", "n_cpu_moe", "flash_attention")),
)
