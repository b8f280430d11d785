"""The external data protocol, as Terraform and OpenTofu speak it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_sizer import GpuSizerError, size
from gpu_sizer.deploy.terraform import KEYS, read_query, result

MODULE = Path(__file__).parents[2] / "docs" / "terraform"


def run(query: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "gpu_sizer", "terraform"],
        input=query,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_query_as_terraform_sends_it() -> None:
    code, out, err = run('{"context":"","gpu":"h100","model":"llama-3.1-405b","users":"1","format":"kubernetes"}')
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert all(isinstance(v, str) for v in found.values())
    assert (found["nodes"], found["gpus_per_node"], found["gpu_count"]) == ("2", "8", "16")
    assert found["expert_parallel"] == "false"
    assert found["file"] == size("llama-3.1-405b", gpu="h100").deploy("kubernetes")
    assert "vllm serve meta-llama/" in found["command"]


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        ("", 2, "stdin must hold"),
        ("[]", 2, "one JSON object"),
        ("[" * 50_000, 2, "nested too deeply"),
        ("1" * 5000, 2, "thousands of digits"),
        ('{"model": 1, "gpu": "h100"}', 2, "string for every key"),
        ('{"model": "mixtral-8x7b"}', 2, "name a gpu"),
        ('{"model": "mixtral-8x7b", "gpu": "h100", "tensor": "2"}', 2, "unknown key"),
        ('{"model": "no-such-model-9b", "gpu": "h100"}', 2, "no-such-model"),
        ('{"model": "llama-3.1-405b", "gpu": "t4", "max_gpus": "8"}', 3, "nothing to deploy"),
    ],
)
def test_an_error_is_a_line_on_stderr_and_a_code(query: str, code: int, reason: str) -> None:
    found, out, err = run(query)
    assert (found, out) == (code, "")
    assert reason in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "changes", [{"users": "many"}, {"users": "0"}, {"gpu_memory_utilization": "x"}, {"tuned": "yes"}, {"format": "x"}]
)
def test_values_that_make_no_sense(changes: dict[str, str]) -> None:
    with pytest.raises(GpuSizerError):
        result(read_query(json.dumps({"model": "mixtral-8x7b", "gpu": "a6000", **changes})))


def test_the_engines_own_options_are_told_as_for_a_shell() -> None:
    asked = {"model": "qwen3-32b", "gpu": "h100", "context": "8k"}
    found = result(read_query(json.dumps({**asked, "extra": "--served-model-name 'my model'"})))
    assert found["command"].endswith("--served-model-name 'my model'")
    wrong = (("--max-model-len 5", "part of the plan"), ("'", "no closing"), ("--servd-model x", "no option"))
    for extra, reason in wrong:
        with pytest.raises(GpuSizerError, match=reason):
            result(read_query(json.dumps({**asked, "extra": extra})))


def test_the_example_module_asks_and_reads_what_exists() -> None:
    main = (MODULE / "main.tf").read_text(encoding="utf-8")
    assert re.search(r'program\s*=\s*\["gpu-sizer", "terraform"\]', main)
    block = re.search(r"query = \{(.*?)\}", main, re.S)
    assert block
    asked = re.findall(r"^\s*(\w+)\s*=", block[1], re.M)
    assert asked
    assert set(asked) <= set(KEYS)
    variables = re.findall(r'variable "(\w+)"', (MODULE / "variables.tf").read_text(encoding="utf-8"))
    assert sorted(re.findall(r"var\.(\w+)", main)) == sorted(variables)
    read = re.findall(r"plan\.result\.(\w+)", (MODULE / "outputs.tf").read_text(encoding="utf-8"))
    assert read
    assert set(read) <= set(result({"model": "mixtral-8x7b", "gpu": "a6000"}))
