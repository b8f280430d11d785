"""What would stop a server, or serve less than was planned: one test for each kind."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import json
import re
import shlex
import subprocess
import sys
import types
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from gpu_sizer import DoesNotFitError, RequestError, estimate, size
from gpu_sizer.cli.entry import run
from gpu_sizer.deploy.choices import Choices
from gpu_sizer.deploy.formats import COMMANDS
from gpu_sizer.deploy.making import make_serving, start_of
from gpu_sizer.deploy.options import pairs
from gpu_sizer.deploy.terraform import read_query, result
from gpu_sizer.engines.flags import Flags
from gpu_sizer.engines.registry import flags_of, starter_of
from gpu_sizer.errors import UncountableError
from tests.deploy.running import RUN, options, pods, workload_of


def command(model: str, gpu: str, *, choices: Choices | None = None, **asked: Any) -> tuple[str, ...]:
    layout = any(key.endswith("parallel_size") for key in asked)
    answer = (estimate if layout else size)(model, gpu=gpu, **asked)
    return make_serving(answer, choices or Choices()).command


def test_probes_wait_longer_than_a_healthy_server_takes() -> None:
    """SGLang's /health sleeps a second first; Kubernetes waits one where nothing is told."""
    text = size("llama-3.1-8b", gpu="h100", engine="sglang").deploy("kubernetes")
    container = pods(list(yaml.safe_load_all(text)))[0]["containers"][0]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["timeoutSeconds"] >= 5
    assert container["startupProbe"]["failureThreshold"] * container["startupProbe"]["periodSeconds"] >= 900


def test_tensorrt_llm_takes_prompts_longer_than_a_batch() -> None:
    told = command("llama-3.1-70b", "h100", engine="tensorrt-llm", tensor_parallel_size=4)
    assert "--enable_chunked_prefill" in told
    short = command("llama-3.1-8b", "h100", engine="tensorrt-llm", context=4096)
    assert "--enable_chunked_prefill" not in short


#: Refused by vLLM 0.33.0's own loader without it, but for Kimi's, whose tokenizer is code.
FOREIGN = [
    *("deepseek-moe-16b", "exaone-3.5-7.8b", "internlm2-7b", "internlm3-8b", "ling-flash-2.0", "ling-lite-1.5"),
    *("llada2.1-mini", "llama-3.3-nemotron-super-49b", "mimo-7b", "mimo-v2.5"),
    *("kimi-k2", "kimi-k2-thinking", "internvl3-78b"),
]
OWN = ["deepseek-v3", "llama-3.1-8b", "qwen3-32b", "minimax-m2", "command-r", "gpt-oss-20b", "nemotron-3-nano-30b-a3b"]


@pytest.mark.parametrize(("model", "needed"), [*((m, True) for m in FOREIGN), *((m, False) for m in OWN)])
def test_code_of_a_repository_is_run_exactly_where_it_is_needed(model: str, needed: bool) -> None:
    plan = size(model, gpu="b200", context=4096, details=False)
    text = plan.deploy("vllm")
    assert ("--trust-remote-code" in text) == needed
    assert ("is code of its repository" in text) == needed
    if needed:
        with pytest.raises(RequestError, match="is code of its repository"):
            plan.deploy("vllm", remote_code=False)


def test_older_versions_need_code_that_newer_ones_have() -> None:
    old = command("minimax-m2", "h200", engine="vllm@0.12", context=8192)
    assert "--trust-remote-code" in old
    assert "--trust-remote-code" not in command("minimax-m2", "h200", context=8192)


@pytest.mark.parametrize("model", ["gemma-3-4b", "gemma-2-9b", "glm-4-32b", "gemma-3-1b"])
@pytest.mark.parametrize("gpu", ["t4", "v100-32gb"])
def test_a_type_that_the_engine_refuses_does_not_fit(model: str, gpu: str) -> None:
    with pytest.raises(UncountableError, match="whose float16 it refuses"):
        size(model, gpu=gpu, context=8192)
    assert size(model, gpu="a10", context=8192).fits
    assert size(model, gpu=gpu, context=2048, engine="vllm@0.9").request.engine == "vllm@0.9"


