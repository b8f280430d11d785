"""``trtllm-serve`` with the PyTorch backend (tensorrt_llm/commands/serve.py of NVIDIA/TensorRT-LLM).

The server listens on the machine itself alone unless it is told otherwise. Over several machines it takes MPI, which
is the cluster's.
"""

from __future__ import annotations

from gpu_sizer.engines.serving import Start, Starter
from gpu_sizer.errors import RequestError


def command(start: Start) -> tuple[str, ...]:
    """The words of the command.

    Raises:
        RequestError: what the command takes from a file of its own alone, or more than one replica.
    """
    start.one_replica("TensorRT-LLM")
    layout, s = start.layout, start.settings
    start.dtype()  # the checkpoint's own: the command has no option for it
    if start.cache_dtype({}) != "auto" or s.enforce_eager:
        raise RequestError("trtllm-serve takes the type of the cache, and doing without graphs, from a file of its own")
    words = ["trtllm-serve", start.weights, "--backend", "pytorch", "--host", "0.0.0.0", "--port", str(start.port)]
    words += ["--tp_size", str(layout.tensor_parallel_size), "--pp_size", str(layout.pipeline_parallel_size)]
    if layout.expert_parallel:
        words += ["--ep_size", str(layout.expert_ranks)]
    words += ["--max_seq_len", str(s.context), "--max_batch_size", str(s.max_num_seqs)]
    words += ["--max_num_tokens", str(s.max_num_batched_tokens)]
    # Else prompts longer than that are refused (https://github.com/NVIDIA/TensorRT-LLM/issues/9277).
    if s.max_num_batched_tokens < s.context:
        words.append("--enable_chunked_prefill")
    words += ["--kv_cache_free_gpu_memory_fraction", repr(float(s.gpu_memory_utilization))]
    if start.remote_code:
        words.append("--trust_remote_code")
    return tuple(words)


#: It keeps the whole context in every layer as it is.
STARTER = Starter(title="TensorRT-LLM", command=command, said=frozenset(("hybrid_kv",)))
