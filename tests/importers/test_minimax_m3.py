"""MiniMax M3's tower: with it and the biases of the routers the card's count is the hub's."""

from __future__ import annotations

from math import prod

from gpu_sizer import load_model
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.minimax_m3 import vision
from gpu_sizer.model.inventory import build_inventory

VISION = {
    "hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16,
    "num_channels": 3, "patch_size": 14, "temporal_patch_size": 2, "spatial_merge_size": 2,
}  # fmt: skip


def test_the_tower_completes_the_hub_s_count() -> None:
    (tower,) = vision(Config({"hidden_size": 6144, "vision_config": VISION}))
    counted = sum(prod(t.shape) * t.copies for t in tower.tensors)
    card = load_model("minimax-m3")
    assert card.architecture.towers == (tower,)
    assert build_inventory(card).total_parameters + counted + 57 * 128 == 427_040_140_160


def test_a_configuration_of_text_alone_has_none() -> None:
    assert vision(Config({"hidden_size": 6144})) == ()


def test_mxfp8_is_every_linear_layer() -> None:
    inventory = build_inventory(load_model("minimax-m3-mxfp8"))
    layers = load_model("minimax-m3-mxfp8").architecture.layer_names
    weights = sum(t.parameters for name in layers for t in inventory.blocks[name] if t.fmt == "mxfp8")
    # The hub counts a scale for 32 of them beside MiniMax-M3's own parameters.
    assert weights // 32 == 440_279_845_760 - 427_040_140_160