@pytest.mark.parametrize(("model", "gpu"), [("gpt-oss-20b", "t4"), ("qwen3-32b-fp8", "v100-32gb")])
def test_a_quantization_below_its_least_capability_is_refused(model: str, gpu: str) -> None:
    with pytest.raises(UncountableError, match="compute capability"):
        size(model, gpu=gpu, context=8192)


def test_replicas_of_sglang_lie_on_one_machine() -> None:
    with pytest.raises(RequestError, match="--dp 2, on each of 2 machines"):
        command("llama-3.1-70b", "a100-80gb", engine="sglang", tensor_parallel_size=4, data_parallel_size=4)
    assert command("llama-3.1-70b", "a100-80gb", tensor_parallel_size=4, data_parallel_size=4)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"engine": "vllm@0.6.6", "data_parallel_size": 2}, "one server of vLLM 0.6.6 is one replica"),
        ({"engine": "vllm@0.10.2", "kv_cache_dtype": "fp8_inc"}, "fp8_inc"),
        ({"kv_cache_dtype": "float16"}, "does not go with a model computed in bfloat16"),
        ({"engine": "tensorrt-llm", "enforce_eager": True}, "file of its own"),
        ({"engine": "llama.cpp", "block_size": 32}, "no option of llama.cpp says block_size 32"),
    ],
)
def test_what_a_version_cannot_be_told_is_refused(asked: dict[str, Any], reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        command("llama-3.1-8b", "a100-80gb", context=8192, choices=Choices(weights="/w.gguf"), **asked)


@pytest.mark.parametrize(
    ("engine", "kind", "written"),
    [
        ("vllm", "fp8_e5m2", "fp8_e5m2"),
        ("vllm", "fp8_e4m3", "fp8_e4m3"),
        ("vllm", "float8", "fp8"),
        ("vllm", "bfloat16", "auto"),
        ("sglang", "fp8_e5m2", "fp8_e5m2"),
        ("sglang", "float8", "fp8_e4m3"),
        ("tgi", "fp8_e5m2", "fp8_e5m2"),
    ],
)
def test_the_cache_has_the_type_that_was_asked_for(engine: str, kind: str, written: str) -> None:
    told = options(command("llama-3.1-8b", "h100", engine=engine, kv_cache_dtype=kind, context=8192))
    assert told["--kv-cache-dtype"] == written


def test_an_sglang_without_pipelines_is_told_of_none() -> None:
    old = command("llama-3.1-70b", "h100", engine="sglang@0.4.6", tensor_parallel_size=4)
    assert "--pp-size" not in old
    assert "--pp-size" in command("llama-3.1-70b", "h100", engine="sglang", tensor_parallel_size=4)
    two: dict[str, Any] = {"tensor_parallel_size": 2, "pipeline_parallel_size": 2, "context": 8192}
    with pytest.raises(DoesNotFitError, match=r"pipelines from 0\.4\.7 on"):
        command("llama-3.1-70b", "h100", engine="sglang@0.4.6", **two)
    # What is planned can be told: 3 GPUs would do with stages.
    assert options(command("llama-3.1-70b", "h100", engine="sglang@0.4.6"))["--tp-size"] == "4"
    assert options(command("llama-3.1-70b", "h100", engine="sglang@0.4.7"))["--pp-size"] == "3"


def test_a_volume_holds_the_whole_checkpoint_however_it_is_spread() -> None:
    """Experts over all ranks, weights in the machine's memory: what is downloaded stays the same."""
    whole = {"tensor_parallel_size": 8}
    spread = {"tensor_parallel_size": 1, "data_parallel_size": 16, "expert_parallel": True}
    sizes = {
        make_serving(estimate("deepseek-r1", gpu="h200", **layout), Choices()).storage_gib for layout in (whole, spread)
    }
    assert sizes == {790}
    off = make_serving(
        estimate("llama-3.1-70b", gpu="a6000", tensor_parallel_size=2, context=8192, cpu_offload_gib=30), Choices()
    )
    assert off.storage_gib == 170
    assert off.memory_gib >= 60 + 12


@pytest.mark.parametrize(
    ("files", "engine", "left_out"),
    [
        (["model-1.safetensors", "original/consolidated.00.pth", "pytorch_model.bin"], "vllm", {1, 2}),
        (["pytorch_model.bin", "config.json"], "vllm", set()),
        (["model-1.safetensors", "consolidated.safetensors", "config.json"], "vllm", {0}),
        (["model-1.safetensors", "consolidated.safetensors", "config.json"], "vllm@0.10.2", {1}),
        (["model-1.safetensors", "consolidated.safetensors", "config.json"], "sglang", {1}),
    ],
)
def test_what_an_engine_does_not_load_is_not_fetched(
    files: list[str], engine: str, left_out: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = estimate("mixtral-8x7b", gpu="h100", tensor_parallel_size=4, engine=engine, context=8192)
    (job,) = [d for d in yaml.safe_load_all(answer.deploy("kubernetes", replicas=2)) if d["kind"] == "Job"]
    words = [w.replace("$$", "$") for w in job["spec"]["template"]["spec"]["containers"][0]["command"]]
    assert words[:2] == ["/bin/sh", "-c"]
    asked: dict[str, Any] = {}
    hub = types.ModuleType("huggingface_hub")
    hub.HfApi = lambda: types.SimpleNamespace(list_repo_files=lambda _: files)  # type: ignore[attr-defined]
    hub.snapshot_download = lambda name, **more: asked.update(name=name, **more)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    monkeypatch.setattr(sys, "argv", ["-c", *words[5:]])
    exec(words[4], {})
    assert asked["name"] == "mistralai/Mixtral-8x7B-v0.1"
    left = {i for i, f in enumerate(files) if any(fnmatch.fnmatch(f, p) for p in asked["ignore_patterns"])}
    assert left == left_out


def test_attention_replicas_are_said_as_the_version_does() -> None:
    asked: dict[str, Any] = {"tensor_parallel_size": 1, "data_parallel_size": 8, "expert_parallel": True}
    new = command("deepseek-v3", "h200", engine="sglang", **asked)
    assert options(new)["--attn-dp-size"] == "8"
    assert not {"--enable-dp-attention", "--dp-size"} & set(new)
    old = command("deepseek-v3", "h200", engine="sglang@0.5.5", **asked)
    assert "--enable-dp-attention" in old
    assert options(old)["--dp-size"] == "8"
    read = [json.loads(_run(["fit", "--from", shlex.join(c), "--gpu", "h200", "--json"])) for c in (new, old)]
    assert read[0]["layout"] == read[1]["layout"]


def test_terraform_tells_each_machine_its_part() -> None:
    found = result(read_query('{"model": "deepseek-v3", "gpu": "h100"}'))
    assert found["nodes"] == "2"
    assert {"--nnodes 2", '--node-rank "$NODE_RANK"', '--master-addr "$HEAD_ADDRESS"'} <= set(
        re.findall(r'--nnodes 2|--node-rank "\$NODE_RANK"|--master-addr "\$HEAD_ADDRESS"', found["command"])
    )
    assert "--headless" in found["command"]
    assert subprocess.run(["sh", "-n", "-c", found["command"]], check=False).returncode == 0
    assert found["image"].startswith("vllm/vllm-openai:v")
    assert found["port"] == "8000"
    told = result(read_query('{"model": "mixtral-8x7b", "gpu": "h100", "tensor_parallel_size": "4", "name": "mine"}'))
    assert (told["tensor_parallel_size"], told["gpu_count"], told["name"]) == ("4", "4", "mine")


def test_vllm_of_the_first_core_processes_short_batches_in_chunks() -> None:
    asked: dict[str, Any] = {"context": 8192, "max_num_batched_tokens": 2048}
    for engine, told in (("vllm@0.6.6", True), ("vllm@0.7", True), ("vllm", False)):
        assert ("--enable-chunked-prefill" in command("llama-3.1-8b", "l4", engine=engine, **asked)) == told


def _run(words: Sequence[str]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(list(words)) == 0
    return out.getvalue()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("deepseek-v3 --gpu h200 --tp 8 --dcp 8", "--decode-context-parallel-size 8"),
        ("gemma-3-27b --gpu h100 --context 32k --no-hybrid-kv", "--disable-hybrid-kv-cache-manager"),
        ("llama-3.1-8b --gpu h100 --context 8k --block-size 32", "--block-size 32"),
        ("llama-3.1-8b --gpu h100 --context 8k --enforce-eager", "--enforce-eager"),
        ("llama-3.1-405b --gpu h100 --gpus-per-node 4", "--nnodes"),
        ("llama-3.1-405b-fp8 --gpu h200 --single-node", "--tensor-parallel-size"),
        ("llama-3.1-8b --gpu h100 --context 8k -- --served-model-name me --max-log-len 5", "--served-model-name me"),
        ("qwen3-32b --gpu h100 -- --enable-auto-tool-choice --tool-call-parser hermes", "--tool-call-parser hermes"),
    ],
)
def test_every_planned_option_can_be_said(words: str, said: str) -> None:
    head, _, tail = words.partition(" -- ")
    assert said in _run(["deploy", *head.split(), "--as", "vllm", *(["--", *tail.split()] if tail else [])])


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (("--max-model-len", "9"), "is a part of the plan"),
        (("-tp", "2"), "is a part of the plan"),
        (("--max_num_seqs=4",), "is a part of the plan"),
        (("--speculative-config", "{}"), "is a part of the plan"),
        (("--enable-lora",), "is a part of the plan"),
        (("--num-gpu-blocks-override", "9"), "memory that was not planned"),
        (("--tool-cal-parser", "hermes"), "did you mean '--tool-call-parser'"),
        (("--served-model-name",), "takes a value"),
        (("hermes",), "is no option"),
        (("--load-format",), "takes a value"),
        (("--uvicorn-log-level", "shout"), "cannot be 'shout'"),
        (("--nonsense\nx",), "no option"),
    ],
)
def test_an_option_of_a_users_own_is_one_of_the_engines(extra: tuple[str, ...], reason: str) -> None:
    plan = size("llama-3.1-8b", gpu="h100", context=8192, details=False)
    with pytest.raises(RequestError, match=reason):
        plan.deploy("vllm", extra=extra)


