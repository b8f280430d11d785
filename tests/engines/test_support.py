"""What an engine loads and runs on: refused with the reason, and with a version that would do (law 8)."""

from __future__ import annotations

import json
import re

import pytest

from gpu_sizer import estimate, load_gpu, load_model, size
from gpu_sizer.api import by_engine
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cli.entry import run
from gpu_sizer.engines.registry import engine, engine_for, engine_names
from gpu_sizer.errors import UncountableError
from gpu_sizer.planning.runnable import what_fits
from gpu_sizer.records import replace

CARDS = [card for card in map(catalogue().models.get, catalogue().models.ids()) if card.engine_class is not None]
REMEDY = re.compile(r"\(--engine ([^)]+)\)$")


@pytest.mark.parametrize(
    ("model", "name", "reason"),
    [
        # As its release notes have it: gpt-oss 0.10.1, Qwen3 0.8.4, Llama 4 0.8.3, Gemma 3 0.8.0, DeepSeek-V3 0.6.6.
        ("gpt-oss-120b", "vllm@0.7", "vLLM 0.7 does not load GptOssForCausalLM: 0.10.1 is the first version that does"),
        ("gpt-oss-120b", "vllm@0.10.0", "0.10.1 is the first version that does"),
        ("qwen3-8b", "vllm@0.4", "0.8.4 is the first version that does"),
        ("llama-4-scout", "vllm@0.8.2", "0.8.3 is the first version that does"),
        ("gemma-3-27b", "vllm@0.7.3", "0.8.0 is the first version that does"),
        ("deepseek-v3", "vllm@0.6.5", "0.6.6 is the first version that does"),
        ("mpt-7b", "vllm@0.29", "vLLM 0.29 does not load MPTForCausalLM: 0.28.0 is the last version that does"),
        ("llama-3.2-11b-vision", "vllm@0.11", "0.10.2 is the last version that does"),
        ("gpt-oss-20b", "sglang@0.4.10", "SGLang 0.4.10 does not load GptOssForCausalLM: 0.5.1 is the first version"),
        ("gpt-oss-20b", "transformers@4.50", "4.55.0 is the first version that does"),
        ("gpt-oss-20b", "tgi", "TGI 3.3.5 does not load GptOssForCausalLM: no version up to 3.3.7 does"),
    ],
)
def test_a_class_that_a_version_does_not_have_is_refused(model: str, name: str, reason: str) -> None:
    with pytest.raises(UncountableError, match=re.escape(reason)):
        size(model, gpu="h100", engine=name)
    with pytest.raises(UncountableError, match=re.escape(reason)):
        estimate(model, gpu="h100", engine=name, tensor_parallel_size=8)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-oss-120b", "vllm@0.10.1"),
        ("gpt-oss-120b", "vllm@0.10"),  # a line, to which 0.10.1 belongs
        ("qwen3-8b", "vllm@0.8.4"),
        ("mixtral-8x7b", "vllm@0.4"),
        ("mpt-7b", "vllm@0.28"),
        ("dots.llm1", "vllm@0.33"),
        ("gpt-oss-20b", "sglang@0.5.1"),
    ],
)
def test_a_version_that_has_the_class_is_planned_with(model: str, name: str) -> None:
    assert size(model, gpu="h200", engine=name, context=2048, details=False).fits


@pytest.mark.parametrize(
    "name", ["vllm@0.4", "vllm@0.10.0", "vllm@0.33", "sglang@0.3", "transformers@4.31", "tgi@1.0.3"]
)
def test_the_version_that_a_refusal_names_loads_the_model(name: str) -> None:
    refused = 0
    for card in CARDS:
        try:
            engine(name).check_card(card)
        except UncountableError as error:
            if (remedy := REMEDY.search(str(error))) is not None:
                engine(remedy[1]).check_card(card)
                refused += 1
    assert refused > (5 if name == "vllm@0.33" else 50)


