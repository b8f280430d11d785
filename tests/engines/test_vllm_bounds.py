"""What a list is told of a model before a tensor is made: never less than the planner counts with all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gpu_sizer.api import load_gpu
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.gpu_spec import GpuSpec
from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.vllm import model
from gpu_sizer.engines.vllm.fitting import MOST_LOADED, MOST_LOADED_ON_ROCM, VllmFitting
from gpu_sizer.engines.vllm.loading import batch_widths
from gpu_sizer.engines.vllm.model import VllmModel
from gpu_sizer.engines.vllm.needs import Needs
from gpu_sizer.errors import RequestError
from gpu_sizer.memory.layout import layout_of
from gpu_sizer.model.inventory import build_inventory
from gpu_sizer.planning import prepared
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search

#: A GPU of each platform and generation.
GPUS = ("t4", "a100-80gb", "l4", "h200", "b200", "rtx-5090", "mi300x", "arc-a770", "gaudi-3")
VERSIONS = [entry["name"] for entry in profile_data("vllm/versions")["versions"]]
#: Loads whose other parts than weights differ.
LOADS: tuple[dict[str, Any], ...] = ({}, {"users": 40, "context": 4096}, {"max_num_batched_tokens": 65536})


def counted(cards: list[ModelCard], gpu: GpuSpec, **load: Any) -> Iterator[tuple[ModelCard, VllmFitting, Needs]]:
    """The models that can be counted on a GPU, as the planner has them."""
    for card in cards:
        try:
            fitting = Search(make_request(card, gpu, **load)).fitting
            assert isinstance(fitting, VllmFitting)
            needs = fitting._replica(1)[1]
            needs.of(layout_of())
        except RequestError:
            continue
        yield card, fitting, needs


def holds(needs: Needs, card: ModelCard) -> int:
    """Bytes of weights on one GPU, and of what loading adds to them whatever the batch."""
    ((weights, _, loading),) = needs.of(layout_of()).held.kinds
    return weights + loading - sum(batch_widths(card, 1, needs._kernels)) * needs._settings.max_num_batched_tokens


@pytest.mark.parametrize("gpu", GPUS)
def test_no_gpu_holds_more_of_a_card_than_its_tensors_allow(gpu: str) -> None:
    shelf, spec = catalogue().models, load_gpu(gpu)
    most = MOST_LOADED_ON_ROCM if spec.platform == "rocm" else MOST_LOADED
    seen = 0
    for card, _, needs in counted(shelf.all(), spec):
        seen += 1
        assert holds(needs, card) <= most * shelf.counts(card).whole_bytes, card.id
        # The other parts are those that the planner counts.
        assert needs.beside_weights() + holds(needs, card) == needs.of(layout_of()).budget_bytes, card.id
    assert seen > 500


@pytest.mark.parametrize("version", VERSIONS)
def test_nor_in_any_version(version: str) -> None:
    shelf = catalogue().models
    for gpu, most in (("h200", MOST_LOADED), ("mi300x", MOST_LOADED_ON_ROCM)):
        for card, _, needs in counted(shelf.all()[::3], load_gpu(gpu), engine=f"vllm@{version}", context=2048):
            assert holds(needs, card) <= most * shelf.counts(card).whole_bytes, card.id


@pytest.mark.parametrize("load", LOADS)
def test_what_is_surely_held_is_held(load: dict[str, Any]) -> None:
    shelf, sure, held = catalogue().models, 0, 0
    for gpu in ("l4", "rtx-a6000", "mi300x"):
        for card, fitting, needs in counted(shelf.all()[::4], load_gpu(gpu), **load):
            fits = fitting.evaluate(layout_of()).within_budget
            held += fits
            if fitting.surely_holds(shelf.counts(card).whole_bytes):
                sure += 1
                assert fits, card.id
                assert needs.of(layout_of()).budget_bytes <= fitting.budget()
    # A bound that says little would be lawful, too.
    assert sure > 0.7 * held > 50


def test_no_tensor_is_made_of_a_dense_model_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    prepared._known.cache_clear()
    made: list[str] = []

    def build(card: Any, dtype: str | None = None) -> Any:
        made.append(card.id)
        return build_inventory(card, dtype)

    monkeypatch.setattr(model, "build_inventory", build)
    shelf, gpu = catalogue().models, load_gpu("h200")
    for name in ("llama-3-8b", "gemma-3-12b", "qwen3-vl-8b"):
        card = shelf.get(name)
        assert Search(make_request(card, gpu)).fitting.surely_holds(shelf.counts(card).whole_bytes)
    assert made == []


def test_experts_are_known_without_their_tensors() -> None:
    for card in catalogue().models.all():
        inventory = build_inventory(card)
        held = VllmModel(card)
        assert held.has_experts == inventory.has_experts, card.id
        assert held.has_scaled_experts == inventory.has_scaled_experts, card.id