def test_the_engines_own_options_are_a_list_of_words() -> None:
    plan = size("qwen3-32b", gpu="h100", context=8192, details=False)
    assert plan.deploy("vllm", extra=["--tool-call-parser", "hermes"]).endswith("  --tool-call-parser hermes\n")
    with pytest.raises(RequestError, match="a list of words"):
        plan.deploy("vllm", extra="--tool-call-parser hermes")


def test_llama_cpp_says_both_batches() -> None:
    plan = size("llama-3.1-8b", gpu="a6000", engine="llama.cpp", context=8192, max_num_batched_tokens=4096)
    told = options(make_serving(plan, Choices(weights="/w.gguf")).command)
    assert (told["--batch-size"], told["--ubatch-size"]) == ("4096", "4096")
    small = options(
        make_serving(size("llama-3.1-8b", gpu="a6000", engine="llama.cpp"), Choices(weights="/w.gguf")).command
    )
    assert int(small["--batch-size"]) >= 2048


def test_deployments_that_differ_have_names_that_differ() -> None:
    made = [
        make_serving(size(model, gpu=gpu, context=4096, engine=engine, details=False), Choices(release=release)).name
        for model, gpu, engine, release in (
            ("llama-3.1-70b", "h100", "vllm", None),
            ("llama-3.1-70b", "h200", "vllm", None),
            ("llama-3.1-70b", "h100", "sglang", None),
            ("llama-3.1-70b", "h100", "vllm", "meta-llama/Llama-3.1-70B-Instruct"),
            ("llama-3.1-70b", "h100", "vllm", "someone/" + "a-very-long-name-of-a-model-" * 3 + "one"),
            ("llama-3.1-70b", "h100", "vllm", "someone/" + "a-very-long-name-of-a-model-" * 3 + "two"),
        )
    ]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]{0,47}", name) and not name.endswith("-") for name in made)
    plan = size("llama-3.1-8b", gpu="h100", context=4096, details=False)
    parts = list(yaml.safe_load_all(plan.deploy("kubernetes", name="mine", namespace="team")))
    assert {(p["metadata"]["name"], p["metadata"]["namespace"]) for p in parts} == {("mine", "team")}
    for wrong in ("Mine", "-a", "a_b", "a" * 64, "x\ny"):
        with pytest.raises(RequestError, match="lower-case letters"):
            plan.deploy("kubernetes", name=wrong)
    with pytest.raises(RequestError, match="takes no namespace"):
        plan.deploy("docker-compose", namespace="team")