@pytest.mark.parametrize("name", ["vllm", "sglang", "transformers"])
def test_an_engine_without_a_version_loads_every_card_that_some_version_does(name: str) -> None:
    for card in CARDS:
        engine(engine_for(name, card)).check_card(card)


def test_a_class_that_is_in_no_registry_is_told_not_refused() -> None:
    plan = size("llada2.1-mini", gpu="h200")
    assert [w for w in plan.warnings if "is not among the classes that vLLM has up to 0.33.0" in w]
    assert not any("not among the classes" in w for w in size("llama-3-8b", gpu="h200").warnings)


def test_a_file_of_a_line_names_the_version_that_loads_the_model() -> None:
    for model, name, version in (
        ("gpt-oss-20b", "vllm@0.10", "0.10.1"),
        ("gpt-oss-20b", "vllm@0.10.2", "0.10.2"),
        ("llama-3-8b", "vllm@0.10", "0.10.0"),
    ):
        text = size(model, gpu="h100", engine=name).deploy("docker-compose")
        assert f"for vLLM {version}:" in text
        # The only tag of the line that was seen.
        assert "vllm/vllm-openai:v0.10.2" in text


@pytest.mark.parametrize("name", engine_names())
def test_a_platform_that_no_engine_names_is_refused_by_all(name: str) -> None:
    gpu = replace(load_gpu("h100"), platform="unheard-of")
    with pytest.raises(UncountableError, match=f"{engine(name).title} does not run on unheard-of"):
        size("llama-3-8b", gpu=gpu, engine=name)


@pytest.mark.parametrize(
    ("gpu", "taken"),
    [
        ("h100", {"vllm", "sglang", "tensorrt-llm", "tgi", "transformers", "llama.cpp"}),
        ("mi300x", {"vllm", "sglang", "tgi", "transformers", "llama.cpp"}),
        ("gaudi-3", {"vllm", "sglang", "tgi", "transformers"}),
        ("v100-32gb", {"vllm", "tensorrt-llm", "tgi", "transformers", "llama.cpp"}),
        ("p100-16gb", {"tensorrt-llm", "tgi", "transformers", "llama.cpp"}),
    ],
)
def test_every_engine_says_whether_it_runs_on_a_gpu(gpu: str, taken: set[str]) -> None:
    found = by_engine("llama-3-8b", gpu=gpu, context=2048)
    assert {c.engine for c in found.choices if c.plan is not None} == taken
    assert all(c.reason for c in found.choices if c.plan is None)


@pytest.mark.parametrize(
    ("model", "gpu", "reason"),
    [
        # What vLLM 0.33's own classes refused on these GPUs.
        ("gpt-oss-20b", "v100-32gb", "MXFP4 weights on compute capability 8.0 or later; Tesla V100 SXM2 32 GB has 7.0"),
        ("gpt-oss-20b", "t4", "MXFP4 weights on compute capability 8.0 or later"),
        ("deepseek-v3.2", "a100-80gb", "sparse latent attention on compute capability 9.0 or later"),
        ("glm-5", "a100-80gb", "sparse latent attention on compute capability 9.0 or later"),
        ("kimi-k2.6-nvfp4", "a100-80gb", "latent attention with a float8 cache on compute capability 8.9 or later"),
        ("deepseek-v3", "v100-32gb", "float8 weights on compute capability 7.5 or later"),
    ],
)
def test_what_a_generation_cannot_run_is_refused(model: str, gpu: str, reason: str) -> None:
    with pytest.raises(UncountableError, match=re.escape(reason)):
        size(model, gpu=gpu)


def test_what_a_generation_runs_is_sized() -> None:
    """vLLM 0.33's own classes were built on these, too."""
    for model, gpu in (("qwen3-8b", "v100-32gb"), ("deepseek-v4-flash", "a100-80gb"), ("glm-5", "rtx-pro-6000")):
        assert estimate(model, gpu=gpu, tensor_parallel_size=8, context=2048).per_gpu is not None


