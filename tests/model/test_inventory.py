"""Parameter counts: to the last parameter, against what others published."""

from __future__ import annotations

from collections import Counter

import pytest

from gpu_sizer import load_model
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.model.formats import is_scaled, storage_bytes
from gpu_sizer.model.inventory import build_inventory

PUBLISHED = {
    "mixtral-8x7b": 46_702_792_704,
    "llama-3-8b": 8_030_261_248,
    "llama-3-70b": 70_553_706_496,
    "llama-3.1-405b": 405_853_388_800,
    "qwen2.5-72b": 72_706_203_648,
    "deepseek-v3": 671_026_404_352,
    "gpt-oss-120b": 116_829_156_672,
    "gemma-3-27b": 27_432_406_640,
    "qwen3-30b-a3b": 30_532_122_624,
    "mistral-7b-v0.1": 7_241_732_096,
}


@pytest.mark.parametrize(("model", "total"), PUBLISHED.items())
def test_total_equals_the_published_count(model: str, total: int) -> None:
    assert build_inventory(load_model(model)).total_parameters == total


@pytest.mark.parametrize("model", catalogue().models.ids())
def test_card_equals_its_own_published_counts(model: str) -> None:
    card = load_model(model)
    inventory = build_inventory(card)
    assert card.parameters.total in (None, inventory.total_parameters)
    assert card.parameters.active in (None, inventory.active_parameters)


def test_parts_add_up_to_the_total() -> None:
    inventory = build_inventory(load_model("deepseek-v3"))
    assert sum(inventory.parameters_by_part().values()) == inventory.total_parameters


def test_active_parameters_leave_unused_experts_out() -> None:
    assert build_inventory(load_model("mixtral-8x7b")).active_parameters == 12_879_925_248


def test_multi_token_prediction_is_kept_apart() -> None:
    inventory = build_inventory(load_model("deepseek-v3"))
    # DeepSeek-V3's report: 14 B parameters of the checkpoint's 685 B belong to multi-token prediction,
    # 11.5 B without the embedding and head that it shares with the model.
    assert 11.4e9 < sum(t.parameters for t in inventory.mtp) < 11.7e9


def test_what_if_in_another_type_halves_the_weights() -> None:
    card = load_model("llama-3-8b")
    released = build_inventory(card)
    float32 = build_inventory(card, "float32")
    assert {t.fmt for t, _ in released.everything()} == {"bfloat16"}
    assert {t.fmt for t, _ in float32.everything()} == {"float32"}


#: What authors print as active, in billions, in their model cards and papers: some with the embedding, some without.
AS_AUTHORS_PRINT = [
    ("mixtral-8x7b", "active_parameters", 12.9),
    ("qwen3-30b-a3b", "active_parameters", 3.3),
    ("gpt-oss-20b", "active_without_embedding", 3.6),
    ("gpt-oss-120b", "active_without_embedding", 5.1),
]


@pytest.mark.parametrize(("model", "count", "billions"), AS_AUTHORS_PRINT)
def test_active_parameters_are_what_authors_print(model: str, count: str, billions: float) -> None:
    assert getattr(build_inventory(load_model(model)), count) / 1e9 == pytest.approx(billions, abs=0.06)


@pytest.mark.parametrize(
    ("model", "held"),
    [
        # As the hub counts their repositories.
        ("qwen3.5-9b", 9_653_104_368),
        ("qwen3.6-35b-a3b", 35_951_822_704),
        ("mimo-7b", 7_833_409_536),
        ("qwen3-next-80b-a3b", 81_324_862_720),
        ("mixtral-8x7b", 46_702_792_704),
    ],
)
def test_a_checkpoint_holds_towers_and_layers_that_predict_ahead(model: str, held: int) -> None:
    assert build_inventory(load_model(model)).checkpoint_parameters == held


@pytest.mark.parametrize("model", catalogue().models.ids()[::3])
def test_the_kinds_of_tensors_tell_what_the_tensors_do(model: str) -> None:
    made = build_inventory(load_model(model))
    tensors = [t for block in made.blocks.values() for t in block]
    assert made.has_experts == any(t.is_expert for t in tensors)
    assert made.has_scaled_experts == any(t.is_expert and is_scaled(t.fmt) for t in tensors)
    every = list(made.everything())
    assert made.host_bytes == sum(storage_bytes(t.shape, t.fmt) * t.copies * n for t, n in every if t.on_host)
    sizes: Counter[str] = Counter()
    for t, n in every:
        sizes[t.fmt] += storage_bytes(t.shape, t.fmt) * t.copies * n
    assert sizes[made.main_format] == max(sizes.values())