def test_weights_are_cached_where_the_engine_keeps_them() -> None:
    plan = size("llama-3.1-8b", gpu="l4", context=4096, engine="tgi", details=False)
    assert yaml.safe_load(plan.deploy("dstack"))["volumes"][0]["path"] == "/data"


def test_an_image_is_one_whose_tag_was_seen_and_says_so_where_it_is_older() -> None:
    newest = size("llama-3.1-8b", gpu="h100", context=4096, details=False)
    text = newest.deploy("kubernetes")
    assert "vllm/vllm-openai:v0.32.0" in text
    assert "No tag of vLLM 0.33.0 was seen: the image is of 0.32.0" in text
    seen = size("llama-3.1-8b", gpu="h100", context=4096, engine="vllm@0.16", details=False).deploy("kubernetes")
    assert "vllm/vllm-openai:v0.16.0" in seen
    assert "No tag" not in seen
    assert "No tag" not in newest.deploy("vllm"), "a bare command has no image"
    assert "No tag" not in newest.deploy("kubernetes", image="mine:1")


def test_an_older_image_is_none_where_it_does_not_load_the_model() -> None:
    from gpu_sizer.engines.images import image_of

    own = image_of("vllm", "cuda", "0.33.0", lambda _: False)
    assert own is not None
    assert (own.name, own.seen) == ("vllm/vllm-openai:v0.33.0", False)
    assert image_of("vllm", "cuda", "0.3.0", lambda _: True) is None
    assert image_of("sglang", "cuda", "0.5.23", lambda _: False) is None
    patch = image_of("vllm", "cuda", "0.10.0", lambda _: True)
    assert patch is not None
    assert patch.version == "0.10.2", "of the same line"
    found = image_of("vllm", "cuda", "0.33.0", lambda version: version == "0.20.0")
    assert found is not None
    assert (found.name, found.version) == ("vllm/vllm-openai:v0.20.0", "0.20.0")