def test_a_generation_that_came_after_a_version_is_refused() -> None:
    with pytest.raises(UncountableError, match=r"0\.8\.0 is the first version that does \(--engine vllm@0\.8\.0\)"):
        size("llama-3-8b", gpu="b200", engine="vllm@0.7")
    assert size("llama-3-8b", gpu="b200", engine="vllm@0.8").fits


def test_builds_that_leave_out_a_generation_are_told() -> None:
    def told(engine: str, gpu: str) -> bool:
        return any("takes a build of yours" in w for w in size("llama-3-8b", gpu=gpu, engine=engine).warnings)

    assert told("vllm", "v100-32gb")
    assert not told("vllm@0.19", "v100-32gb")
    assert not told("vllm", "t4")
    assert told("tensorrt-llm", "t4")


def test_lists_and_commands_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    found = what_fits([load_model("gpt-oss-20b"), load_model("llama-3-8b")], load_gpu("v100-32gb"), 8, context=2048)
    assert [m.model.id for m in found.models] == ["llama-3-8b"]
    assert [u.model for u in found.uncounted] == ["gpt-oss-20b"]
    assert run(["size", "llama-3-8b", "--gpu", "gaudi-3", "--engine", "tensorrt-llm"]) == 2
    assert "TensorRT-LLM does not run on Gaudi" in capsys.readouterr().err
    assert run(["deploy", "gpt-oss-20b", "--gpu", "h100", "--as", "vllm", "--engine", "vllm@0.7"]) == 2
    assert "0.10.1 is the first version that does" in capsys.readouterr().err
    assert run(["size", "llama-3-8b", "--gpu", "gaudi-3", "--engine", "all", "--json"]) == 0
    engines = {e["engine"]: e["reason"] for e in json.loads(capsys.readouterr().out)["engines"]}
    assert "does not run on Gaudi" in engines["llama.cpp"]
    assert run(["how many V100s for gpt-oss-20b with vLLM"]) == 2


def test_the_catalogue_names_classes() -> None:
    """A card without a class could not be checked."""
    assert load_model("llama-3-8b").engine_class == "LlamaForCausalLM"
    assert len(CARDS) > 400


@pytest.mark.parametrize("name", [n for n in engine_names() if n not in ("vllm", "tgi")])
def test_an_older_version_is_never_passed_for_the_one_whose_rules_are_known(name: str) -> None:
    """Profiles of one version: an older one is planned with its rules, and the answer says so."""
    card = catalogue().models.get("llama-2-7b")
    older, known = engine(f"{name}@0.1"), engine(name)
    assert f"rules of memory are those of {known.release}: 0.1 may need more" in " ".join(older.notes(card))
    assert "rules of memory" not in " ".join(known.notes(card))


@pytest.mark.parametrize(
    ("engine", "model", "reason"),
    [
        ("llama.cpp@b9840", "deepseek-v4-flash", r"b9840 takes .* is not counted here: b11549 is the first"),
        ("llama.cpp", "deepseek-v4-flash-nvfp4", r"takes DeepSeek-V4's experts in MXFP4 alone"),
        ("llama.cpp", "deepseek-v4.1-flash", r"llama\.cpp does not load DeepseekV41ForCausalLM: no build up to"),
        (
            "transformers",
            "deepseek-v4-flash",
            r"transformers loads DeepseekV4ForCausalLM since 5\.8\.0, with eager attention alone .*not counted here",
        ),
        ("transformers@5.7.0", "deepseek-v4-flash", r"5\.8\.0 is the first version that does"),
        (
            "transformers",
            "deepseek-v4.1-flash",
            r"does not load DeepseekV41ForCausalLM: no version up to 5\.24\.0 does",
        ),
        ("tensorrt-llm", "deepseek-v4-flash", r"names DeepseekV4ForCausalLM in no release up to 1\.2"),
    ],
)
def test_what_is_not_counted_is_told_by_version(engine: str, model: str, reason: str) -> None:
    with pytest.raises(UncountableError, match=f"(?i){reason}"):
        size(model, gpu="b200", engine=engine)
