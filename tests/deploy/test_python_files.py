"""Formats that are Python: Modal's app and SageMaker's script, run up to the packages that they import.

What the packages take is in modal.json and sagemaker.json, which tools/deploy_packages.py wrote after the packages
themselves had loaded and validated such files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gpu_sizer import GpuSizerError, RequestError, size
from gpu_sizer.cards.fleet import fleet
from gpu_sizer.deploy.choices import Choices
from gpu_sizer.deploy.making import make_serving
from gpu_sizer.deploy.options import pairs
from gpu_sizer.deploy.text import python_text, python_value
from gpu_sizer.deploy.tools.modal import GPUS
from gpu_sizer.deploy.tools.sagemaker import _offered
from gpu_sizer.records import replace
from tests.deploy.test_hostile import NAMES
from tests.deploy.test_tools import answer

HERE = Path(__file__).parent
MODAL: dict[str, Any] = json.loads((HERE / "modal.json").read_text(encoding="utf-8"))
SAGEMAKER: dict[str, Any] = json.loads((HERE / "sagemaker.json").read_text(encoding="utf-8"))


class Called:
    """A stand-in for Modal: it notes every call, and knows the arguments of those that the package has."""

    def __init__(self, path: str, notes: dict[str, dict[str, Any]]) -> None:
        self.path, self.notes = path, notes

    def __getattr__(self, name: str) -> Called:
        return Called(f"{self.path}.{name}".lstrip("."), self.notes)

    def __call__(self, *told: Any, **named: Any) -> Any:
        if told and isinstance(told[0], types.FunctionType):
            self.notes["runs"] = {"function": told[0]}
            return told[0]
        name = "Image." + self.path.rpartition(".")[2] if "Image" in self.path else self.path
        assert set(named) <= set(MODAL[name]), (name, named)
        assert len(told) <= len(MODAL[name])
        self.notes[name] = {**dict(zip(MODAL[name], told, strict=False)), **named}
        return Called(name, self.notes)


def modal_app(text: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The calls that an app makes as it is loaded, and the words with which its server is started."""
    notes: dict[str, dict[str, Any]] = {}
    module = types.ModuleType("modal")
    module.__getattr__ = lambda name: Called(name, notes)  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "modal", module)
    exec(compile(text, "app.py", "exec"), {"__name__": "app"})
    monkeypatch.setattr(subprocess, "Popen", lambda words: notes.update(started={"words": words}))
    notes["runs"]["function"]()
    return notes


