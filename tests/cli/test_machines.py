"""``machines`` as a user runs it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cli.entry import run


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(printed(capsys, "machines", *arguments, "--json"))["machines"]
    return found


def test_the_list_says_what_is_in_a_machine_and_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "machines", "p4d").splitlines()
    assert " ".join(lines[0].split()) == "provider machine GPUs vCPUs memory per hour per month price of"
    assert lines[1].split()[:6] == ["aws", "p4d.24xlarge", "8", "×", "a100-40gb", "96"]
    assert lines[-1] == "prices in US dollars for the whole machine, a month of 730 hours"


@pytest.mark.parametrize(
    ("arguments", "keep"),
    [
        (("--provider", "Google"), lambda m: m["provider"] == "gcp"),
        (("--gpu", "a6000"), lambda m: m["gpu"] == "rtx-a6000"),
        (("--gpu", "a10-4gb"), lambda m: m["slice"] == "a10-4gb"),
        (("h200", "--provider", "aws"), lambda m: m["provider"] == "aws" and m["gpu"] == "h200"),
    ],
)
def test_filters_keep_what_they_name_and_nothing_else(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], keep: Any
) -> None:
    every = listed(capsys)
    assert listed(capsys, *arguments) == [m for m in every if keep(m)] != []


def test_json_has_what_programs_need(capsys: pytest.CaptureFixture[str]) -> None:
    (machine,) = listed(capsys, "NV6ads")
    assert {"provider", "name", "gpu", "count", "memory_gib", "vcpus", "prices"} <= machine.keys()
    assert (machine["gpu"], machine["count"], machine["slice"]) == ("a10", 0.1667, "a10-4gb")
    assert machine["prices"][0].keys() >= {"price_hour_usd", "kind", "region", "as_of", "source"}
    assert all(m["gpu"] is None or m["gpu"] in catalogue().gpus.files for m in listed(capsys))


def test_sorted_by_price_the_cheapest_is_first_and_those_without_one_last(capsys: pytest.CaptureFixture[str]) -> None:
    names = [m["name"] for m in listed(capsys, "--gpu", "l40s", "--sort", "price")]
    assert names[0] == "1x-L40S-32-65536"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("machines", "--provider", "lamda"), "unknown provider 'lamda'; did you mean lambda"),
        (("machines", "--gpu", "a6001"), "unknown GPU"),
        (("machines", "--sort", "size"), "cannot sort by 'size'"),
    ],
)
def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    assert run(list(arguments)) == 2
    assert said in capsys.readouterr().err


def test_a_table_prices_the_machines_of_a_provider(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = (
        "table",
        "--models",
        "mixtral-8x7b",
        "--gpu",
        "a6000",
        "--columns",
        "name,gpus,machines,price,month,watts",
    )
    grid = json.loads(printed(capsys, *wanted, "--provider", "Massed Compute", "--format", "json"))
    row = grid["rows"][0]["values"]
    assert row["gpus:rtx-a6000"] == 3
    assert "of Massed Compute" in row["machines:rtx-a6000"]
    assert row["month:rtx-a6000"] == pytest.approx(730 * row["price:rtx-a6000"])
    assert row["watts:rtx-a6000"] == 900


def test_a_machine_stands_for_a_gpu_in_tables_and_sweeps(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(
        capsys, "table", "--models", "deepseek-r1", "--machine", "p5.48xlarge", "--columns", "name,gpus,machines"
    )
    assert "2 × p5.48xlarge of AWS" in text
    rows = printed(capsys, "sweep", "--models", "llama-3-8b", "--machine", "g5.12xlarge", "--context", "8k")
    assert "a10g" in rows
    assert run(["sweep", "--models", "llama-3-8b"]) == 2
    assert "--machine NAME" in capsys.readouterr().err


def test_a_machine_is_shown_with_its_sources(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "show", "p5.48xlarge")
    assert "gpu: h100-80gb" in text
    assert "source: https://" in text
    assert run(["show", "p5.47xlarge"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("size", "mixtral-8x7b", "--machine", "gpu_4x_a6000"),
        ("fit", "mixtral-8x7b", "--machine", "gpu_4x_a6000", "--tp", "4"),
        ("fit", "mixtral-8x7b", "--machine", "gpu_4x_a6000"),
        ("context", "mixtral-8x7b", "--machine", "gpu_4x_a6000"),
        ("users", "mixtral-8x7b", "--machine", "gpu_4x_a6000", "--context", "8k"),
        ("what-fits", "--machine", "gpu_4x_a6000", "--context", "8k"),
        ("explain", "mixtral-8x7b", "--machine", "gpu_4x_a6000"),
        ("deploy", "mixtral-8x7b", "--machine", "gpu_4x_a6000", "--as", "vllm"),
        ("which-gpu", "mixtral-8x7b", "--provider", "lambda"),
        ("compare", "mixtral-8x7b", "--machine", "gpu_4x_a6000,p4d.24xlarge"),
        ("speed", "mixtral-8x7b", "--machine", "gpu_4x_a6000"),
        ("fit", "--from", "vllm serve mistralai/Mixtral-8x7B-v0.1 -tp 4", "--machine", "gpu_4x_a6000"),
        ("rent", "mixtral-8x7b", "--provider", "lambda", "--as-of", "2026-11-30"),
        ("rent", "mixtral-8x7b", "--as-of", "2026-11-30", "--format", "md"),
    ],
)
def test_every_command_takes_a_machine(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert "6000" in printed(capsys, *arguments)


def test_rent_says_what_nothing_carries(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rent", "deepseek-r1", "--max-price", "1", "--as-of", "2026-11-30"]) == 3
    assert "for $1.00 an hour or less" in capsys.readouterr().out
    assert run(["size", "mixtral-8x7b", "--gpu", "h100", "--machine", "p5"]) == 2
    assert "only one of them" in capsys.readouterr().err


def test_the_articles_price_is_its_own_companys(capsys: pytest.CaptureFixture[str]) -> None:
    from gpu_sizer.reports.article.asked import asked

    spec = asked(columns=["name", "price"])
    assert spec.provider == "massedcompute"
    assert asked().provider is None