def test_tgi_keeps_its_own_port_free() -> None:
    plan = size("llama-3.1-8b", gpu="l4", context=4096, engine="tgi", details=False)
    assert "--prometheus-port 9001" in plan.deploy("tgi", port=9000)
    assert "--prometheus-port" not in plan.deploy("tgi")


def test_a_folder_of_weights_has_no_claim_beside_it() -> None:
    plan = size("llama-3.1-8b", gpu="h100", context=4096, details=False)
    assert "PersistentVolumeClaim" not in plan.deploy("kubernetes", weights="/models/x")
    with pytest.raises(RequestError, match="named from the root"):
        plan.deploy("kubernetes", weights="./x")


@pytest.mark.parametrize("form", [*RUN, "docker-run", "quadlet", "systemd"])
def test_a_port_that_leaves_the_machine_asks_for_a_key(form: str) -> None:
    plan = size("llama-3.1-405b", gpu="h100", details=False)
    text, without = plan.deploy(form), plan.deploy(form, api_key=False)
    # dstack's own gateway asks for a token, and forwards the ports of tasks to who attaches alone.
    assert ("VLLM_API_KEY" in text) == (form != "dstack")
    assert "VLLM_API_KEY" not in without


@pytest.mark.parametrize("form", ["helm-vllm", "kserve", "llm-d", "production-stack", "systemd"])
def test_a_port_of_one_machine_that_others_reach_asks_for_a_key(form: str) -> None:
    plan = size("llama-3.1-8b", gpu="h100", context=8192, details=False)
    assert re.search("VLLM_API_KEY|vllmApiKey", plan.deploy(form))
    assert not re.search("VLLM_API_KEY|vllmApiKey", plan.deploy(form, api_key=False))


