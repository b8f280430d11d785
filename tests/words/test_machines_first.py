"""Where machines are asked for, an answer begins with their number; its ``gpu_count`` stays the fewest GPUs."""

from __future__ import annotations

import re

import pytest

from gpu_sizer import api
from gpu_sizer.queries.answers import Answer
from gpu_sizer.reports.notebook import html
from gpu_sizer.reports.terminal import headline
from gpu_sizer.words import told


def asked(question: str) -> Answer:
    found = api.ask(question)
    assert isinstance(found, Answer)
    return found


@pytest.mark.parametrize(
    ("question", "begins"),
    [
        ("how many p5.48xlarge for deepseek r1", "DeepSeek-R1 needs 2 × AWS p5.48xlarge (16 × H100 SXM5 80 GB, "),
        ("how many nodes of 8 H100 for deepseek r1", "DeepSeek-R1 needs 2 machines of 8 × H100 SXM5 80 GB (16 GPUs, "),
        ("how many nodes of 4 H100 for deepseek r1", "DeepSeek-R1 needs 3 machines of 4 × H100 SXM5 80 GB (12 GPUs, "),
        ("how many H200 nodes for deepseek r1", "DeepSeek-R1 needs 1 machine of 8 × H200 SXM 141 GB ("),
        ("how many gpu_4x_a6000 for mixtral", "Mixtral 8x7B needs 1 × Lambda gpu_4x_a6000 (4 × RTX A6000, "),
        ("are two H100 nodes enough for deepseek r1", "Yes: DeepSeek-R1 fits on 2 machines of 8 × H100 SXM5 80 GB ("),
        ("two p5.48xlarge for deepseek r1", "Yes: DeepSeek-R1 fits on 2 × AWS p5.48xlarge (16 × H100 SXM5 80 GB, "),
        ("llama 3 70b on a p4d.24xlarge", "Yes: Llama 3 70B fits on 1 × AWS p4d.24xlarge (8 × A100 SXM4 40 GB, "),
        (
            "deepseek r1 on a p5.48xlarge",
            "No: DeepSeek-R1 does not fit on 1 × AWS p5.48xlarge (8 × H100 SXM5 80 GB, ",
        ),
        (
            "longest context of llama 3 8b on g5.12xlarge",
            "Llama 3 8B on 1 × AWS g5.12xlarge (4 × A10G) takes up to ",
        ),
        ("how many users can a g5.12xlarge serve with llama 3 8b", "1 × AWS g5.12xlarge (4 × A10G) serves "),
        ("what models run on a g6e.12xlarge", "1 × AWS g6e.12xlarge (4 × L40S) runs "),
        ("how fast is llama 3 70b on a p4d.24xlarge", "Llama 3 70B on 1 × AWS p4d.24xlarge (8 × A100 SXM4 40 GB, "),
    ],
)
def test_the_first_line_begins_with_the_machines(question: str, begins: str) -> None:
    assert asked(question).headline.startswith(begins)
    assert asked(question).model_dump()["headline"].startswith(begins)


def test_machines_of_any_gpu_are_counted_where_none_is_named() -> None:
    first = asked("how many nodes for deepseek r1").headline
    assert re.match(r"For DeepSeek-R1 at 163,840 tokens, .* the cheapest known is \d+ × \w+ \S+ \(\d+ × ", first)
    on_aws = asked("how many servers for llama 3.1 405b on aws").headline
    assert re.search(r"the cheapest known is 1 × AWS p\S+ \(8 × ", on_aws)


@pytest.mark.parametrize(
    "question", ["which instance should I rent for mixtral 8x7b", "cheapest machine for mixtral 8x7b"]
)
def test_the_machine_that_is_sought_is_the_one_to_rent(question: str) -> None:
    # Not 8 × A4000 over PCIe, which are cheaper by the hour.
    first = api.rent("mixtral-8x7b", as_of="2026-11-30").cheapest
    assert first is not None
    assert f"the cheapest known is 1 × RunPod {first.offer.machine.name} (4 × A40) at $1.76" in asked(question).headline


def test_every_medium_begins_alike_and_the_bare_count_stays() -> None:
    plan = api.size("deepseek-r1", machine="p5.48xlarge")
    assert plan.gpu_count == 11
    assert plan.model_dump()["machines"]["count"] == 2
    made = told(plan)
    assert made.headline.startswith("DeepSeek-R1 needs 2 × AWS p5.48xlarge (16 × H100 SXM5 80 GB, ")
    assert "11 GPUs would do (pipeline of 11), tight." in made.headline
    assert headline(made).plain.startswith("DeepSeek-R1 needs 2 × AWS p5.48xlarge")
    assert "2 × AWS p5.48xlarge" in html(made)


def test_a_machine_that_no_number_of_carries_the_load() -> None:
    plan = api.size("deepseek-r1", machine="Standard_NV72ads_A10_v5", max_gpus=8)
    assert not plan.fits
    found = api.fits_on("deepseek-r1", machine="p5.48xlarge")
    assert "It takes 2 machines (16 GPUs); 11 GPUs would do." in told(found).headline


def test_part_of_a_machine_is_told_as_such() -> None:
    found = told(api.estimate("llama-3-8b", machine="p4d.24xlarge", tensor_parallel_size=2)).headline
    assert "fits on 1 × AWS p4d.24xlarge (2 of its 8 × A100 SXM4 40 GB, tensor parallel 2)" in found


def test_gpus_without_machines_stay_as_they_are() -> None:
    assert asked("how many H100 for deepseek r1").headline.startswith("DeepSeek-R1 needs 11 × H100 SXM5 80 GB (")
    assert asked("deepseek v3 on 16 H100").headline.startswith("Yes: DeepSeek-V3 fits on 16 × H100 SXM5 80 GB (")


def test_machines_are_compared_in_the_order_in_which_they_are_named() -> None:
    found = api.compare("deepseek-r1", ["mi300x"], machines=["p5.48xlarge", "gpu_8x_h200_nvl"])
    told_of = [c.rental.offer.key if c.rental is not None else None for c in found.options]
    assert told_of[1:] == ["aws/p5.48xlarge", "massedcompute/gpu_8x_h200_nvl"]
    assert "2 × AWS p5.48xlarge (16 × H100 SXM5 80 GB) at $" in told(found).headline
    asked_of = asked("p5.48xlarge or ND96isr_H100_v5 for llama 3 70b")
    assert asked_of.intent == "compare"
    assert "1 × AWS p5.48xlarge" in asked_of.headline
    assert "1 × Azure Standard_ND96isr_H100_v5" in asked_of.headline
