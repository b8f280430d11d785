"""This computer's GPUs, told by the tools of its driver; their printed forms."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gpu_sizer import RequestError, load_machine, size
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.present import Present, local_machine, pasted, present, spec_of

#: https://github.com/huggingface/text-generation-inference/issues/869: names too long for the table are cut.
TABLE = """\
Thu Aug 17 15:28:09 2023
   +-----------------------------------------------------------------------------+
   | NVIDIA-SMI 525.85.12    Driver Version: 525.85.12    CUDA Version: 12.0     |
   |-------------------------------+----------------------+----------------------+
   | GPU  Name        Persistence-M| Bus-Id        Disp.A | Volatile Uncorr. ECC |
   | Fan  Temp  Perf  Pwr:Usage/Cap|         Memory-Usage | GPU-Util  Compute M. |
   |                               |                      |               MIG M. |
   |===============================+======================+======================|
   |   0  NVIDIA A100 80G...  On   | 00000001:00:00.0 Off |                    0 |
   | N/A   30C    P0    51W / 300W |      0MiB / 81920MiB |      0%      Default |
   |                               |                      |             Disabled |
   +-------------------------------+----------------------+----------------------+
   |   1  NVIDIA A100 80G...  On   | 00000002:00:00.0 Off |                    0 |
   | N/A   29C    P0    51W / 300W |   1024MiB / 81920MiB |      0%      Default |
   |                               |                      |             Disabled |
   +-------------------------------+----------------------+----------------------+
"""
LIST = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-5c5b3d2e-0000-0000-0000-000000000000)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-5c5b3d2e-0000-0000-0000-000000000001)
"""
ROCM = {
    "card0": {
        "Card Series": "AMD Instinct MI300X OAM",
        "VRAM Total Memory (B)": "206141652992",
        "VRAM Total Used Memory (B)": "297783296",
    }
}
APPLE = {"SPHardwareDataType": [{"chip_type": "Apple M3 Max", "physical_memory": "64 GB"}]}


def tool(folder: Path, name: str, text: str, code: int = 0) -> None:
    """A program of that name which prints a text."""
    told = folder / f"{name}.txt"
    told.write_text(text, encoding="utf-8")
    file = folder / name
    file.write_text(f"#!/bin/sh\ncat '{told}'\nexit {code}\n", encoding="utf-8")
    file.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is looked in first for programs; those of this computer's own are not found."""
    os.symlink("/bin/sh", tmp_path / "sh")
    cat = next(f for f in ("/bin/cat", "/usr/bin/cat") if os.path.exists(f))
    os.symlink(cat, tmp_path / "cat")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


def test_none_is_told_in_one_sentence(tools: Path) -> None:
    assert present() == []
    with pytest.raises(RequestError, match="no GPU is found on this computer"):
        size("llama-3-8b", gpu="local")


def test_the_gpus_of_a_driver(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tools, "nvidia-smi", "NVIDIA GeForce RTX 4090, 24564 MiB, 20111 MiB, [N/A]\n" * 2)
    offer = load_machine("local")
    assert (offer.machine.gpu, offer.machine.count) == ("rtx-4090", 2)
    plan = size("llama-3-8b", gpu="local")
    assert (plan.gpu_count, plan.request.gpu.id, plan.request.gpus_per_node) == (1, "rtx-4090", 2)
    # What other programs hold is told: an engine that finds less than its share free does not start.
    assert "GPU 0 has 19.6 of 24.0 GiB free now" in " ".join(plan.warnings)
    said = next(line for line in plan.explain().splitlines() if line.startswith("  2 GPUs"))
    assert "the whole machine: tensor parallel 2" in said
    assert said.endswith("; this computer")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert load_machine("local").machine.count == 1


def test_a_server_never_tells_of_its_own(tools: Path) -> None:
    tool(tools, "nvidia-smi", "NVIDIA GeForce RTX 4090, 24564 MiB, 24111 MiB, [N/A]\n")
    from gpu_sizer import UnknownMachineError, ask

    shelf = catalogue(names_only=True)
    with pytest.raises(UnknownMachineError):
        load_machine("local", cards=shelf)
    assert "4090" not in ask("can my gpu run llama 3 8b", cards=shelf).understood


