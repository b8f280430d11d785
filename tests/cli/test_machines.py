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
