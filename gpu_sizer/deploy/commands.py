"""The launch command of each engine: from a checked layout and its settings to exact arguments.

Another engine is one function here and one line in ``COMMANDS``, ``IMAGES`` and ``MACHINE_ARGUMENTS``.
"""

from __future__ import annotations

from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gpu_sizer.planning.plan import Fit

#: Names of the types as vLLM's ``--kv-cache-dtype`` takes them (vllm/config/cache.py: CacheDType).
_VLLM_CACHE = {"float8": "fp8"}
#: The type that vLLM computes in where a checkpoint is float32 (vllm/config/model.py: _resolve_auto_dtype).
_COMPUTED = {"float32": "bfloat16"}
#: Types of weights that vLLM makes from any checkpoint as it loads (``--dtype``).
_CASTS = ("bfloat16", "float16")


def _dtype(answer: Fit, own_weights: bool) -> str:
    """The computing type.

    Raises:
        RequestError: a what-if that no option of the engine brings about.
    """
    request = answer.request
    wanted, card = request.weights_dtype, request.model.weights
    if wanted is not None and wanted not in _CASTS and not own_weights:
        raise RequestError(
            f"weights of {wanted} are a what-if that vLLM does not make from the release: "
            "name a checkpoint that has them (--weights)"
        )
    dtype = wanted if wanted in _CASTS and wanted else _COMPUTED.get(card.dtype, card.dtype)
    return "float16" if dtype == "bfloat16" and request.gpu.supports_bfloat16 is False else dtype


def _cache_dtype(answer: Fit, dtype: str) -> str:
    """``auto`` where that means what was planned, else the type's name."""
    asked, planned = answer.request.kv_cache_dtype, answer.settings.kv_cache_dtype
    if asked in (None, "auto") or (planned == dtype and answer.request.model.weights.kv_cache_dtype is None):
        return "auto"
    return _VLLM_CACHE.get(planned, planned)


def vllm(answer: Fit, weights: str, port: int, own_weights: bool) -> tuple[str, ...]:
    """``vllm serve`` with everything that the plan rests on said outright (vllm/engine/arg_utils.py).

    The batch is named even where it is the default, since defaults depend on the version and on what calls it.
    """
    layout, s = answer.layout, answer.settings
    words = ["vllm", "serve", weights, "--port", str(port)]
    words += ["--tensor-parallel-size", str(layout.tensor_parallel_size)]
    words += ["--pipeline-parallel-size", str(layout.pipeline_parallel_size)]
    if layout.data_parallel_size > 1:
        words += ["--data-parallel-size", str(layout.data_parallel_size)]
    if layout.expert_parallel:
        words.append("--enable-expert-parallel")
    dtype = _dtype(answer, own_weights)
    words += ["--max-model-len", str(s.context)]
    words += ["--max-num-seqs", str(s.max_num_seqs)]
    words += ["--max-num-batched-tokens", str(s.max_num_batched_tokens)]
    words += ["--gpu-memory-utilization", repr(float(s.gpu_memory_utilization))]
    words += ["--dtype", dtype, "--kv-cache-dtype", _cache_dtype(answer, dtype)]
    if answer.request.block_size is not None:
        words += ["--block-size", str(answer.request.block_size)]
    if s.enforce_eager:
        words.append("--enforce-eager")
    return tuple(words)


def vllm_machine(nodes: int, rank: str, head: str, *, headless: bool) -> tuple[str, ...]:
    """What ``vllm serve`` needs beside that on each of several machines.

    Machines after the first run without a server; ranks of data parallelism follow from the machine's
    (docs/serving/parallelism_scaling.md, "Running vLLM with MultiProcessing"; pull request 23691).
    """
    words = ("--nnodes", str(nodes), "--node-rank", rank, "--master-addr", head)
    return (*words, "--headless") if headless else words


COMMANDS: dict[str, Callable[[Fit, str, int, bool], tuple[str, ...]]] = {"vllm": vllm}
MACHINE_ARGUMENTS = {"vllm": vllm_machine}
#: The first version that runs over several machines without a Ray cluster.
SEVERAL_MACHINES_FROM = {"vllm": (0, 12)}
#: Images by engine and platform, with the first version that has one: docs/deployment/docker.md of vLLM;
#: the ROCm image at v0.15.1 in vllm-project/recipes, GLM/GLM.md.
IMAGES: dict[tuple[str, str], tuple[str, tuple[int, int]]] = {
    ("vllm", "cuda"): ("vllm/vllm-openai", (0, 4)),
    ("vllm", "rocm"): ("vllm/vllm-openai-rocm", (0, 15)),
}