@pytest.mark.parametrize(
    ("name", "text", "gpu"),
    [
        ("rocm-smi", "WARNING: one\n" + json.dumps(ROCM), "mi300x"),
        ("nvidia-smi", "NVIDIA GB10, [N/A], [N/A], [N/A]\n", "dgx-spark"),
        ("nvidia-smi", "NVIDIA A100-SXM4-40GB, 40960 MiB, 40500 MiB, Disabled\n", "a100-40gb"),
    ],
)
def test_each_tool(tools: Path, name: str, text: str, gpu: str) -> None:
    tool(tools, name, text)
    found = local_machine(catalogue())
    assert (found.machine.gpu, found.machine.trap) == (gpu, None)


#: ``amd-smi static --asic --vram --json`` and ``metric --mem-usage --json`` of ROCm/amdsmi, shortened.
AMD = {"gpu": 0, "asic": {"market_name": "AMD Instinct MI300X"}, "vram": {"size": {"value": 196592, "unit": "MB"}}}
AMD_USED = {"gpu": 0, "mem_usage": {"used_vram": {"value": 96592, "unit": "MB"}}}


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_successor_of_rocm_smi(tools: Path, wrapped: bool) -> None:
    whole, used = (json.dumps({"gpu_data": [gpu]} if wrapped else [gpu]) for gpu in (AMD, AMD_USED))
    (tools / "whole").write_text(whole, encoding="utf-8")
    (tools / "used").write_text(used, encoding="utf-8")
    script = tools / "amd-smi"
    script.write_text(f"#!{tools}/sh\n[ $1 = static ] && cat {tools}/whole || cat {tools}/used\n", encoding="utf-8")
    script.chmod(0o755)
    assert present() == [Present("AMD Instinct MI300X", 196592.0, 100000.0)]
    found = local_machine(catalogue())
    assert found.machine.gpu == "mi300x"
    assert found.machine.trap is not None
    assert "GPU 0 has 97.7 of 192.0 GiB free now" in found.machine.trap


def test_memory_that_is_the_processors_too(tools: Path) -> None:
    tool(tools, "system_profiler", json.dumps(APPLE))
    assert present() == [Present("Apple M3 Max 64 GB")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("NVIDIA GeForce RTX 4090, 1 MiB, 1 MiB, [N/A]\nNVIDIA GeForce RTX 3090, 1 MiB, 1 MiB, [N/A]\n",
         "say --gpu 1xrtx-4090+1xrtx-3090"),
        ("NVIDIA A100-SXM4-80GB, 81920 MiB, 81000 MiB, Enabled\n", "cut into MIG slices"),
        ("NVIDIA Nonsense 1, 81920 MiB, 81000 MiB, [N/A]\n", "is none of which a spec is known: name the GPU"),
    ],
)  # fmt: skip
def test_what_is_no_one_kind_of_gpu(tools: Path, text: str, sentence: str) -> None:
    tool(tools, "nvidia-smi", text)
    with pytest.raises(RequestError, match=sentence.replace("+", "\\+")):
        local_machine(catalogue())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "NVIDIA GeForce RTX 4090\n",
        '{"card0": {}}',
        "{" * 5000,
        "[" * 5000,
        "[1, {}]",
        '{"gpu_data": 1}',
    ],
)
def test_a_tool_that_fails_or_prints_nonsense_tells_of_none(tools: Path, text: str) -> None:
    for name in ("nvidia-smi", "amd-smi", "rocm-smi", "system_profiler"):
        tool(tools, name, text)
    assert present() == []
    tool(tools, "nvidia-smi", "NVIDIA GeForce RTX 4090, 24564 MiB, 24111 MiB, [N/A]\n", code=9)
    assert present() == []


def test_a_pasted_table_and_list() -> None:
    cards = catalogue()
    found = pasted(TABLE)
    assert [(one.total_mib, one.free_mib) for one in found] == [(81920, 81920), (81920, 80896)]
    assert {spec_of(one, cards) for one in found} <= {"a100-80gb", "a100-pcie-80gb"}
    assert [spec_of(one, cards) for one in pasted(LIST)] == ["h100-80gb"] * 2
    assert pasted("how many a6000s for mixtral") == []