def test_what_every_engine_says_is_known_to_each_version_that_was_read() -> None:
    """A plan's usual options, for every version whose parser was read."""
    for form, engine in COMMANDS.items():
        table = flags_of(engine, "0", form)
        assert table.read is not None, engine
        for version in table._read:
            assert Flags(table.folder, form, version).read == version


VERSIONS = [
    (engine, version)
    for engine in ("vllm", "sglang", "tgi", "tensorrt-llm")
    for version in flags_of(engine, "0", engine)._read
]


@pytest.mark.parametrize(("engine", "version"), VERSIONS, ids=lambda value: str(value))
def test_every_version_that_was_read_takes_what_its_plan_says(engine: str, version: str) -> None:
    """What its own parser told is all that its command says, for a plan of two GPUs with a float8 cache or without."""
    for asked in ({}, {"kv_cache_dtype": "fp8"}, {"enforce_eager": True}, {"max_num_batched_tokens": 4096}):
        try:
            plan = size("llama-3.1-70b", gpu="h200", context=8192, engine=f"{engine}@{version}", details=False, **asked)
            made = make_serving(plan, Choices())
        except RequestError as error:
            assert re.search(
                r"file of its own|cannot be told --kv-cache-dtype|keeps its cache in the model's own type", str(error)
            ), error
            continue
        flags = flags_of(engine, version, engine)
        assert flags.read == version
        told = [(o, v) for o, v in pairs(made.command) if o.startswith("--")]
        assert told
        for option, values in told:
            assert flags.has(option), option
            assert (len(values) == 0) == flags.is_switch(option), option


def test_since_and_until_of_options_are_told() -> None:
    old, new = flags_of("vllm", "0.6.6", "vLLM 0.6.6"), flags_of("vllm", "0.33.0", "vLLM 0.33.0")
    assert not old.has("--data-parallel-size")
    assert new.has("--data-parallel-size")
    assert new.main("-tp") == "--tensor-parallel-size"
    assert new.is_switch("--enforce-eager")
    assert "fp8_e5m2" in new.choices("--kv-cache-dtype")
    assert "bfloat16" not in old.choices("--kv-cache-dtype")
    gone = flags_of("vllm", "0.33.0", "x")
    assert old.has("--worker-use-ray")
    assert not gone.has("--worker-use-ray")
    assert "is the last version read" in gone.lacking("--worker-use-ray")
    assert flags_of("sglang", "0.5.23", "x").is_deprecated("--enable-dp-attention")


def test_a_start_needs_no_plan_of_the_engine_to_know_its_options() -> None:
    start = start_of(estimate("llama-3.1-8b", gpu="h100", context=4096), "org/model")
    assert start.flags.read == "0.33.0"
    assert not start.remote_code
    assert starter_of("vllm").command(start)[0] == "vllm"


def test_the_command_line_says_it_all_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gpu_sizer", "deploy", "llama-3.1-8b", "--gpu", "h100", "--as", "vllm", "--", "--bogus"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "no option '--bogus'" in done.stderr
    assert workload_of([{"kind": "Deployment"}])


@pytest.mark.parametrize("engine", ["vllm", "sglang", "tensorrt-llm", "tgi"])
def test_without_a_format_it_is_the_engines_own_command(engine: str) -> None:
    told = ["deploy", "llama-3.1-8b", "--gpu", "h100", "--context", "8k", "--engine", engine]
    assert _run(told) == _run([*told, "--as", "trtllm" if engine == "tensorrt-llm" else engine])
