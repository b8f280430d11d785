"""``text-generation-launcher`` (docs/source/reference/launcher.md of huggingface/text-generation-inference).

The image's own entry point joins its arguments without quotes (tgi-entrypoint.sh), so the launcher is called itself.
"""

from __future__ import annotations

from gpu_sizer.engines.serving import CASTS, Start, Starter

#: ``--kv-cache-dtype``: the same page.
CACHE_TYPES = {
    "float8": "fp8_e4m3fn",
    "fp8": "fp8_e4m3fn",
    "fp8_e4m3": "fp8_e4m3fn",
    "fp8_e4m3fn": "fp8_e4m3fn",
    "fp8_e5m2": "fp8_e5m2",
}
#: It keeps the whole context in every layer as it is.
KEPT = frozenset(("hybrid_kv",))
#: The launcher's own port for metrics, by default (launcher/src/main.rs: prometheus_port).
METRICS_PORT = 9000
#: The launcher's default of ``--max-concurrent-requests``.
CONCURRENT = 128


def command(start: Start) -> tuple[str, ...]:
    """The words of the command.

    Raises:
        RequestError: more than one replica, or a what-if that no option brings about.
    """
    start.one_replica("TGI")
    s, dtype = start.settings, start.dtype(of_float32="float16")
    words = ["text-generation-launcher", "--model-id", start.weights, "--port", str(start.port)]
    words += ["--num-shard", str(start.layout.tensor_parallel_size)]
    longest = "--max-input-tokens" if start.flags.has("--max-input-tokens") else "--max-input-length"
    words += ["--max-total-tokens", str(s.context), longest, str(max(1, s.context - 1))]
    words += ["--max-batch-prefill-tokens", str(s.max_num_batched_tokens)]
    words += ["--max-concurrent-requests", str(max(CONCURRENT, s.users))]
    if start.load.max_num_seqs is not None:
        words += ["--max-batch-size", str(start.load.max_num_seqs)]
    words += ["--cuda-memory-fraction", repr(float(s.gpu_memory_utilization))]
    # Weights that are quantized as released say so themselves, and take no type beside that.
    if start.weights_format in (*CASTS, "float32"):
        words += ["--dtype", dtype]
    if (cache := start.cache_dtype(CACHE_TYPES)) in CACHE_TYPES.values():
        words += ["--kv-cache-dtype", cache]
    # Before 2.0 there are none unless they are asked for.
    if s.enforce_eager and start.flags.has("--cuda-graphs"):
        words += ["--cuda-graphs", "0"]
    if start.port == METRICS_PORT:
        words += ["--prometheus-port", str(METRICS_PORT + 1)]
    if start.remote_code:
        words.append("--trust-remote-code")
    return tuple(words)


#: Weights are kept in /data (Dockerfile: HF_HOME); the key: launcher/src/main.rs (api_key).
STARTER = Starter(title="TGI", command=command, cache="/data", key_variable="API_KEY", said=KEPT)
