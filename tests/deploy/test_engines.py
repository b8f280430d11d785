"""Every engine's command says what its plan rests on, in the engine's own words, and stays itself in every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from gpu_sizer import DoesNotFitError, RequestError, estimate, size
from gpu_sizer.deploy import bare
from gpu_sizer.deploy.choices import Choices
from gpu_sizer.deploy.formats import COMMANDS, deploy
from gpu_sizer.deploy.making import check_several, make_serving, start_of
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.tools import compose, dstack, kubernetes, skypilot, slurm
from gpu_sizer.engines.registry import engine as engine_of
from gpu_sizer.engines.registry import engine_names, flags_of, starter_of
from gpu_sizer.errors import UncountableError
from gpu_sizer.planning.plan import Fit
from gpu_sizer.records import replace
from tests.deploy.running import RUN, options, pods
from tests.deploy.test_formats import answer

#: Names that do harm where they are not quoted.
HOSTILE = "it's $(touch pwned) `x` {{ y }}\"; z"


def planned(tp: int = 4, pp: int = 1, dp: int = 1, ep: bool = False, **load: Any) -> Fit:
    return estimate(
        "mixtral-8x7b",
        gpu="h100",
        tensor_parallel_size=tp,
        pipeline_parallel_size=pp,
        data_parallel_size=dp,
        expert_parallel=ep,
        context=8192,
        **{"gpu_memory_utilization": 0.85, "max_num_batched_tokens": 4096, **load},
    )


def started(engine: str, fit: Fit, weights: str = "org/model", own: bool = False) -> tuple[str, ...]:
    """The command with which another engine than the plan's would be started, of the version that its profile names."""
    version = engine_of(engine).release
    flags = flags_of(engine, version, engine)
    start = replace(start_of(fit, weights, own=own), version=version, flags=flags)
    return starter_of(engine).command(start)


def words(engine: str, fit: Fit, weights: str = "org/model", own: bool = False) -> dict[str, str]:
    return options(started(engine, fit, weights, own))


def served(engine: str, weights: str) -> Serving:
    """The deployment of a plan for an engine."""
    return make_serving(planned(engine=engine), Choices(weights=weights))


def test_sglang() -> None:
    told = words("sglang", planned(max_num_seqs=64, kv_cache_dtype="fp8"))
    expected = {
        "--model-path": "org/model",
        "--tp-size": "4",
        "--pp-size": "1",
        "--context-length": "8192",
        "--mem-fraction-static": "0.85",
        "--chunked-prefill-size": "4096",
        "--max-running-requests": "64",
        "--dtype": "bfloat16",
        "--kv-cache-dtype": "fp8_e4m3",
        "--port": "8000",
        "--host": "0.0.0.0",
    }
    assert told.items() >= expected.items()
    assert not {"--dp-size", "--ep-size", "--enable-dp-attention", "--disable-cuda-graph"} & set(told)
    shared = words("sglang", planned(tp=1, dp=8, ep=True, users=8))
    assert (shared["--tp-size"], shared["--attn-dp-size"], shared["--ep-size"]) == ("8", "8", "8")
    assert not {"--dp-size", "--enable-dp-attention"} & set(shared), "their end is announced"
    assert shared["--chunked-prefill-size"] == str(8 * 4096), "SGLang divides the chunk among the replicas"
    apart = words("sglang", planned(tp=4, dp=2, users=8))
    assert (apart["--tp-size"], apart["--dp-size"]) == ("4", "2")
    assert "--enable-dp-attention" not in apart


@pytest.mark.parametrize(
    ("model", "more", "said"),
    [
        (
            "deepseek-v3",
            {"speculative": "mtp"},
            {"--speculative-algorithm": "EAGLE", "--speculative-num-steps": "1", "--speculative-eagle-topk": "1"}
            | {"--speculative-num-draft-tokens": "2"},
        ),
        (
            "llama-3.1-8b",
            {"speculative": "draft:llama-3.2-1b:3"},
            {"--speculative-algorithm": "STANDALONE", "--speculative-draft-model-path": "meta-llama/Llama-3.2-1B"}
            | {"--speculative-num-steps": "3", "--speculative-num-draft-tokens": "4"},
        ),
        (
            "qwen3-8b",
            {"speculative": "draft:qwen3-8b-dflash:15", "lora": "4x16"},
            {"--speculative-algorithm": "DFLASH", "--speculative-num-draft-tokens": "16"}
            | {"--max-loras-per-batch": "4", "--max-lora-rank": "16", "--lora-target-modules": "all"},
        ),
    ],
)
def test_sglang_says_what_drafts_and_its_slots(model: str, more: dict[str, str], said: dict[str, str]) -> None:
    gpu, tp = ("b200", 8) if model == "deepseek-v3" else ("h100", 1)
    plan = estimate(model, gpu=gpu, tensor_parallel_size=tp, context=4096, engine="sglang", **more)
    told = words("sglang", plan)
    assert told.items() >= said.items()
    assert ("--speculative-num-steps" in told) == ("DFLASH" not in told.values())


