"""Commands, scripts and manifests of public pages read before they are run; hostile ones are refused in a sentence."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer.cli.entry import run
from gpu_sizer.engines.registry import engine_command_lines
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.evidence.preflight import LONGEST, card_name, preflight, weights_of
from gpu_sizer.load import OPTIONS
from gpu_sizer.memory.layout import LAYOUT

#: https://docs.vllm.ai/en/latest/deployment/k8s.html
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: mistral-7b}
---
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
      - name: mistral-7b
        image: vllm/vllm-openai:v0.11.0
        command: ["/bin/sh", "-c"]
        args: [
          "vllm serve mistralai/Mistral-7B-Instruct-v0.3 --trust-remote-code --max_num_batched_tokens 1024 -tp 2"
        ]
        resources:
          limits: {cpu: "10", memory: 20G, nvidia.com/gpu: "1"}
"""
COMPOSE = """\
services:
  vllm:
    image: vllm/vllm-openai:v0.11.0
    command: --model Qwen/Qwen2.5-7B-Instruct --max-model-len 32768 --gpu-memory-utilization 0.9 --port 8000
    deploy:
      resources:
        reservations:
          devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]
"""
#: https://docs.vllm.ai/en/latest/configuration/serve_args.html
CONFIG = "model: meta-llama/Llama-3.1-8B-Instruct\nport: 6379\nuvicorn-log-level: info\nenforce-eager: true\n"

