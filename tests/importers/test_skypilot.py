"""Prices and machines from a catalogue file in SkyPilot's format."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.fleet import fleet
from gpu_sizer.cli.entry import run
from gpu_sizer.errors import CardError
from gpu_sizer.importers.skypilot import Read, read_catalogue

HEAD = "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo,SpotPrice\n"
INFO = "\"{{'Gpus': [{{'Name': 'X', 'Count': 1.0, 'MemoryInfo': {{'SizeInMiB': {}}}}}], 'TotalGpuMemoryInMiB': 1}}\""
ROWS = (
    f"gpu_1x_a100_sxm4,A100,1,30,200,2.10,us-east-1,{INFO.format(40960)},\n"
    "gpu_1x_a100_sxm4,A100,1,30,200,2.05,us-west-1,,1.0\n"
    f"gpu_9x_l4,L4,9,30,200,5.0,us-east-1,{INFO.format(24576)},5.0\n"
    f"gpu_2x_new,H100,2,30,200,0.0,us-east-1,{INFO.format(81920)},\n"
    "gpu_8x_a100,A100,9,,,16.0,us-east-1,,\n"
    "cpu_4x_general,,,4,16,0.2,us-east-1,,\n"
)
DAY = datetime.date(2026, 11, 30)


def read(folder: Path, text: str = HEAD + ROWS, provider: str = "lambda") -> Read:
    file = folder / "vms.csv"
    file.write_text(text)
    gpus = {s.id: s for s in catalogue().gpus.all()}
    return read_catalogue(file, provider, fleet(), gpus, DAY)


def test_prices_are_by_region_and_kind(tmp_path: Path) -> None:
    machines = {m.name: m for m in read(tmp_path).provider.machines}
    assert [(p.per_hour, p.kind, p.region, p.date) for p in machines["gpu_1x_a100_sxm4"].prices] == [
        (2.05, "on-demand", "us-west-1", DAY),
        (2.1, "on-demand", "us-east-1", DAY),
        (1.0, "spot", "us-west-1", DAY),
    ]
    # A spot price that repeats the other is none, and zero stands where none is known.
    assert [p.kind for p in machines["gpu_9x_l4"].prices] == ["on-demand"]
    assert machines["gpu_2x_new"].prices == ()


def test_a_gpu_that_is_known_or_can_only_be_one_is_told_and_no_other(tmp_path: Path) -> None:
    found = read(tmp_path)
    machines = {m.name: m for m in found.provider.machines}
    assert machines["gpu_1x_a100_sxm4"].gpu == "a100-40gb"
    assert machines["gpu_9x_l4"].gpu == "l4"
    assert machines["gpu_2x_new"].gpu is None
    assert set(machines["gpu_2x_new"].gpu_candidates) == {"h100-80gb", "h100-pcie"}
    # A catalogue that counts wrong does not change what is in a machine.
    assert machines["gpu_8x_a100"].count == 8
    assert any("the file says 9 GPUs" in r for r in found.remarks)


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("InstanceType,Price\nx,1\n", "AcceleratorName", "no such column"),
        (HEAD + "x,L4,one,,,1,r,,\n", "AcceleratorCount", "a number is expected, not 'one'"),
        (HEAD + "x,L4,1,,,-1,r,,\n", "Price", "a number from 0"),
        (HEAD + "x,L4,1,,,nan,r,,\n", "Price", "a number from 0"),
        (HEAD, "", "no row has a machine"),
    ],
)
def test_a_file_that_is_none_is_told_by_line_and_column(tmp_path: Path, text: str, key: str, reason: str) -> None:
    with pytest.raises(CardError, match=reason) as caught:
        read(tmp_path, text)
    assert caught.value.key == key


def test_the_command_keeps_them_in_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "lambda").mkdir()
    file = tmp_path / "lambda" / "vms.csv"
    file.write_text(HEAD + ROWS)
    assert run(["update", "machines", str(file), "--date", "2026-11-30"]) == 0
    assert "4 machines of Lambda, prices of 2026-11-30, in " in capsys.readouterr().out
    assert run(["machines", "gpu_1x_a100_sxm4", "--provider", "lambda", "--json"]) == 0
    (machine,) = json.loads(capsys.readouterr().out)["machines"]
    assert machine["prices"][0]["price_hour_usd"] == 2.05
    assert run(["rent", "llama-3-8b", "--provider", "lambda", "--as-of", "2026-12-01", "--json"]) == 0
    named = {m["name"]: m for m in json.loads(capsys.readouterr().out)["machines"]}
    assert named["gpu_9x_l4"]["as_of"] == "2026-11-30"
    assert run(["validate"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv"], "no such file"),
        (["https://example.org/vms.csv"], "download it first"),
        (["{file}"], "whose machines are these? --provider P"),
        (["{file}", "--provider", "Lamda"], "did you mean lambda"),
        (["{file}", "--provider", "lambda", "--date", "soon"], "a date as"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    file = tmp_path / "vms.csv"
    file.write_text(HEAD + ROWS)
    assert run(["update", "machines", *(a.format(file=file) for a in arguments)]) == 2
    assert said in capsys.readouterr().err