def test_tensorrt_llm() -> None:
    told = words("tensorrt-llm", planned(tp=2, pp=2, max_num_seqs=64, ep=True))
    expected = {
        "--tp_size": "2",
        "--pp_size": "2",
        "--ep_size": "2",
        "--max_seq_len": "8192",
        "--max_batch_size": "64",
        "--max_num_tokens": "4096",
        "--kv_cache_free_gpu_memory_fraction": "0.85",
        "--backend": "pytorch",
    }
    assert told.items() >= expected.items()
    assert started("tensorrt-llm", planned())[:2] == (
        "trtllm-serve",
        "org/model",
    )
    with pytest.raises(RequestError, match="file of its own"):
        words("tensorrt-llm", planned(kv_cache_dtype="fp8"))


def test_tgi() -> None:
    told = words("tgi", planned(kv_cache_dtype="fp8"))
    expected = {
        "--model-id": "org/model",
        "--num-shard": "4",
        "--max-total-tokens": "8192",
        "--max-input-tokens": "8191",
        "--max-batch-prefill-tokens": "4096",
        "--cuda-memory-fraction": "0.85",
        "--dtype": "bfloat16",
        "--kv-cache-dtype": "fp8_e4m3fn",
    }
    assert told.items() >= expected.items()
    assert "--kv-cache-dtype" not in words("tgi", planned())
    mxfp4 = estimate("gpt-oss-20b", gpu="h100", context=8192)
    assert "--dtype" not in words("tgi", mxfp4), "weights that are quantized as released take no type beside that"


def test_llama_cpp() -> None:
    fit = planned(tp=1, pp=4, users=2)
    told = words("llama.cpp", fit, "org/model-GGUF", own=True)
    expected = {
        "--hf-repo": "org/model-GGUF:BF16",
        "--n-gpu-layers": "all",
        "--split-mode": "layer",
        "--ctx-size": "16384",
        "--ubatch-size": "4096",
        "--cache-type-k": "bf16",
        "--cache-type-v": "bf16",
    }
    assert told.items() >= expected.items()
    assert words("llama.cpp", planned(), "/models/a.gguf", own=True)["--model"] == "/models/a.gguf"
    assert words("llama.cpp", planned(), "org/a-GGUF:F16", own=True)["--hf-repo"] == "org/a-GGUF:F16"
    assert words("llama.cpp", planned(), "/a.gguf", own=True)["--split-mode"] == "row"
    with pytest.raises(RequestError, match="GGUF"):
        words("llama.cpp", fit)
    mixed = estimate("gpt-oss-20b", gpu="h100", context=8192)
    with pytest.raises(RequestError, match="say which file"):
        words("llama.cpp", mixed, "org/model-GGUF", own=True)


def test_replicas_of_a_server_that_is_one_are_refused() -> None:
    for engine in ("tensorrt-llm", "tgi", "llama.cpp"):
        with pytest.raises(RequestError, match="start it 2 times"):
            words(engine, planned(tp=2, dp=2, users=2), "/a.gguf", own=True)


def test_an_engine_without_a_server_is_refused() -> None:
    with pytest.raises(RequestError, match="transformers has no server"):
        starter_of("transformers")


def test_a_bare_command_is_that_of_the_plans_engine() -> None:
    assert deploy(answer("mixtral"), "vllm").splitlines()[-1].strip().startswith("--")
    for form in set(COMMANDS) - {"vllm"}:
        with pytest.raises(RequestError, match=f"the plan is for vllm, not for {form}"):
            deploy(answer("mixtral"), form)


#: Tags that were seen: SGLang's 0.5.23 and llama.cpp's b8193 were not.
IMAGES = {
    "sglang": ("lmsysorg/sglang:v0.5.21", "python3"),
    "tensorrt-llm": ("nvcr.io/nvidia/tensorrt-llm/release:1.2.0", "trtllm-serve"),
    "tgi": ("ghcr.io/huggingface/text-generation-inference:3.3.5", "text-generation-launcher"),
    "llama.cpp": ("ghcr.io/ggml-org/llama.cpp:server-cuda-b7869", "/app/llama-server"),
}


@pytest.mark.parametrize("engine", IMAGES)
def test_every_format_starts_the_engine_in_its_own_image(engine: str) -> None:
    image, program = IMAGES[engine]
    made = served(engine, f"/models/{HOSTILE}")
    expected = [program, *made.command[1:]]
    (composed,) = yaml.safe_load(compose.render(made))["services"].values()
    assert composed["image"] == image
    assert [w.replace("$$", "$") for w in (*composed["entrypoint"], *composed["command"])] == expected
    manifests = list(yaml.safe_load_all(kubernetes.render(made)))
    for part in manifests:
        kubernetes_validate.validate(part, "1.34", strict=True)
    container = pods(manifests)[0]["containers"][0]
    assert container["image"] == image
    key = ["--api-key", "$(API_KEY)"] if engine == "sglang" else []
    assert [w.replace("$$", "$") for w in (*container["command"], *container["args"])] == [*expected, *key]
    assert container["volumeMounts"][-1]["mountPath"] == made.folder
    assert yaml.safe_load(skypilot.render(made))["resources"]["image_id"] == f"docker:{image}"
    assert yaml.safe_load(dstack.render(made))["image"] == image


