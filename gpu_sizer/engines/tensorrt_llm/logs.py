"""TensorRT-LLM's wording (cpp/tensorrt_llm/batch_manager/kvCacheManager.cpp, runtime, _torch/pyexecutor)."""

from __future__ import annotations

import re

from gpu_sizer.engines.wording import FINAL, Found, Wording, wording

NAME = "tensorrt_llm"


def _bytes(found: Found, match: re.Match[str]) -> None:
    found.put("available_kv_gib", round(int(match.group("bytes")) / 2**30, 4))


WORDINGS: tuple[Wording, ...] = (
    wording("TensorRT-LLM version: ", r"TensorRT-LLM version: (?P<engine_version>\d+\.\d+[\w.+]*)"),
    wording("TensorRT-LLM Version:", r"TensorRT-LLM Version: +(?P<engine_version>\d+\.\d+[\w.+]*)"),
    wording("Engine version ", r"Engine version (?P<engine_version>\d+\.\d+[\w.+]*) found"),
    wording("MPI size: ", r"MPI size: <#gpu_count>\b"),
    wording("Model:", r"^Model: +(?P<model>\S+/\S+)\s*$"),
    wording("trtllm-serve", r"trtllm-serve (?:serve )?(?!-)(?P<model>\S+)"),
    wording("Loaded engine size: ", r"Loaded engine size: <weights_gib_per_gpu> (?P<unit>[MG]iB)", worth=FINAL),
    wording(
        "max tokens in paged k",
        r"max tokens in paged (?:kv|KV) cache: total: <gpu_total_gib> GiB, available",
    ),
    wording("blocks in KV cache primary pool: ", r"blocks in KV cache primary pool: <#gpu_blocks>\b"),
    wording("Number of tokens per block: ", r"Number of tokens per block: <#block_size>\b"),
    wording(
        "for max tokens in paged KV cache",
        r"Allocated <available_kv_gib> (?P<unit>[GM]iB) for max tokens in paged KV cache \(<#kv_cache_tokens>\)",
        worth=FINAL,
    ),
    wording("tokens in paged KV cache.", r"Using <#kv_cache_tokens> tokens in paged KV cache"),
    wording("bytes for k/v cache", r"Allocate (?P<bytes>\d{1,15}) bytes for k/v cache", also=_bytes),
    wording(
        "Max tokens in paged KV cache: ",
        r"Max tokens in paged KV cache: <#kv_cache_tokens>\. Allocating (?P<bytes>\d{1,15}) bytes",
        also=_bytes,
    ),
    wording("max_num_requests=", r"max_seq_len=<#max_model_len>, max_num_requests=<#max_num_seqs>", worth=FINAL),
    wording("max_num_requests=", r"max_num_tokens=<#max_num_batched_tokens>\b", worth=FINAL),
    wording("TRTGptModel maxBatchSize: ", r"TRTGptModel maxBatchSize: <#max_num_seqs>\b"),
    wording("Engine loaded and ready to serve", r"Engine loaded and ready to serve", outcome="served"),
)