def sagemaker_calls(text: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The calls that a script makes of boto3."""
    made: dict[str, dict[str, Any]] = {}

    class Client:
        meta = types.SimpleNamespace(region_name="eu-west-1")

        def __getattr__(self, name: str) -> Any:
            return lambda **told: made.update({name: told})

    module = types.ModuleType("boto3")
    module.client = lambda service: Client()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "boto3", module)
    monkeypatch.setenv("ROLE_ARN", "arn:aws:iam::123456789012:role/endpoints")
    exec(compile(text, "file.py", "exec"), {"print": lambda *words: None})
    return made


@pytest.mark.parametrize("case", ["one", "rented", "tuned"])
def test_an_app_of_modal_starts_the_command(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = size("llama-3.1-70b", gpu="h100", context=32768) if case == "tuned" else answer(case)
    options: dict[str, Any] = {"tuned": True, "replicas": 3} if case == "tuned" else {}
    made = make_serving(plan, Choices(**options))
    text = plan.deploy("modal", **options)
    notes = modal_app(text, monkeypatch)
    assert notes["started"]["words"] == list(made.in_container)
    function = notes["App.function"]
    kind, most = GPUS[made.gpu.id]
    assert function["gpu"] == f"{kind}:{made.gpus_per_node}"
    assert most >= made.gpus_per_node
    assert function["max_containers"] == options.get("replicas", 1)
    assert notes["web_server"]["port"] == 8000
    assert notes["web_server"]["startup_timeout"] == made.start_seconds
    assert notes["Image.from_registry"]["tag"] == made.image()
    assert notes["Secret.from_name"]["required_keys"] == ["VLLM_API_KEY"]
    assert "Secret" not in plan.deploy("modal", api_key=False, **options)


def test_modal_refuses_what_it_does_not_have() -> None:
    for case, reason in (("three", "Modal has no NVIDIA RTX A6000"), ("two", "on one machine"), ("sglang", "alone")):
        with pytest.raises(RequestError, match=reason):
            answer(case).deploy("modal")
    with pytest.raises(RequestError, match="at most 4"):
        size("llama-3.1-70b", gpu="a10g", context=8192, layouts="tensor", max_num_seqs=16).deploy("modal")


@pytest.mark.parametrize("case", ["one", "rented"])
def test_calls_of_sagemaker_are_valid_and_say_the_plan(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_serving(answer(case), Choices())
    calls = sagemaker_calls(answer(case).deploy("sagemaker", replicas=2), monkeypatch)
    assert list(calls) == ["create_model", "create_endpoint_config", "create_endpoint"]
    for call, told in calls.items():
        jsonschema.Draft202012Validator(SAGEMAKER[call]).validate(told)
    container = calls["create_model"]["PrimaryContainer"]
    assert container["Image"].startswith("763104351884.dkr.ecr.eu-west-1.amazonaws.com/vllm:0.30.0")
    told = {f"--{k[8:].lower().replace('_', '-')}": v for k, v in container["Environment"].items()}
    planned = {o: v[0] if v else "true" for o, v in pairs(made.command) if o != "--port"}
    assert told == {"--model": made.weights, **planned}
    (variant,) = calls["create_endpoint_config"]["ProductionVariants"]
    assert variant["InitialInstanceCount"] == 2
    assert variant["InstanceType"] == {"one": "ml.p5.4xlarge", "rented": "ml.g6.xlarge"}[case]


def test_a_misspelt_key_of_sagemaker_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = sagemaker_calls(answer("one").deploy("sagemaker"), monkeypatch)
    for call, told in calls.items():
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(SAGEMAKER[call]).validate({**told, "ModelNam": "x"})
    wrong = {**calls["create_endpoint"], "EndpointName": "not a name"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SAGEMAKER["create_endpoint"]).validate(wrong)


def test_every_machine_of_aws_that_is_offered_is_one_of_sagemakers() -> None:
    variants = SAGEMAKER["create_endpoint_config"]["properties"]["ProductionVariants"]["items"]
    known = variants["properties"]["InstanceType"]["enum"]
    offered = [o.machine.name for o in fleet().all() if o.provider == "aws" and _offered(o.machine)]
    assert len(offered) > 40
    assert {f"ml.{name}" for name in offered} <= {*known}


def test_sagemaker_says_what_stays_idle_and_what_it_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    three = size("llama-3.1-70b", gpu="h100", context=32768)
    assert "of which 5 stay idle" in three.deploy("sagemaker")
    assert "No tag of vLLM 0.33.0 was seen" in three.deploy("sagemaker")
    calls = sagemaker_calls(
        answer("one").deploy("sagemaker", extra=("--enable-auto-tool-choice", "--tool-call-parser", "hermes")),
        monkeypatch,
    )
    environment = calls["create_model"]["PrimaryContainer"]["Environment"]
    assert environment["SM_VLLM_ENABLE_AUTO_TOOL_CHOICE"] == "true"
    assert environment["SM_VLLM_TOOL_CALL_PARSER"] == "hermes"
    with pytest.raises(RequestError, match="one value"):
        answer("one").deploy("sagemaker", extra=("--served-model-name", "a", "b"))
    for case, reason in (("amd", "no instance"), ("two", "on one machine"), ("three", "no instance")):
        with pytest.raises(RequestError, match=reason):
            answer(case).deploy("sagemaker")
    elsewhere = size("llama-3.1-8b", machine="gpu_1x_a10", context=8192)
    with pytest.raises(RequestError, match="SageMaker has no gpu_1x_a10"):
        elsewhere.deploy("sagemaker")


def test_the_token_of_the_hub_goes_along_only_where_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    text = answer("one").deploy("sagemaker")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert "HF_TOKEN" not in sagemaker_calls(text, monkeypatch)["create_model"]["PrimaryContainer"]["Environment"]
    monkeypatch.setenv("HF_TOKEN", "token")
    found = sagemaker_calls(text, monkeypatch)["create_model"]["PrimaryContainer"]["Environment"]
    assert found["HF_TOKEN"] == os.environ["HF_TOKEN"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["modal", "sagemaker"])
def test_hostile_names_are_strings_or_refused(form: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = answer("one")
    card = replace(plan.request.model, hub_id=name, name=name, id=name)
    hostile = replace(plan, request=replace(plan.request, model=card))
    try:
        text = hostile.deploy(form)
    except GpuSizerError as error:
        assert form == "sagemaker"
        assert "plain names" in str(error)
        return
    if form == "modal":
        assert modal_app(text, monkeypatch)["started"]["words"][2] == name
    else:
        calls = sagemaker_calls(text, monkeypatch)
        assert calls["create_model"]["PrimaryContainer"]["Environment"]["SM_VLLM_MODEL"] == name


@pytest.mark.parametrize("name", [*NAMES, "", "\x7f", "\r", "😀 \udcff", '"""', "\\", "{region}"])
def test_any_text_is_read_back_as_python(name: str) -> None:
    value = {"key": name, name: [name, {"deep": 1}], "empty": {}, "switch": True}
    assert eval(python_value(value)) == value
    assert eval(python_text(name)) == name
    assert len(python_text(name).splitlines()) <= 1
