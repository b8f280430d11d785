"""Configurations in the words of each class, of models whose own file was not at hand: they are the cards."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer import CardError, load_model
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory

CONFIGS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "built.json").read_text(encoding="utf-8"))
#: Parameters as the hub counts their repositories (package llmfit 1.1.17), where engines load all of it.
COUNTS = {
    "llava-v1.6-34b": 34_752_083_968,
    "command-a-vision": 111_867_525_360,
    "command-a-plus": 218_750_277_872,
    "aya-vision-8b": 8_631_842_032,
    "molmo2-8b": 8_661_703_120,
    "molmo2-o-7b": 7_760_786_896,
    "step3": 320_969_912_832,
    "step3-vl-10b": 10_171_750_144,
    "olmo-hybrid-7b": 7_430_870_688,
    "granite-swash-2b": 2_144_463_840,
    "granite-swash-3b-a600m": 3_020_382_000,
    "solar-open-100b": 102_651_793_408,
    # The text model with what the tower adds: 466,405,632 beside DeepSeek-V4-Flash-0731's count, 12,544 of it biases.
    "deepseek-v4-flash-vision-exp": 284_332_230_231 + 466_405_632 - 12_544,
}


@pytest.mark.parametrize("model", CONFIGS)
def test_a_configuration_is_the_card(model: str) -> None:
    made, card = card_from_config(CONFIGS[model], name=model, source="a test"), load_model(model)
    assert made.architecture == card.architecture
    assert made.engine_class == card.engine_class
    assert build_inventory(made).total_parameters == COUNTS.get(model, card.parameters.total)


def changed(model: str, section: str | None, **values: object) -> dict[str, Any]:
    config = CONFIGS[model]
    return {**config, **values} if section is None else {**config, section: {**config[section], **values}}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (changed("llava-v1.6-34b", "vision_config", model_type="siglip_vision_model"), "is not described"),
        (changed("llava-v1.6-34b", None, text_config={"model_type": "unheard"}), "is not known"),
        (changed("step3-vl-10b", None, projector_bias=True), "no such bias"),
        (changed("molmo2-8b", "text_config", qk_norm_type="other"), "is not known"),
        (changed("molmo2-8b", "adapter_config", vit_layers=[]), "which layers are seen"),
        (changed("molmo2-8b", "adapter_config", vit_layers=[27]), "must be from"),
        (changed("molmo2-8b", None, adapter_config=None), "adapter_config"),
        (changed("hy4-preview", None, gating_type="rowwise"), "elementwise, headwise"),
        (changed("hy4-preview", None, enable_ihc=False), "streams"),
        (changed("hy4-preview", None, indexer_types=["full"]), "indexer_types"),
    ],
)
def test_what_no_release_has_is_refused(config: dict[str, Any], said: str) -> None:
    with pytest.raises(CardError, match=said):
        card_from_config(config, name="x", source="a test")
