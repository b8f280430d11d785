"""LLaVA 1.5 and 1.6 (``LlavaConfig``, ``LlavaNextConfig``): a CLIP tower, two layers, a language model of any family.

vLLM cuts the two layers between them as it cuts a feed-forward (models/llava.py: LlavaMultiModalProjector).
"""

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import family
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Tower
from gpu_sizer.records import replace


def _clip(c: Config, hidden: int) -> Tower:
    v = c.section("vision_config")
    if v is None:
        raise c.fail("vision_config", "missing")
    if (kind := v.text_value("model_type", default="clip_vision_model")) != "clip_vision_model":
        raise c.fail("vision_config.model_type", f"{shown(kind)} is not described beside LLaVA's language model")
    width, layers, patch = v.number("hidden_size"), v.number("num_hidden_layers"), v.number("patch_size")
    t = TowerTensors(v.number("num_attention_heads"))
    t.whole("embeddings.class_embedding", width)
    t.whole("embeddings.patch_embedding.weight", width, 3, patch, patch)
    t.whole("embeddings.position_embedding.weight", (v.number("image_size") // patch) ** 2 + 1, width)
    t.norm("pre_layrnorm", width)
    t.encoder("encoder.layers", width, layers, v.number("intermediate_size"))
    t.norm("post_layernorm", width)
    bias = c.flag("multimodal_projector_bias", default=True)
    t.column("multi_modal_projector.linear_1", hidden, width, bias=bias)
    t.row("multi_modal_projector.linear_2", hidden, hidden, bias=bias)
    if c.model_type == "llava_next":
        t.whole("image_newline", hidden)
    return t.tower()


MODEL_TYPES = ("llava", "llava_next")


def architecture(c: Config) -> Architecture:
    text = family(c.text_type)
    if c.text is c.raw or text is None or text is architecture:
        raise c.fail("text_config", f"a language model of type {shown(c.text_type)} is not known")
    return replace(text(c), towers=(_clip(c, c.hidden_size),))
