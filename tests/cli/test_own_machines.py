"""Machines in a folder of the user's own: listed, validated, completed, rented, and asked for like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cli.completion import machines
from gpu_sizer.cli.entry import run

RACK = """\
provider: myrack
name: Our Rack
machines:
  - name: box-8xh100
    gpu: h100-80gb
    gpu_told: H100
    count: 8
    link: nvlink
    prices:
      - {per_hour: 12.5, date: 2026-11-01, source: our own bill}
    source: our own inventory
  - name: box-2xown
    gpu: own-gpu
    gpu_told: Own GPU
    count: 2
    prices:
      - {per_hour: 1.0, date: 2026-11-01, source: our own bill}
    source: our own inventory
sources:
  - {package: our inventory, facts: Shapes and prices}
"""
GPU = """\
id: own-gpu
name: NVIDIA Own GPU
vendor: NVIDIA
platform: cuda
compute_capability: '8.6'
memory: {marketed_gb: 48, visible_mib: 48680.96, visible_basis: estimated}
sources:
  - {package: our inventory, facts: All}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("own")
    for name, text in (("machines/rack.yaml", RACK), ("own/own-gpu.yaml", GPU)):
        (place / name).parent.mkdir()
        (place / name).write_text(text, encoding="utf-8")
    return str(place)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(list(arguments)) == code
    out = capsys.readouterr()
    return out.out + out.err


def test_they_are_listed_shown_and_validated(capsys: pytest.CaptureFixture[str], folder: str) -> None:
    found = json.loads(printed(capsys, "--cards", folder, "machines", "--provider", "Our Rack", "--json"))["machines"]
    assert [m["name"] for m in found] == ["box-8xh100", "box-2xown"]
    assert "our own bill" in printed(capsys, "--cards", folder, "show", "box-8xh100")
    assert printed(capsys, "validate", folder).count("valid") == 2
    assert "box-8xh100" not in printed(capsys, "machines")


def test_a_mistake_is_told_with_its_place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "machines").mkdir()
    wrong = tmp_path / "machines" / "rack.yaml"
    wrong.write_text(RACK.replace("own-gpu", "no-such-gpu"), encoding="utf-8")
    assert "box-2xown.gpu: no GPU spec is called 'no-such-gpu'" in printed(capsys, "validate", str(wrong), code=2)
    wrong.write_text(RACK.replace("count: 8", "count: eight"), encoding="utf-8")
    assert "count" in printed(capsys, "--cards", str(tmp_path), "machines", code=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("size", "llama-3-8b", "--machine", "box-2xown"), "needs 1 × Our Rack box-2xown (2 × Own GPU, "),
        (("fit", "llama-3-8b", "--machine", "box-2xown"), "fits on 1 × Our Rack box-2xown"),
        (("context", "llama-3-8b", "--machine", "box-2xown"), "on 1 × Our Rack box-2xown (2 × Own GPU) takes"),
        (("users", "llama-3-8b", "--machine", "box-2xown"), "1 × Our Rack box-2xown (2 × Own GPU) serves"),
        (("compare", "llama-3-8b", "--machine", "box-2xown,p5.48xlarge"), "1 × Our Rack box-2xown"),
        (("rent", "deepseek-r1", "--provider", "myrack"), "2 × box-8xh100 of Our Rack"),
        (("which-gpu", "llama-3-70b", "--provider", "myrack"), "box-8xh100 of Our Rack"),
        # Beside a bare count, too, where they are the cheapest.
        (("size", "deepseek-r1", "--gpu", "h100"), "2 × box-8xh100 of Our Rack, $25.00 an hour"),
        (("deploy", "llama-3-70b", "--machine", "box-8xh100", "--as", "skypilot"), "box-8xh100"),
        (
            ("table", "--models", "deepseek-r1", "--gpus", "h100", "--columns", "name,machines"),
            "box-8xh100 of Our Rack",
        ),
        (("how many box-8xh100 for deepseek r1",), "DeepSeek-R1 needs 2 × Our Rack box-8xh100 (16 × H100"),
        (("llama 3 70b on our rack",), "box-8xh100 of Our Rack"),
    ],
)
def test_they_are_asked_for_like_any_other(
    capsys: pytest.CaptureFixture[str], folder: str, arguments: tuple[str, ...], said: str
) -> None:
    assert said in printed(capsys, "--cards", folder, *arguments)


def test_a_name_of_ours_goes_before_what_is_shipped(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "machines").mkdir()
    own = RACK.split("  - name: box-2xown")[0].replace("myrack", "aws").replace("box-8xh100", "p5.48xlarge")
    (tmp_path / "machines" / "aws.yaml").write_text(
        own + "sources:\n  - {package: our contract, facts: Prices}\n", encoding="utf-8"
    )
    assert "$12.50 an hour" in printed(
        capsys, "--cards", str(tmp_path), "size", "llama-3-70b", "--machine", "p5.48xlarge"
    )


def test_they_are_completed(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    assert machines("p5.48") == ["p5.48xlarge"]
    monkeypatch.setenv("GPU_SIZER_PATH", folder)
    catalogue.cache_clear()
    try:
        assert machines("box-") == ["box-8xh100", "box-2xown"]
    finally:
        monkeypatch.undo()
        catalogue.cache_clear()
