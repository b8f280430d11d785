"""The worked examples of docs/cards.md are the cards that they show, and its sums are right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cli.app import put_together
from gpu_sizer.model.inventory import build_inventory

DOCUMENT = Path(__file__).parents[2] / "docs" / "cards.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
EXAMPLES: list[dict[str, Any]] = [
    found
    for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    if isinstance(found := yaml.safe_load(block), dict) and "id" in found
]


def test_there_is_a_dense_example_and_a_hybrid_one() -> None:
    assert [e["id"] for e in EXAMPLES] == ["llama-2-7b", "jamba-v0.1"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: str(e["id"]))
def test_an_example_says_what_its_card_says(example: dict[str, Any]) -> None:
    card = yaml.safe_load(Path(catalogue().models.files[example["id"]]).read_text(encoding="utf-8"))
    assert {key: card[key] for key in example} == example


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: str(e["id"]))
def test_the_counts_shown_are_the_inventory_s(example: dict[str, Any]) -> None:
    inventory = build_inventory(catalogue().models.get(example["id"]))
    assert example["parameters"]["total"] == inventory.total_parameters
    assert example["parameters"]["active"] == inventory.active_parameters


def test_the_sum_on_paper() -> None:
    numbers = [int(n.replace(",", "")) for n in re.findall(r"\d{1,3}(?:,\d{3})+", TEXT)]
    embedding, attention, feed_forward, block = 262_144_000, 67_108_864, 135_266_304, 202_383_360
    assert {embedding, attention, feed_forward, block} <= set(numbers)
    assert embedding == 2 * 32_000 * 4096
    assert block == attention + feed_forward + 2 * 4096
    assert embedding + 32 * block + 4096 == 6_738_415_616 in numbers


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\((\.\./[^)]+)\)", TEXT):
        assert (DOCUMENT.parent / target).is_file(), target


@pytest.mark.parametrize(
    "line",
    [line for line in TEXT.splitlines() if re.match(r"gpu-sizer (models|gpus|show) .*", line) and " -o " not in line],
)
def test_the_commands_run(line: str) -> None:
    words = line.split("#")[0].split()[1:]
    assert CliRunner().invoke(put_together(), words).exit_code == 0
