"""Commands, scripts and manifests of public pages read before they are run; hostile ones are refused in a sentence."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_sizer import fit_command, load_model
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
    # https://docs.vllm.ai/en/latest/features/lora.html
    (
        "vllm serve meta-llama/Llama-3.2-3B-Instruct --enable-lora --lora-modules sql-lora=a/b --max-loras 4",
        "vllm",
        "meta-llama/Llama-3.2-3B-Instruct",
        {"lora": "4x16"},
        {"--lora-modules"},
    ),
    ("vllm serve x/y --max-lora-rank 64 --cpu-offload-gb 10", "vllm", "x/y", {"cpu_offload_gib": 10.0}, set()),
    # docs/advanced_features/speculative_decoding.md of SGLang: the model's own layers, and a draft of untold length.
    (
        "python3 -m sglang.launch_server --model deepseek-ai/DeepSeek-V3 --tp 8 --speculative-algorithm NEXTN "
        "--speculative-num-steps 1 --speculative-eagle-topk 1 --speculative-num-draft-tokens 2",
        "sglang",
        "deepseek-ai/DeepSeek-V3",
        {"tensor_parallel_size": 8, "speculative": "mtp:1"},
        set(),
    ),
    (
        "sglang serve --model-path openai/gpt-oss-120b --speculative-algo EAGLE3 "
        "--speculative-draft-model-path nvidia/gpt-oss-120b-Eagle3-short-context",
        "sglang",
        "openai/gpt-oss-120b",
        {"speculative": "draft:nvidia/gpt-oss-120b-Eagle3-short-context:3"},
        set(),
    ),
    # Branches, of which is told what a pass verifies; a whole model; drafts in blocks of a length that is not known.
    (
        "sglang serve --model-path Qwen/Qwen3.5-35B-A3B --speculative-algorithm EAGLE --speculative-num-steps 3 "
        "--speculative-eagle-topk 4 --speculative-num-draft-tokens 16",
        "sglang",
        "Qwen/Qwen3.5-35B-A3B",
        {"speculative": "mtp:15"},
        set(),
    ),
    (
        "sglang serve --model-path meta-llama/Llama-3.1-8B-Instruct --speculative-algorithm EAGLE",
        "sglang",
        "meta-llama/Llama-3.1-8B-Instruct",
        {"speculative": "mtp:7"},
        set(),
    ),
    (
        "sglang serve --model-path Qwen/Qwen3-8B --speculative-algorithm STANDALONE "
        "--speculative-draft-model-path Qwen/Qwen3-0.6B --speculative-num-steps 4",
        "sglang",
        "Qwen/Qwen3-8B",
        {"speculative": "draft:Qwen/Qwen3-0.6B:4"},
        set(),
    ),
    (
        "sglang serve --model-path x/y --speculative-algorithm DFLASH --speculative-draft-model-path a/b",
        "sglang",
        "x/y",
        {},
        {"--speculative-algorithm"},
    ),
    ("sglang serve --model-path x/y --speculative-algorithm NGRAM", "sglang", "x/y", {}, set()),
    # docs/advanced_features/lora.ipynb; without a highest rank it is that of the adapters.
    (
        "python3 -m sglang.launch_server --model-path meta-llama/Llama-3.1-8B-Instruct --enable-lora "
        "--lora-paths lora0=a/b lora1=c/d --max-loras-per-batch 2 --max-lora-rank 64 --lora-target-modules all",
        "sglang",
        "meta-llama/Llama-3.1-8B-Instruct",
        {"lora": "2x64"},
        {"--lora-target-modules"},
    ),
    ("sglang serve --model-path x/y --lora-paths a=b --max-lora-rank 16", "sglang", "x/y", {"lora": "8x16"}, set()),
    ("sglang serve --model-path x/y --lora-paths a=b c=d", "sglang", "x/y", {}, {"--lora-paths"}),
    # https://github.com/ggml-org/llama.cpp/pull/15077
    (
        "llama-server -m gpt-oss-120b.gguf --ctx-size 8192 --n-gpu-layers 99 --n-cpu-moe 3",
        "llama.cpp",
        "gpt-oss-120b.gguf",
        {"context": "8192", "n_gpu_layers": 99, "n_cpu_moe": 3},
        set(),
    ),
    ("llama-server -m x.gguf -ngl all -ncmoe 2", "llama.cpp", "x.gguf", {"n_cpu_moe": 2}, set()),
    ("llama-server -m x.gguf -ngl many", "llama.cpp", "x.gguf", {}, {"-ngl"}),
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
    (
        "vllm serve openai/gpt-oss-120b --speculative-config "
        """'{"method": "eagle3", "model": "nvidia/gpt-oss-120b-Eagle3-short-context", "num_speculative_tokens": 3}'""",
        "vllm",
        "openai/gpt-oss-120b",
        {"speculative": "draft:nvidia/gpt-oss-120b-Eagle3-short-context:3"},
        set(),
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
    # https://github.com/vllm-project/vllm/issues/3435
    (
        "services:\n  vllm:\n    image: vllm/vllm-openai:latest\n    command: --model mistralai/Mistral-7B-v0.1\n"
        '    ports:\n      - "8000:8000"\n',
        "vllm",
        "mistralai/Mistral-7B-v0.1",
        {},
        set(),
    ),
    # https://github.com/vllm-project/vllm/issues/16777
    (
        "CUDA_VISIBLE_DEVICES=1,2,3  vllm serve /root/llm/cohere/c4ai-command-a-03-2025 -tp=2 "
        "--gpu-memory-utilization 0.95 --swap-space 8 --max-num-seqs=1",
        "vllm",
        "/root/llm/cohere/c4ai-command-a-03-2025",
        {"tensor_parallel_size": 2, "gpu_memory_utilization": 0.95, "max_num_seqs": 1},
        {"--swap-space"},
    ),
    # https://github.com/vllm-project/vllm/issues/15469
    (
        "CUDA_VISIBLE_DEVICES=0,1 VLLM_USE_V1=1 VLLM_WORKER_MULTIPROC_METHOD=spawn vllm serve "
        "/home/work/Qwen/Qwen2.5-VL-3B-Instruct --gpu-memory-utilization 0.9 --swap-space 16 --max-model-len 4096 "
        "--tensor-parallel-size 2 --port 8091 --disable-custom-all-reduce",
        "vllm",
        "/home/work/Qwen/Qwen2.5-VL-3B-Instruct",
        {
            "gpu_memory_utilization": 0.9,
            "context": "4096",
            "tensor_parallel_size": 2,
            "disable_custom_all_reduce": True,
        },
        {"--swap-space", "--port"},
    ),
    # https://github.com/vllm-project/vllm/issues/12308
    (
        "embeddings:\n  image: vllm/vllm-openai:v0.6.4\n  command:\n    - --model\n    - intfloat/multilingual-e5-large"
        '\n    - --tensor-parallel-size\n    - "1"\n    - --gpu-memory-utilization\n    - "0.25"\n',
        "vllm@0.6.4",
        "intfloat/multilingual-e5-large",
        {"tensor_parallel_size": 1, "gpu_memory_utilization": 0.25},
        set(),
    ),
    # https://github.com/vllm-project/vllm/issues/11539: a variable of the shell
    (
        "MODEL_ID=/mylocal/DeepSeek/DeepSeek-R1, \nCUDA_VISIBLE_DEVICES=0,1 \\\n"
        " python -m vllm.entrypoints.openai.api_server \\\n --model $MODEL_ID \\\n --port 8002 \\\n"
        " --tensor-parallel-size 16 \\\n --max-model-len 20000 \\\n --distributed-executor-backend ray\n",
        "vllm",
        "/mylocal/DeepSeek/DeepSeek-R1",
        {"tensor_parallel_size": 16, "context": "20000"},
        {"--port", "--distributed-executor-backend"},
    ),
    # https://github.com/vllm-project/vllm/issues/12256
    (
        'NCCL_DEBUG=INFO vllm serve \\\n\t /app/DeepSeek-R1 \\\n\t --host "0.0.0.0" \\\n\t --max-model-len 65536 \\\n'
        "\t --tensor-parallel-size 32 \\\n\t --max_num_batched_tokens 32768  --enforce-eager  --quantization fp8 \\\n"
        "\t --max-num-seqs 128 --pipeline-parallel-size 1",
        "vllm",
        "/app/DeepSeek-R1",
        {
            "context": "65536",
            "tensor_parallel_size": 32,
            "max_num_batched_tokens": 32768,
            "enforce_eager": True,
            "max_num_seqs": 128,
            "pipeline_parallel_size": 1,
        },
        {"--host", "--quantization"},
    ),
    # https://github.com/vllm-project/vllm-ascend/issues/3278
    (
        "export OMP_NUM_THREADS=100\nvllm serve /root/.cache/weights/dpsk-bf16 \\\n--data-parallel-size 2 \\\n"
        "--data-parallel-size-local 1 \\\n--tensor-parallel-size 16 \\\n--enable-expert-parallel \\\n"
        "--max-num-seqs 16 \\\n--max-model-len 4096 \\\n--max-num-batched-tokens 4096 \\\n"
        '--additional-config \'{"torchair_graph_config":{"enabled":true,"graph_batch_sizes":[16]}}\'\n',
        "vllm",
        "/root/.cache/weights/dpsk-bf16",
        {
            "data_parallel_size": 2,
            "tensor_parallel_size": 16,
            "expert_parallel": True,
            "max_num_seqs": 16,
            "context": "4096",
            "max_num_batched_tokens": 4096,
        },
        {"--data-parallel-size-local", "--additional-config"},
    ),
    # https://github.com/vllm-project/recipes/pull/11: as it was before the correction
    (
        "vllm serve deepseek-ai/DeepSeek-R1-0528 \\\n  --tensor-parallel-size 8 \\\n  --enable_expert_parallel",
        "vllm",
        "deepseek-ai/DeepSeek-R1-0528",
        {"tensor_parallel_size": 8, "expert_parallel": True},
        set(),
    ),
    # https://github.com/QwenLM/Qwen3-VL/issues/1492: no blank before the backslash, and a misspelt option
    (
        "# FP8 requires NVIDIA H100+ and CUDA 12+\npython -m vllm.entrypoints.openai.api_server \\\n"
        "  --model Qwen/Qwen3-VL-235B-A22B-Instruct\\\n  --tensor-parallel-size 8 \\\n  --enable-expert-paralle \\\n"
        "  --gpu-memory-utilization 0.70 \\\n  --quantization fp8",
        "vllm",
        "Qwen/Qwen3-VL-235B-A22B-Instruct",
        {"tensor_parallel_size": 8, "gpu_memory_utilization": 0.7},
        {"--enable-expert-paralle", "--quantization"},
    ),
    # https://github.com/sgl-project/sglang/issues/2587
    (
        "docker run --gpus all \\\n    --shm-size 32g \\\n    -p 30000:30000 \\\n    --ipc=host \\\n"
        "    lmsysorg/sglang:latest \\\n    python3 -m sglang.launch_server --model deepseek-ai/DeepSeek-V3-Base "
        "--enable-dp-attention --tp 8 --port 30000",
        "sglang",
        "deepseek-ai/DeepSeek-V3-Base",
        {"tensor_parallel_size": 8, "expert_parallel": False},
        {"--port"},
    ),
    # https://github.com/sgl-project/sglang/issues/1030
    (
        "python -m sglang.launch_server --model-path NousResearch/Meta-Llama-3-8B-Instruct  --host 0.0.0.0  "
        "--port 8000 --context-length 4096 --dtype bfloat16  --max-prefill 8192",
        "sglang",
        "NousResearch/Meta-Llama-3-8B-Instruct",
        {"context": "4096"},
        {"--host", "--port", "--dtype", "--max-prefill"},
    ),
    # https://github.com/sgl-project/sglang/issues/445
    (
        "python -m sglang.launch_server --model-path ~/Llama3-OpenBioLLM-70B-Instruct --port 30000 "
        "--mem-fraction-static 0.9 --tp 8 --disable-disk-cache",
        "sglang",
        "~/Llama3-OpenBioLLM-70B-Instruct",
        {"gpu_memory_utilization": 0.9, "tensor_parallel_size": 8},
        {"--port", "--disable-disk-cache"},
    ),
    # https://github.com/sgl-project/sglang/pull/6744
    (
        "python3 -m sglang.launch_server --model-path meta-llama/Llama-4-Scout-17B-16E-Instruct --port 30002 --tp 8 "
        "--context-length 2800000",
        "sglang",
        "meta-llama/Llama-4-Scout-17B-16E-Instruct",
        {"tensor_parallel_size": 8, "context": "2800000"},
        {"--port"},
    ),
    # https://github.com/NVIDIA/TensorRT-LLM/pull/6954
    (
        "trtllm-serve openai/gpt-oss-120b --port 8000 --backend pytorch --tp_size 8 --ep_size 8 --max_batch_size 640 "
        "--kv_cache_free_gpu_memory_fraction 0.9",
        "tensorrt-llm",
        "openai/gpt-oss-120b",
        {"tensor_parallel_size": 8, "max_num_seqs": 640, "gpu_memory_utilization": 0.9},
        {"--port", "--backend", "--ep_size"},
    ),
    # https://github.com/huggingface/text-generation-inference/issues/2534: variables of the container
    (
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n"
        "      - image: ghcr.io/huggingface/text-generation-inference:latest\n"
        '        args: ["--model-id", "$(MODEL_ID)", "--num-shard", "$(NUM_SHARD)", "--quantize", "$(QUANTIZE)"]\n'
        "        env:\n        - {name: MODEL_ID, value: openai-community/gpt2}\n"
        '        - {name: NUM_SHARD, value: "1"}\n        - {name: QUANTIZE, value: bitsandbytes}\n'
        "        resources: {limits: {nvidia.com/gpu: 1}}\n",
        "tgi",
        "openai-community/gpt2",
        {"tensor_parallel_size": 1},
        {"--quantize"},
    ),
    # https://github.com/opea-project/GenAIExamples/pull/1626, with a default as compose has it
    (
        "services:\n  server:\n    image: vllm/vllm-openai:v0.8.3\n"
        "    command: --model ${LLM_MODEL_ID:-mistralai/Mistral-7B-Instruct-v0.3} --tensor-parallel-size 1 "
        "--host 0.0.0.0 --port 80 --block-size 128 --max-num-seqs 256 --max-seq_len-to-capture 2048\n",
        "vllm@0.8.3",
        "mistralai/Mistral-7B-Instruct-v0.3",
        {"tensor_parallel_size": 1, "block_size": 128, "max_num_seqs": 256},
        {"--host", "--port", "--max-seq_len-to-capture"},
    ),
    # https://github.com/ggml-org/llama.cpp/issues/20509
    (
        "./llama-server \\\n      -m gemma-4-31B-it-UD-Q4_K_XL.gguf \\\n      -np 1 \\\n      --cache-ram 2048 \\\n"
        "      --threads 4 \\\n      -c 40000 \\\n      --port 8001",
        "llama.cpp",
        "gemma-4-31B-it-UD-Q4_K_XL.gguf",
        {"context": "40000"},
        {"-np", "--cache-ram", "--threads", "--port"},
    ),
    # https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md: each way to say it
    ("llama-server -m m.gguf -fa off", "llama.cpp", "m.gguf", {"flash_attention": False}, set()),
    ("llama-server -m m.gguf --flash-attn auto -c 4096", "llama.cpp", "m.gguf", {"context": "4096"}, set()),
    ("llama-server -fa -m m.gguf -c 4096", "llama.cpp", "m.gguf", {"context": "4096", "flash_attention": True}, set()),
    # https://github.com/ollama/ollama/issues/12927
    (
        "FROM /usr/share/ollama/.ollama/models/sqlcoder-7b-2.fp16.gguf\nPARAMETER num_thread 8\nPARAMETER num_ctx "
        "4096\nPARAMETER top_k 10\n",
        "llama.cpp",
        "/usr/share/ollama/.ollama/models/sqlcoder-7b-2.fp16.gguf",
        {"context": "4096"},
        {"num_thread", "top_k"},
    ),
    # https://github.com/ollama/ollama/issues/9783
    (
        "FROM /path/to/gemma-3-27b-it-Q4_K_M.gguf\n\nPARAMETER num_ctx 8192\nPARAMETER temperature 0.1\n",
        "llama.cpp",
        "/path/to/gemma-3-27b-it-Q4_K_M.gguf",
        {"context": "8192"},
        {"temperature"},
    ),
    # https://github.com/ollama/ollama/issues/1166
    (
        "FROM codellama:7b\n# sets the temperature to 1\nPARAMETER temperature 1\n\nPARAMETER num_ctx 4096\n\n"
        "SYSTEM You are Bob, acting as an assistant and you are a developer.\n",
        "llama.cpp",
        "codellama:7b",
        {"context": "4096"},
        {"temperature"},
    ),
    # https://sgl-project.github.io/backend/backend.html
    (
        "python -m sglang.launch_server --model-path meta-llama/Meta-Llama-3-8B-Instruct --dp 2 --tp 2",
        "sglang",
        "meta-llama/Meta-Llama-3-8B-Instruct",
        {"data_parallel_size": 2, "tensor_parallel_size": 2},
        set(),
    ),
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
        assert {*line.options.values(), *(key for key, _ in line.switches.values())} <= known | {*line.together}


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
    assert (card_name(name), weights_of(name, load_model("qwen3-8b"))) == (card, weights)


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
    assert "that takes 2 GPUs, and 1 is there" in capsys.readouterr().out
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


def test_a_manifest_of_aliases_of_aliases_is_read_once() -> None:
    """Ten to the power of nine places, were each looked at where it stands."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    lines.append("image: vllm/vllm-openai:v0.11.0\nargs: [--model, x/y]")
    assert preflight("\n".join(lines)).model == "x/y"


