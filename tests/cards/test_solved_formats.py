"""What the hub's counts tell of re-releases (``tools/solve_formats.py``), against what configurations tell."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from gpu_sizer import estimate, load_model
from gpu_sizer.cards.catalogue import Catalogue, data_folder
from gpu_sizer.cards.hub_counts import Counts
from gpu_sizer.cards.loading import load_card
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.cards.rerelease_table import Line, as_line
from gpu_sizer.cards.rereleases import LAYER_KINDS
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.model.weights import Weights
from gpu_sizer.records import replace
from gpu_sizer.units import GIB
from tools.solve_formats import MEANT, as_known, kinds, solved


def told(card: ModelCard) -> dict[str, str]:
    """The formats of its kinds, as its configuration has them."""
    return {
        kind: rule.format
        for rule in card.weights.rules
        for kind, patterns in LAYER_KINDS.items()
        if any(fnmatchcase(name, p) for name in rule.tensors for p in patterns)
    }


def read_cards() -> list[tuple[ModelCard, int]]:
    """Cards with formats of their own, with the hub's counts of their repositories."""
    models = Catalogue().models
    file = load_card(Path(data_folder("model_cards")) / "counts" / "hub.yaml", Counts)
    counts = {line.hub_id: line.count for line in file.counts}
    return [(c, counts[c.hub_id]) for c in models.all() if c.weights.rules and c.hub_id in counts]


def test_nothing_is_solved_that_a_configuration_denies() -> None:
    right = 0
    for card, count in read_cards():
        for fmt in {rule.format for rule in card.weights.rules} & MEANT.keys():
            found = solved(replace(card, weights=Weights(dtype=card.weights.dtype)), fmt, count)
            if found is not None:
                assert found == told(card), card.id
                right += 1
    assert right >= 10


def test_a_recipe_is_that_of_a_card_of_the_same_layers_and_count() -> None:
    known, base = load_model("qwen3.6-27b-nvfp4"), load_model("qwen3.8-27b")
    count = 18_164_649_200
    found = as_known(base, count, [(known, count)])
    assert found == {
        "attention": "float8-tensor",
        "linear_attention": "float8-tensor",
        "mlp": "nvfp4",
        "lm_head": "nvfp4",
    }
    assert as_known(base, count + 1, [(known, count)]) is None
    assert as_known(load_model("qwen3-8b"), count, [(known, count)]) is None


def test_every_matrix_is_of_one_kind() -> None:
    for model in ("qwen3-next-80b-a3b", "llama-3-8b", "glm-4.7"):
        inventory = build_inventory(load_model(model))
        linear = sum(
            t.parameters * n
            for t, n in inventory.everything()
            if (t.is_linear and t.part != "router") or t.part == "lm_head"
        )
        assert abs(sum(k.values for k in kinds(inventory, "nvfp4").values()) / linear - 1) < 0.001


@pytest.mark.parametrize(
    ("hub_id", "weights"),
    [
        # A start-up of NVIDIA's release holds 19.75 GiB (github.com/vllm-project/vllm, record vllm-481).
        ("nvidia/Qwen3.8-27B-NVFP4", 19.75),
        # As a start-up of the release of 3.6, whose configuration was read.
        ("RadixArk/Qwen3.8-27B-NVFP4", 19.75),
    ],
)
def test_a_line_with_formats_holds_what_a_start_up_holds(hub_id: str, weights: float) -> None:
    found = estimate(hub_id, gpu="b300", tensor_parallel_size=1, context=4096)
    assert abs(found.per_gpu.weights_bytes / GIB / weights - 1) < 0.01
    assert load_model(hub_id).verified


def test_lines_with_formats_are_checked() -> None:
    with pytest.raises(ValueError, match="none of attention"):
        Line(hub_id="x/y", formats={"head": "nvfp4"})
    with pytest.raises(ValueError, match="a format, or formats"):
        Line(hub_id="x/y", format="nvfp4", formats={"mlp": "nvfp4"})
    assert as_line(load_model("qwen3-8b-fp8"), Line(hub_id="x/y", formats={"mlp": "nvfp4"}), "here") is None