@pytest.mark.parametrize("engine", IMAGES)
@pytest.mark.parametrize("module", [bare, slurm, skypilot, dstack])
def test_scripts_run_the_command_word_by_word(engine: str, module: Any, tmp_path: Path) -> None:
    import subprocess

    made = served(engine, f"/models/{HOSTILE}")
    text = module.render(made)
    program = f"{made.command[0]} "
    if module in (skypilot, dstack):
        document = yaml.safe_load(text)
        text = document["run"] if module is skypilot else "\n".join(document["commands"])
        program = f"{made.in_container[0]} "
    # A stand-in under a name of its own, since an image's program may be a path.
    text = text.replace(program, "stand-in ", 1)
    for name, body in {"stand-in": "printf '%s\\0' \"$@\"", "srun": 'exec "$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    keys = dict.fromkeys(("API_KEY", "LLAMA_API_KEY"), "a b")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_PROCID": "0", **keys}
    done = subprocess.run(["bash", "-c", text], env=environment, cwd=tmp_path, capture_output=True, check=True)
    told = ["--api-key", "a b"] if engine == "sglang" and module in (slurm, skypilot) else []
    assert done.stdout.decode().split("\0")[:-1] == [*made.command[1:], *told]
    assert not (tmp_path / "pwned").exists()


def test_sglang_over_two_machines() -> None:
    plan = answer("llama")
    made = make_serving(plan, Choices())
    how = starter_of("sglang")
    fit = made.fit
    two = replace(made, engine="sglang", starter=how, command=started("sglang", fit))
    script = two.script("NODE_RANK", "HEAD_ADDRESS")
    assert '--nnodes 2 --node-rank "$NODE_RANK" --dist-init-addr "$HEAD_ADDRESS:50000"' in script
    assert "--headless" not in script
    leader, worker = pods(list(yaml.safe_load_all(kubernetes.render(replace(two, choices=Choices(image="x"))))))
    for number, pod in (("0", leader), ("$(LWS_WORKER_INDEX)", worker)):
        told = options(pod["containers"][0]["args"])
        assert told["--node-rank"] == number
        assert told["--dist-init-addr"] == "$(LWS_LEADER_ADDRESS):50000"


def test_engines_of_one_machine_are_refused_on_several() -> None:
    for engine in ("tensorrt-llm", "tgi", "llama.cpp"):
        with pytest.raises(RequestError, match="not started over several machines"):
            check_several(starter_of(engine), engine, "9.9.9")


def test_service_keys_pass_the_compose_specification() -> None:
    import json
    from importlib import resources

    schema = json.loads(
        (resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")
    )
    for engine in IMAGES:
        document = yaml.safe_load(compose.render(served(engine, "/models/a.gguf")))
        jsonschema.validators.validator_for(schema)(schema).validate(document)


#: The deployments of the issue.
DEPLOYMENTS = (("mixtral-8x7b", "a6000"), ("llama-3.1-405b", "h100"), ("gpt-oss-120b", "h100"))
#: How each engine writes the sizes of a layout and the length of a request.
WORDS = {
    "vllm": ("--tensor-parallel-size", "--pipeline-parallel-size", "--max-model-len"),
    "sglang": ("--tp-size", "--pp-size", "--context-length"),
    "tensorrt-llm": ("--tp_size", "--pp_size", "--max_seq_len"),
    "tgi": ("--num-shard", None, "--max-total-tokens"),
    "llama.cpp": (None, None, "--ctx-size"),
}


@pytest.mark.parametrize("form", [form for form, engine in COMMANDS.items() if engine in engine_names()])
@pytest.mark.parametrize(("model", "gpu"), DEPLOYMENTS)
def test_the_deployments_with_every_engine_that_plans(form: str, model: str, gpu: str) -> None:
    engine = COMMANDS[form]
    try:
        plan = size(model, gpu=gpu, engine=engine, details=False)
    except UncountableError as error:
        assert (engine, model) == ("tgi", "gpt-oss-120b")
        assert "no version up to 3.3.7 does" in str(error)
        return
    if not plan.fits:
        with pytest.raises(DoesNotFitError):
            plan.deploy(form, weights="/models/a.gguf")
        return
    assert plan.gpu_count is not None
    if plan.gpu_count > 8 and starter_of(engine).several_from is None:
        with pytest.raises(RequestError, match="not started over several machines"):
            plan.deploy(form, weights="/models/a.gguf")
        return
    made = make_serving(plan, Choices(weights="/models/a.gguf"))
    told, layout, s = options(made.command), made.fit.layout, made.fit.settings
    tensor, pipeline, length = WORDS[engine]
    if tensor is not None:
        assert told[tensor] == str(layout.tensor_parallel_size)
    if pipeline is not None:
        assert told[pipeline] == str(layout.pipeline_parallel_size)
    assert told[length] == str(s.context)
    for other in (form, *RUN):
        text = plan.deploy(other, weights="/models/a.gguf")
        assert starter_of(engine).title in text
        assert "/models/a.gguf" in text