#: https://github.com/GoogleCloudPlatform/ai-on-gke/tree/main/serving-llama2-70b-on-l4-gpus (the image of
#: https://cloud.google.com/kubernetes-engine/docs/tutorials/serve-multiple-gpu)
VARIABLES = """\
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      containers:
      - name: llm
        image: ghcr.io/huggingface/text-generation-inference:1.4.3
        resources:
          limits: {nvidia.com/gpu: "2"}
        env:
        - name: MODEL_ID
          value: meta-llama/Llama-2-70b-chat-hf
        - name: NUM_SHARD
          value: "2"
        - name: MAX_TOTAL_TOKENS
          value: "4096"
        - name: QUANTIZE
          value: bitsandbytes-nf4
      nodeSelector:
        cloud.google.com/gke-accelerator: nvidia-l4
"""


def test_variables_of_a_container_are_options_of_its_server() -> None:
    found = preflight(VARIABLES)
    assert (found.engine, found.model, found.gpu, found.gpu_count) == (
        "tgi@1.4.3",
        "meta-llama/Llama-2-70b-chat-hf",
        "nvidia-l4",
        2,
    )
    assert found.options == {"tensor_parallel_size": 2, "context": "4096"}
    # An option goes before a variable.
    beside = VARIABLES.replace("        env:", '        args: ["--num-shard", "4"]\n        env:')
    assert preflight(beside).options["tensor_parallel_size"] == 4
    docker = "sudo docker run -e MODEL_ID=mistralai/Mistral-7B-v0.1 --env NUM_SHARD=2 --env=MAX_TOTAL_TOKENS=8192"
    image = "ghcr.io/huggingface/text-generation-inference:3.0.1"
    found = preflight(f"{docker} -p 80:80 {image}")
    assert (found.model, found.options) == (
        "mistralai/Mistral-7B-v0.1",
        {"tensor_parallel_size": 2, "context": "8192"},
    )
    # A shell's own variable is not handed on.
    assert "context" not in preflight(f"MAX_TOTAL_TOKENS=8192\ndocker run {image} --model-id m/m").options
    # SageMaker's: https://github.com/awslabs/llm-hosting-container
    found = preflight(f"docker run -e HF_MODEL_ID=tiiuae/falcon-7b -e SM_NUM_GPUS=4 {image}")
    assert (found.model, found.options["tensor_parallel_size"]) == ("tiiuae/falcon-7b", 4)
    server = "docker run -e LLAMA_ARG_CTX_SIZE=4096 ghcr.io/ggml-org/llama.cpp:server-cuda -m Qwen3-8B-Q4_K_M.gguf"
    assert preflight(server).options == {"context": "4096"}


