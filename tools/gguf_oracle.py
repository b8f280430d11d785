"""Small GGUF files of many architectures, and what llama.cpp itself allocates for them: rows for the tests.

    python tools/gguf_oracle.py tests/importers/llama_cpp

Each file is written with zeros (the ``gguf`` package) and loaded by llama.cpp on the CPU (``xllamacpp``); kept are its
header, which is all that is read here, and the sizes that llama.cpp logged. Both packages are on PyPI, and no part of
gpu_sizer is used.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import gguf
import numpy as np

VOCABULARY, HIDDEN, WIDTH, HEADS, KV, DIM = 512, 1024, 2048, 8, 2, 128
#: Tokens of the cache, and the lines that are kept: megabytes of a kind of buffer.
CONTEXT = 16384
LINES = {
    "weights": r"CPU_Mapped model buffer size = +([\d.]+) MiB",
    "cache": r"CPU KV buffer size = +([\d.]+) MiB",
    "states": r"CPU RS buffer size = +([\d.]+) MiB",
}
#: Loads a file and prints its log.
LOADER = """
import sys, xllamacpp
p = xllamacpp.CommonParams()
p.model.path, p.n_ctx, p.n_parallel, p.warmup, p.verbosity = sys.argv[1], int(sys.argv[2]), 1, False, 4
xllamacpp.Server(p)
"""
STATES = {
    "ssm.conv_kernel": 4,
    "ssm.inner_size": 2048,
    "ssm.state_size": 128,
    "ssm.time_step_rank": 32,
    "ssm.group_count": 1,
}
EXPERTS = {"expert_count": 8, "expert_used_count": 2, "expert_feed_forward_length": 512}
AHEAD = {"nextn_predict_layers": 1}

Tensor = tuple[str, tuple[int, ...], str]


def norms(*names: str, width: int = HIDDEN) -> list[Tensor]:
    return [(f"{name}.weight", (width,), "F32") for name in names]


def attention(
    kind: str = "Q4_K", values: str = "Q6_K", *, dim: int = DIM, gate: bool = False, normed: bool = False
) -> list[Tensor]:
    return [
        *norms("attn_norm"),
        ("attn_q.weight", (HEADS * dim * (2 if gate else 1), HIDDEN), kind),
        ("attn_k.weight", (KV * dim, HIDDEN), kind),
        ("attn_v.weight", (KV * dim, HIDDEN), values),
        ("attn_output.weight", (HIDDEN, HEADS * dim), kind),
        *(norms("attn_q_norm", "attn_k_norm", width=dim) if normed else []),
    ]


def biases(dim: int = DIM, *, output: bool = False) -> list[Tensor]:
    sizes = [("q", HEADS * dim), ("k", KV * dim), ("v", KV * dim), *([("output", HIDDEN)] if output else [])]
    return [(f"attn_{name}.bias", (size,), "F32") for name, size in sizes]


def dense(kind: str = "Q4_K", down: str = "Q6_K", *, norm: str | None = "ffn_norm.weight") -> list[Tensor]:
    return [
        *([(norm, (HIDDEN,), "F32")] if norm else []),
        ("ffn_gate.weight", (WIDTH, HIDDEN), kind),
        ("ffn_up.weight", (WIDTH, HIDDEN), kind),
        ("ffn_down.weight", (HIDDEN, WIDTH), down),
    ]


def experts(
    kind: str = "MXFP4", down: str = "IQ4_XS", *, number: int = 8, shared: bool = False, norm: bool = True
) -> list[Tensor]:
    beside: list[Tensor] = [
        ("ffn_gate_shexp.weight", (512, HIDDEN), "Q8_0"),
        ("ffn_up_shexp.weight", (512, HIDDEN), "Q8_0"),
        ("ffn_down_shexp.weight", (HIDDEN, 512), "Q8_0"),
    ]
    return [
        *(norms("ffn_norm") if norm else []),
        ("ffn_gate_inp.weight", (number, HIDDEN), "F32"),
        ("ffn_gate_exps.weight", (number, 512, HIDDEN), kind),
        ("ffn_up_exps.weight", (number, 512, HIDDEN), kind),
        ("ffn_down_exps.weight", (number, HIDDEN, 512), down),
        *(beside if shared else []),
    ]


def mamba2() -> list[Tensor]:
    inner, size, heads = 2048, 128, 32
    mixed = inner + 2 * size
    return [
        ("ssm_in.weight", (inner + mixed + heads, HIDDEN), "Q4_K"),
        ("ssm_conv1d.weight", (mixed, 4), "F32"),
        ("ssm_conv1d.bias", (mixed,), "F32"),
        ("ssm_dt.bias", (heads,), "F32"),
        ("ssm_a", (heads, 1), "F32"),
        ("ssm_d", (heads, 1), "F32"),
        ("ssm_norm.weight", (1, inner), "F32"),
        ("ssm_out.weight", (HIDDEN, inner), "Q4_K"),
    ]


def delta() -> list[Tensor]:
    mixed = 2 * 8 * 128 + 2048
    return [
        *norms("attn_norm"),
        ("attn_qkv.weight", (mixed, HIDDEN), "Q4_K"),
        ("attn_gate.weight", (2048, HIDDEN), "Q4_K"),
        ("ssm_conv1d.weight", (mixed, 4), "F32"),
        ("ssm_dt.bias", (16,), "F32"),
        ("ssm_a", (16,), "F32"),
        ("ssm_beta.weight", (16, HIDDEN), "Q8_0"),
        ("ssm_alpha.weight", (16, HIDDEN), "Q8_0"),
        ("ssm_norm.weight", (128,), "F32"),
        ("ssm_out.weight", (HIDDEN, 2048), "Q4_K"),
    ]


def latent() -> list[Tensor]:
    return [
        *norms("attn_norm"),
        *norms("attn_q_a_norm", width=256),
        *norms("attn_kv_a_norm", width=512),
        ("attn_q_a.weight", (256, HIDDEN), "Q4_K"),
        ("attn_q_b.weight", (HEADS * 192, 256), "Q4_K"),
        ("attn_kv_a_mqa.weight", (576, HIDDEN), "Q8_0"),
        ("attn_k_b.weight", (HEADS, 512, 128), "Q8_0"),
        ("attn_v_b.weight", (HEADS, 128, 512), "Q8_0"),
        ("attn_output.weight", (HIDDEN, HEADS * 128), "Q4_K"),
    ]


def ahead() -> list[Tensor]:
    made = [("nextn.eh_proj.weight", (HIDDEN, 2 * HIDDEN), "Q8_0")]
    return [*made, *norms("nextn.enorm", "nextn.hnorm", "nextn.shared_head_norm")]


def ends(*, tied: bool = False, kind: str = "Q4_K", head: str = "Q6_K", norm: str = "output_norm") -> list[Tensor]:
    last = [] if tied else [("output.weight", (VOCABULARY, HIDDEN), head)]
    return [("token_embd.weight", (VOCABULARY, HIDDEN), kind), *norms(norm), *last]


def short() -> list[Tensor]:
    return [
        *norms("attn_norm"),
        ("shortconv.conv.weight", (HIDDEN, 3), "F32"),
        ("shortconv.in_proj.weight", (3 * HIDDEN, HIDDEN), "Q4_K"),
        ("shortconv.out_proj.weight", (HIDDEN, HIDDEN), "Q4_K"),
    ]


def models() -> dict[str, tuple[str, dict[str, Any], list[Tensor], list[list[Tensor]]]]:
    """By name: architecture, metadata, tensors outside of the layers, and those of each layer."""
    bias = ("exp_probs_b.bias", (8,), "F32")
    fused: list[Tensor] = [
        *norms("attn_norm", "ffn_norm"),
        ("attn_qkv.weight", ((HEADS + 2 * KV) * DIM, HIDDEN), "Q5_K"),
        ("attn_output.weight", (HIDDEN, HEADS * DIM), "Q4_K"),
        ("ffn_up.weight", (2 * WIDTH, HIDDEN), "Q4_K"),
        ("ffn_down.weight", (HIDDEN, WIDTH), "Q6_K"),
    ]
    sandwich = norms("post_attention_norm", "post_ffw_norm")
    gpt_oss = [
        *attention("Q8_0", "Q8_0", dim=64),
        *biases(64, output=True),
        *norms("post_attention_norm"),
        ("attn_sinks.weight", (HEADS,), "F32"),
        *experts(down="MXFP4", norm=False),
        ("ffn_gate_inp.bias", (8,), "F32"),
        *[(f"ffn_{n}_exps.bias", (8, size), "F32") for n, size in (("gate", 512), ("up", 512), ("down", HIDDEN))],
    ]
    gated = [("ffn_gate_inp_shexp.weight", (HIDDEN,), "F32"), *norms("post_attention_norm")]
    qwen = [*experts(shared=True, norm=False), *gated]
    whole = attention(dim=256, gate=True, normed=True)
    glm = [*attention("Q8_0", "Q8_0"), *biases(), *norms("post_attention_norm")]
    glm_experts = [*glm, *experts(shared=True, norm=False), bias]
    per_layer: list[Tensor] = [
        ("per_layer_token_embd.weight", (VOCABULARY, 256 * 6), "Q5_K"),
        ("per_layer_model_proj.weight", (256 * 6, HIDDEN), "F16"),
        *norms("per_layer_proj_norm", "rope_freqs", width=256),
    ]
    gemma_4 = [
        *dense(),
        *sandwich,
        *norms("post_norm"),
        ("inp_gate.weight", (256, HIDDEN), "Q4_K"),
        ("proj.weight", (HIDDEN, 256), "Q4_K"),
        ("layer_output_scale.weight", (1,), "F32"),
    ]
    of_qwen = {
        **EXPERTS,
        **AHEAD,
        **STATES,
        "expert_shared_feed_forward_length": 512,
        "attention.key_length": 256,
        "attention.value_length": 256,
        "ssm.time_step_rank": 16,
        "ssm.group_count": 8,
        "rope.dimension_sections": [11, 11, 10, 0],
    }
    of_deepseek = {
        **EXPERTS,
        "attention.head_count_kv": 1,
        "attention.key_length": 576,
        "attention.value_length": 512,
        "attention.key_length_mla": 192,
        "attention.value_length_mla": 128,
        "attention.kv_lora_rank": 512,
        "attention.q_lora_rank": 256,
        "rope.dimension_count": 64,
        "leading_dense_block_count": 1,
        "expert_shared_count": 1,
        "expert_weights_scale": 1.0,
        "expert_gating_func": 2,
    }
    of_gemma = {
        "attention.key_length": 512,
        "attention.value_length": 512,
        "attention.key_length_swa": 256,
        "attention.value_length_swa": 256,
        "attention.sliding_window": 512,
        "attention.sliding_window_pattern": [True, False, True, False, True, False],
        "attention.shared_kv_layers": 2,
        "embedding_length_per_layer_input": 256,
        "rope.dimension_count": 512,
        "rope.dimension_count_swa": 256,
    }
    some = {"attention.head_count_kv": [0, KV, 0, KV]}
    mixed = [attention(values="Q6_K" if i % 2 else "Q4_K") + dense(down="Q6_K" if i % 2 else "Q4_K") for i in range(4)]
    shared = {"expert_shared_count": 1, "leading_dense_block_count": 1, "expert_weights_scale": 1.0}
    return {
        "llama": ("llama", {}, ends(), mixed),
        "llama-iq": ("llama", {}, ends(tied=True), [attention("IQ3_XXS", "IQ2_S") + dense("IQ1_M", "IQ4_XS")] * 4),
        "qwen3moe": ("qwen3moe", EXPERTS, ends(), [attention(normed=True) + experts()] * 4),
        "gemma3": (
            "gemma3",
            {"attention.sliding_window": 512},
            ends(tied=True),
            [attention(normed=True) + dense() + sandwich] * 6,
        ),
        "gemma4": (
            "gemma4",
            of_gemma,
            ends(tied=True) + per_layer,
            [attention(dim=512 if i % 2 else 256, normed=True) + gemma_4 for i in range(6)],
        ),
        "gpt-oss": (
            "gpt-oss",
            {
                **EXPERTS,
                "attention.sliding_window": 128,
                "attention.key_length": 64,
                "attention.value_length": 64,
                "rope.dimension_count": 64,
            },
            ends(kind="Q8_0", head="Q8_0"),
            [gpt_oss] * 4,
        ),
        "deepseek2": (
            "deepseek2",
            of_deepseek,
            ends(),
            [latent() + dense(), *[latent() + experts(shared=True) + [bias]] * 3],
        ),
        "qwen35moe": ("qwen35moe", of_qwen, ends(), [*[delta() + qwen] * 3, whole + qwen, whole + qwen + ahead()]),
        "glm4moe": (
            "glm4moe",
            {**EXPERTS, **AHEAD, **shared},
            ends(),
            [glm + dense(norm=None), *[glm_experts] * 3, glm_experts + ahead()],
        ),
        "mamba2": (
            "mamba2",
            {**STATES, "attention.head_count": 0, "attention.head_count_kv": 0, "feed_forward_length": 0},
            ends(),
            [norms("attn_norm") + mamba2()] * 3,
        ),
        "granitehybrid": (
            "granitehybrid",
            {**STATES, **some},
            ends(),
            [(attention() if i % 2 else norms("attn_norm") + mamba2()) + dense() for i in range(4)],
        ),
        "falcon-h1": ("falcon-h1", STATES, ends(), [attention() + mamba2() + dense(norm="ffn_norm")] * 4),
        "lfm2": (
            "lfm2",
            {**some, "shortconv.l_cache": 3},
            ends(tied=True, norm="token_embd_norm"),
            [(attention(normed=True) if i % 2 else short()) + dense() for i in range(4)],
        ),
        "llama4": (
            "llama4",
            {**EXPERTS, "expert_count": 4, "expert_used_count": 1, "interleave_moe_layer_step": 1},
            ends(),
            [attention() + experts(number=4, shared=True)] * 4,
        ),
        "phi3": ("phi3", {"attention.sliding_window": 2047}, ends(), [fused] * 4),
    }


def write(
    file: Path, architecture: str, more: dict[str, Any], outside: list[Tensor], layers: list[list[Tensor]]
) -> None:
    """Writes a model of zeros."""
    writer = gguf.GGUFWriter(file, architecture)
    writer.add_name(f"{architecture} of zeros")
    writer.add_tokenizer_model("none")
    writer.add_file_type(15)
    metadata = {
        "block_count": len(layers),
        "context_length": 32768,
        "embedding_length": HIDDEN,
        "feed_forward_length": WIDTH,
        "vocab_size": VOCABULARY,
        "attention.head_count": HEADS,
        "attention.head_count_kv": KV,
        "attention.key_length": DIM,
        "attention.value_length": DIM,
        "attention.layer_norm_rms_epsilon": 1e-6,
        "rope.dimension_count": DIM,
        **more,
    }
    for key, value in metadata.items():
        name = f"{architecture}.{key}"
        if isinstance(value, list):
            writer.add_array(name, value)
        elif isinstance(value, float):
            writer.add_float32(name, value)
        else:
            writer.add_uint32(name, value)
    # What stands first and last of what is loaded bounds what is mapped: norms, which no backend keeps in a layout of
    # its own. Layers that predict ahead are not loaded, and stand behind.
    numbered = [[(f"blk.{i}.{name}", shape, kind) for name, shape, kind in of] for i, of in enumerate(layers)]
    loaded = len(layers) - more.get("nextn_predict_layers", 0)
    last = sorted(outside, key=lambda t: t[2] == "F32")
    ordered = [t for part in (*numbered[:loaded], last, *numbered[loaded:]) for t in part]
    for name, shape, kind in ordered:
        if kind in ("F32", "F16"):
            writer.add_tensor(name, np.zeros(shape, np.float32 if kind == "F32" else np.float16))
            continue
        ggml = gguf.GGMLQuantizationType[kind]
        block, size = gguf.GGML_QUANT_SIZES[ggml]
        writer.add_tensor(name, np.zeros((*shape[:-1], shape[-1] // block * size), np.uint8), raw_dtype=ggml)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def logged_by(file: Path) -> str:
    """What llama.cpp logs of a file until everything is allocated; the server is not waited for."""
    run = [sys.executable, "-c", LOADER, str(file), str(CONTEXT)]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if "compute buffer size" in line:
                break
        server.kill()
    return "".join(lines)


def main(target: Path) -> None:
    """Writes the headers and what llama.cpp logged."""
    target.mkdir(parents=True, exist_ok=True)
    from importlib.metadata import version

    logged: dict[str, Any] = {"context": CONTEXT, "source": f"llama.cpp as built in xllamacpp {version('xllamacpp')}"}
    with tempfile.TemporaryDirectory() as folder:
        for name, model in models().items():
            file = Path(folder, f"{name}.gguf")
            write(file, *model)
            log = logged_by(file)
            if "error loading model" in log:
                raise SystemExit(f"{name}: {log[log.index('error loading model') :][:200]}")
            sizes = {key: sum(map(float, re.findall(line, log))) for key, line in LINES.items()}
            logged[name] = {key: round(size, 2) for key, size in sizes.items()}
            data = gguf.GGUFReader(file).data_offset
            (target / f"{name}.gguf").write_bytes(file.read_bytes()[:data])
            print(name, logged[name], flush=True)
    (target / "logged.json").write_text(json.dumps(logged, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
