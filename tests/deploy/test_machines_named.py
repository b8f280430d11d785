"""A machine that was asked for by name stands in what is deployed, with a layout over all of its GPUs."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
import yaml

from gpu_sizer import size
from gpu_sizer.deploy.terraform import read_query, result
from gpu_sizer.errors import RequestError


def documents(form: str, machine: str = "p5.48xlarge", model: str = "deepseek-r1") -> list[dict[str, object]]:
    return list(yaml.safe_load_all(size(model, machine=machine).deploy(form)))


def test_skypilot_names_the_instance_type() -> None:
    (task,) = documents("skypilot")
    assert task["num_nodes"] == 2
    resources = task["resources"]
    assert isinstance(resources, dict)
    assert (resources["infra"], resources["instance_type"]) == ("aws", "p5.48xlarge")
    assert "accelerators" not in resources


def test_where_skypilot_does_not_know_the_company_the_gpus_are_named() -> None:
    text = size("mixtral-8x7b", machine="gpu_8x_h200_nvl", max_gpus=8)
    with pytest.raises(RequestError, match="no NVIDIA H200 NVL"):
        text.deploy("skypilot")
    made = size("mixtral-8x7b", machine="massedcompute/gpu_2x_a6000").deploy("skypilot")
    assert "SkyPilot has no Massed Compute" in made
    assert "RTXA6000: 2" in made


def test_dstack_names_backend_and_instance_type() -> None:
    (top,) = documents("dstack")
    assert (top["backends"], top["instance_types"]) == (["aws"], ["p5.48xlarge"])


def test_kubernetes_selects_the_instance_type() -> None:
    found = documents("kubernetes", "a2-ultragpu-8g", "mixtral-8x7b")
    text = json.dumps(found)
    assert '"nodeSelector": {"node.kubernetes.io/instance-type": "a2-ultragpu-8g"}' in text
    assert "instance-type" not in size("mixtral-8x7b", gpu="a6000").deploy("kubernetes")


def test_slurm_says_which_machines() -> None:
    made = size("deepseek-r1", machine="p5.48xlarge").deploy("slurm")
    assert "#SBATCH --nodes=2" in made
    assert "# Its machines are p5.48xlarge of AWS" in made


def test_all_gpus_of_the_machine_are_used() -> None:
    assert "--tensor-parallel-size 4" in size("mixtral-8x7b", machine="gpu_4x_a6000").deploy("vllm")
    assert "--pipeline-parallel-size 3" in size("mixtral-8x7b", gpu="a6000").deploy("vllm")


def test_terraform_tells_the_machines_and_their_price() -> None:
    found = result(read_query('{"model": "deepseek-r1", "machine": "p5.48xlarge"}'))
    assert (found["provider"], found["machine"], found["machine_count"]) == ("aws", "p5.48xlarge", "2")
    assert float(found["price_hour_usd"]) == pytest.approx(110.08)
    assert found["nodes"] == found["machine_count"]
    free = result(read_query('{"model": "mixtral-8x7b", "gpu": "a6000"}'))
    assert free["machine"]
    with pytest.raises(RequestError, match="a gpu, or a machine"):
        read_query('{"model": "mixtral-8x7b"}')


def test_the_example_for_aws_uses_what_the_answer_has() -> None:
    text = (Path(__file__).parents[2] / "docs" / "terraform" / "aws" / "main.tf").read_text(encoding="utf-8")
    answer = result(read_query('{"model": "deepseek-r1", "machine": "aws/p5.48xlarge"}'))
    used = set(re.findall(r"data\.external\.plan\.result\.(\w+)", text))
    assert used <= answer.keys()
    assert {"machine", "machine_count", "price_hour_usd"} <= used
    assert text.count("{") == text.count("}")


def _resource(text: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The arguments of a module's aws_instance, and those of each block in it."""
    body = re.search(r'^resource "aws_instance" "\w+" \{\n(.*?)^\}', text, re.S | re.M)
    assert body is not None
    # What a here-document or a map holds is no argument.
    plain = re.sub(r"<<-?(\w+)\n.*?^\s*\1$", '""', body[1], flags=re.S | re.M)
    plain = re.sub(r"= \{.*?^  \}", "= {}", plain, flags=re.S | re.M)
    blocks = {m[1]: _arguments(m[2], 4) for m in re.finditer(r"^  (\w+) \{\n(.*?)^  \}", plain, re.S | re.M)}
    return _arguments(plain, 2), blocks


def _arguments(text: str, indent: int) -> dict[str, str]:
    return dict(re.findall(rf"^ {{{indent}}}(\w+)\s*= (.*)$", text, re.M))


def test_the_example_for_aws_sets_what_the_provider_s_own_source_declares() -> None:
    declared = yaml.safe_load((Path(__file__).parent / "aws_instance.yaml").read_text(encoding="utf-8"))
    text = (Path(__file__).parents[2] / "docs" / "terraform" / "aws" / "main.tf").read_text(encoding="utf-8")
    commit = re.search(r"/blob/(\w{40})/", declared["source"])
    assert commit is not None
    assert commit[1] in text
    arguments, blocks = _resource(text)
    assert {"ami", "instance_type", "user_data"} <= arguments.keys()
    assert arguments.keys() <= {*declared["arguments"], *declared["every_resource"]}
    assert blocks
    for name, inside in blocks.items():
        assert inside.keys() <= set(declared["blocks"][name]), name
    given = arguments.keys() | blocks.keys()
    assert all(given & set(one) for one in declared["needed"])
    assert not any(set(both) <= given for both in declared["apart"])
    # What the machines are told fits in what the provider takes.
    for model in ("deepseek-r1", "llama-3-70b"):
        answer = result(read_query(f'{{"model": "{model}", "machine": "aws/p5.48xlarge"}}'))
        told = re.search(r"<<-EOT\n(.*?)EOT", text, re.S)
        assert told is not None
        assert len(told[1]) + len(base64.b64encode(answer["command"].encode())) < declared["longest_user_data"]