def test_every_variable_stands_for_an_option_that_is_read() -> None:
    for line in engine_command_lines():
        assert set(line.variables.values()) <= {*line.options, *line.readers}


@pytest.mark.parametrize(
    ("name", "card", "weights"),
    [
        ("qwen3:8b", "qwen3-8b", "q4_k_m"),
        ("llama3.1:8b-instruct-q8_0", "llama-3.1-8b", "q8_0"),
        ("gemma3:27b-it-fp16", "gemma-3-27b", "float16"),
        ("codellama:7b", "codellama-7b", "q4_k_m"),
        ("deepseek-r1:32b", "qwen2.5-32b", "q4_k_m"),
        ("phi4:14b", "phi-4", "q4_k_m"),
        ("mixtral:8x7b", "mixtral-8x7b", "q4_k_m"),
        # Released in four bits.
        ("gpt-oss:20b", "gpt-oss-20b", None),
        # None of the library's.
        ("hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M", "qwen3-8b", "q4_k_m"),
        ("Qwen/Qwen3-8B", "qwen3-8b", None),
    ],
)
def test_names_of_ollamas_library(name: str, card: str, weights: str | None) -> None:
    found = load_model(card_name(name))
    assert (found.id, weights_of(name, found)) == (card, weights)
    made = fit_command(f"FROM {name}\nPARAMETER num_ctx 4096\n", gpu="h100")
    assert made.fit.request.model.id == card
