"""A SigLIP, a projector and a language model of another family: Idefics 3 and SmolVLM, PaliGemma, LLaVA-OneVision.

``Idefics3Config``, ``SmolVLMConfig``, ``PaliGemmaConfig`` and ``LlavaOnevisionConfig``. vLLM cuts the tower's layers as
CLIP's and keeps the projectors of Idefics and PaliGemma whole (models/idefics3.py, paligemma.py, llava_onevision.py).
"""

from gpu_sizer.errors import shown
from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import family
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture
from gpu_sizer.records import replace

#: What the classes of the towers supply (``Idefics3VisionConfig``, ``SiglipVisionConfig``): patch, side of a picture,
#: layers, heads, width, width of the feed-forward.
_SUPPLIED = {
    "idefics3": (32, 224, 12, 16, 1152, 3072),
    "smolvlm": (32, 224, 12, 16, 1152, 3072),
    "paligemma": (16, 224, 12, 12, 768, 3072),
    "llava_onevision": (16, 224, 12, 12, 768, 3072),
}
#: Patches side by side that Idefics joins, where its configuration does not say.
_JOINED = 2


def _siglip(c: Config) -> tuple[TowerTensors, int]:
    """The tower without a projector, and its width."""
    v = c.section("vision_config")
    if v is None:
        raise c.fail("vision_config", "missing")
    patch, side, layers, heads, width, inner = _SUPPLIED[c.model_type]
    width, layers = v.number("hidden_size", default=width), v.number("num_hidden_layers", default=layers)
    patch, side = v.number("patch_size", default=patch), v.number("image_size", default=side)
    inner = v.number("intermediate_size", default=inner)
    t = TowerTensors(v.number("num_attention_heads", default=heads))
    t.whole("embeddings.patch_embedding.weight", width, v.number("num_channels", default=3), patch, patch)
    t.whole("embeddings.patch_embedding.bias", width)
    t.whole("embeddings.position_embedding.weight", (side // patch) ** 2, width)
    t.encoder("encoder.layers", width, layers, inner)
    t.norm("post_layernorm", width)
    return t, width


def _project(c: Config, t: TowerTensors, width: int, hidden: int) -> None:
    """The layers between tower and language model."""
    if c.model_type == "paligemma":
        t.linear("multi_modal_projector.linear", hidden, width)
    elif c.model_type == "llava_onevision":
        bias = c.flag("multimodal_projector_bias", default=True)
        for name, inputs in (("linear_1", width), ("linear_2", hidden)):
            t.whole(f"multi_modal_projector.{name}.weight", hidden, inputs)
            if bias:
                t.whole(f"multi_modal_projector.{name}.bias", hidden)
        t.whole("image_newline", hidden)
    else:
        joined = c.number("scale_factor", default=_JOINED)
        t.whole("connector.modality_projection.proj.weight", hidden, width * joined**2)


MODEL_TYPES = ("idefics3", "llava_onevision", "paligemma", "smolvlm")


def architecture(c: Config) -> Architecture:
    text = family(c.text_type)
    if c.text is c.raw or text is None or text is architecture:
        raise c.fail("text_config", f"a language model of type {shown(c.text_type)} is not known")
    t, width = _siglip(c)
    _project(c, t, width, c.hidden_size)
    return replace(text(c), towers=(t.tower(),))