READ: list[tuple[str, str, str | None, dict[str, Any], set[str]]] = [
    # https://docs.vllm.ai/en/latest/deployment/docker.html
    (
        'docker run --runtime nvidia --gpus all -v ~/.cache:/root/.cache --env "HF_TOKEN=<secret>" -p 8000:8000 \\\n'
        "    --ipc=host vllm/vllm-openai:latest --model mistralai/Mistral-7B-v0.1",
        "vllm",
        "mistralai/Mistral-7B-v0.1",
        {},
        set(),
    ),
    # https://github.com/sgl-project/sglang/tree/main/benchmark/deepseek_v3
    (
        "python3 -m sglang.launch_server --model deepseek-ai/DeepSeek-V3 --tp 8 --trust-remote-code",
        "sglang",
        "deepseek-ai/DeepSeek-V3",
        {"tensor_parallel_size": 8},
        {"--trust-remote-code"},
    ),
    # https://docs.sglang.ai/advanced_features/dp_dpa_smg_guide.html: attention's replicas lie within the ranks.
    (
        "sglang serve --model-path deepseek-ai/DeepSeek-V3 --tp 8 --dp-size 4 --enable-dp-attention",
        "sglang",
        "deepseek-ai/DeepSeek-V3",
        {"tensor_parallel_size": 2, "data_parallel_size": 4, "expert_parallel": True},
        set(),
    ),
    # https://github.com/huggingface/text-generation-inference (README)
    (
        "model=HuggingFaceH4/zephyr-7b-beta\n# share a volume\nvolume=$PWD/data\n\ndocker run --gpus all --shm-size 1g "
        "-p 8080:80 -v $volume:/data \\\n    ghcr.io/huggingface/text-generation-inference:3.3.4 --model-id x/y",
        "tgi@3.3.4",
        "x/y",
        {},
        set(),
    ),
    # https://nvidia.github.io/TensorRT-LLM/commands/trtllm-serve/trtllm-serve.html
    (
        "trtllm-serve TinyLlama/TinyLlama-1.1B-Chat-v1.0 --max_batch_size 64 --tp_size=2 --host 0.0.0.0",
        "tensorrt-llm",
        "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
        {"max_num_seqs": 64, "tensor_parallel_size": 2},
        {"--host"},
    ),
    # https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
    ("./llama-server -m models/7B/ggml.gguf -c 2048", "llama.cpp", "models/7B/ggml.gguf", {"context": "2048"}, set()),
    # https://docs.vllm.ai/en/latest/features/spec_decode.html and the recipes of Qwen3.5
    (
        "vllm serve Qwen/Qwen3.5-35B-A3B --speculative-config '{\"method\": \"mtp\", \"num_speculative_tokens\": 2}' "
        "--enable-prefix-caching --language-model-only",
        "vllm",
        "Qwen/Qwen3.5-35B-A3B",
        {"speculative": "mtp:2", "prefix_caching": True, "language_model_only": True},
        set(),
    ),
    (
        "vllm serve meta-llama/Llama-3.1-70B-Instruct --no-enable-prefix-caching --disable-custom-all-reduce "
        """--speculative_config='{"model": "meta-llama/Llama-3.1-8B-Instruct", "num_speculative_tokens": 5}'""",
        "vllm",
        "meta-llama/Llama-3.1-70B-Instruct",
        {
            "speculative": "draft:meta-llama/Llama-3.1-8B-Instruct:5",
            "prefix_caching": False,
            "disable_custom_all_reduce": True,
        },
        set(),
    ),
    # What takes no memory of a GPU, what has no card, and what is no JSON.
    (
        """vllm serve x/y --speculative-config '{"method": "ngram", "num_speculative_tokens": 5}'""",
        "vllm",
        "x/y",
        {},
        set(),
    ),
    (
        """vllm serve x/y --speculative-config '{"method": "eagle3", "model": "a/b", "num_speculative_tokens": 5}'""",
        "vllm",
        "x/y",
        {},
        {"--speculative-config"},
    ),
    ("vllm serve x/y --speculative-config [1]", "vllm", "x/y", {}, {"--speculative-config"}),
    ("vllm serve x/y --speculative-config {", "vllm", "x/y", {}, {"--speculative-config"}),
    (
        "CUDA_VISIBLE_DEVICES=0 nohup vllm serve Qwen/Qwen3-8B --enforce-eager --enable-auto-tool-choice "
        "--tool-call-parser hermes > out.log 2>&1 &",
        "vllm",
        "Qwen/Qwen3-8B",
        {"enforce_eager": True},
        {"--enable-auto-tool-choice", "--tool-call-parser"},
    ),
    (
        "vllm serve --tensor-parallel-size 2 --enable-expert-parallel Qwen/Qwen3-30B-A3B --gpu_memory_utilization=0.8",
        "vllm",
        "Qwen/Qwen3-30B-A3B",
        {"tensor_parallel_size": 2, "expert_parallel": True, "gpu_memory_utilization": 0.8},
        set(),
    ),
    (
        MANIFEST,
        "vllm@0.11.0",
        "mistralai/Mistral-7B-Instruct-v0.3",
        {"max_num_batched_tokens": 1024, "tensor_parallel_size": 2},
        {"--trust-remote-code"},
    ),
    (
        COMPOSE,
        "vllm@0.11.0",
        "Qwen/Qwen2.5-7B-Instruct",
        {"context": "32768", "gpu_memory_utilization": 0.9},
        {"--port"},
    ),
    (CONFIG, "vllm", "meta-llama/Llama-3.1-8B-Instruct", {"enforce_eager": True}, {"--port", "--uvicorn-log-level"}),
    # https://docs.ollama.com/modelfile
    ("FROM llama3.2\nPARAMETER temperature 1\nPARAMETER num_ctx 4096\nSYSTEM You are Mario", "llama.cpp", "llama3.2",
     {"context": "4096"}, {"temperature"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "engine", "model", "options", "ignored"), READ)
def test_what_a_command_asks_for(
    text: str, engine: str, model: str | None, options: dict[str, Any], ignored: set[str]
) -> None:
    found = preflight(text)
    assert (found.engine, found.model, found.options, set(found.ignored)) == (engine, model, options, ignored)


def test_gpus_of_a_manifest() -> None:
    assert (preflight(MANIFEST).gpu_count, preflight(COMPOSE).gpu_count, preflight(CONFIG).gpu_count) == (1, 1, None)


def test_every_option_sets_what_there_is() -> None:
    known = {"model", "replicas_within", *OPTIONS, *(s.name for s in LAYOUT)}
    for line in engine_command_lines():
        assert {*line.options.values(), *(key for key, _ in line.switches.values())} <= known


@pytest.mark.parametrize(
    ("name", "card", "weights"),
    [
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B", None),
        ("/models/Qwen3-8B/", "Qwen3-8B", None),
        ("/root/.cache/huggingface/hub/models--Qwen--Qwen3-8B/snapshots/abc", "Qwen/Qwen3-8B", None),
        ("unsloth/Qwen3-8B-GGUF:Q8_0", "Qwen3-8B", "q8_0"),
        ("unsloth/Qwen3-8B-GGUF", "Qwen3-8B", "q4_k_m"),
        ("./Qwen3-8B-UD-Q4_K_XL-00001-of-00002.gguf", "Qwen3-8B", "q4_k_xl"),
        ("Qwen3-8B-BF16.gguf", "Qwen3-8B", "bfloat16"),
    ],
)
def test_names_of_models_and_files(name: str, card: str, weights: str | None) -> None:
    assert (card_name(name), weights_of(name)) == (card, weights)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no command of a server is found"),
        ("hello world", "known: vllm serve"),
        ("vllm serve 'x", "No closing quotation"),
        ("vllm serve x --max-num-seqs many", "--max-num-seqs many: max_num_seqs must be a number"),
        ("vllm serve x -tp 0", "must be"),
        ("vllm serve x -tp ${TP}", "-tp ${TP}"),
        ("a" * (LONGEST + 1), "is it a command?"),
        ("[" * 5000, "no command of a server is found"),
        ("a: &a [*a]", "no command of a server is found"),
    ],
)
def test_what_is_no_command_is_refused_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(GpuSizerError) as error:
        preflight(text)
    assert said in str(error.value)


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=200), st.sampled_from(["", "vllm serve ", "command: ", "FROM ", "image: vllm/vllm-openai\nargs: "])
)
def test_no_text_makes_it_fall_over(text: str, before: str) -> None:
    try:
        preflight(before + text)
    except GpuSizerError as error:
        assert str(error)


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE, encoding="utf-8")
    assert run(["fit", "--gpu", "l40s", "--from", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["assumptions"]["context"]) == ("qwen2.5-7b", 32768)
    assert found["command"]["not_considered"] == ["--port"]
    # Options beside the command go first; the exit code is fit's.
    assert run(["fit", "--gpu", "rtx-4090", "--from", str(file), "--utilization", "0.5"]) == 3
    assert "Not considered: --port" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO(MANIFEST))
    assert run(["fit", "--gpu", "l4", "--from", "-"]) == 3
    assert "The manifest asks for 1 GPU, and the command takes 2" in capsys.readouterr().out
    drafts = "vllm serve Qwen/Qwen3-8B --max-model-len 8192 --speculative-config x"
    assert run(["fit", "--gpu", "l40s", "--from", drafts]) == 0
    assert "These take memory beside that, and how much is not known: --speculative-config" in capsys.readouterr().out
    for wrong in (
        ["--from", "x"],
        ["--gpu", "l4"],
        ["--gpu", "l4", "--from", "vllm serve"],
        ["--gpu", "l4", "--from", str(tmp_path)],
    ):
        assert run(["fit", *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
