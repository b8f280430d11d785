"""A SigLIP, a projector and a language model of another family: Idefics 3, SmolVLM, PaliGemma, LLaVA-OneVision, Cohere.

``Idefics3Config``, ``SmolVLMConfig``, ``PaliGemmaConfig``, ``LlavaOnevisionConfig``, ``AyaVisionConfig``,
``Cohere2VisionConfig`` (Command A Vision, Command A+) and ``Granite4VisionConfig``. vLLM cuts the tower's layers as
CLIP's, the projector of Command A as a feed-forward, and keeps those of the others whole (models/idefics3.py,
paligemma.py, llava_onevision.py, aya_vision.py of 0.24.0, cohere2_vision.py, granite4_vision.py).
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
    "aya_vision": (14, 364, 27, 16, 1152, 4304),
    "cohere2_vision": (16, 512, 27, 12, 1152, 3072),
    "granite4_vision": (16, 224, 12, 12, 768, 3072),
}
#: Patches side by side that Idefics joins, where its configuration does not say.
_JOINED = 2
#: Corners of four patches, of each of which Granite makes tokens.
_OFFSETS = 4


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
    if c.model_type != "granite4_vision":
        # Granite's projectors see layers before it (granite4_vision.py: require_post_norm=False).
        t.norm("post_layernorm", width)
    return t, width


def _cohere(c: Config, t: TowerTensors, width: int, hidden: int) -> None:
    """Patches side by side are joined, then a gated feed-forward (``Cohere2VisionMultiModalProjector``)."""
    joined = width * c.number("downsample_factor", default=2) ** 2
    inner = c.number("alignment_intermediate_size", default=36864)
    if c.model_type == "cohere2_vision":
        t.column("multi_modal_projector.linear_1", inner, joined)
        t.row("multi_modal_projector.linear_2", hidden, inner // 2)
    else:
        t.norm("multi_modal_projector.layernorm", joined)
        t.linear("multi_modal_projector.linear_1", inner, joined)
        t.linear("multi_modal_projector.linear_2", hidden, inner // 2)


def _granite(c: Config, t: TowerTensors, width: int, hidden: int) -> None:
    """One small transformer of queries for each level that a layer of the language model sees, and four of the last.

    ``WindowQFormerDownsampler``: a layer of BERT with attention to itself and to a window of patches.
    """
    seen = c.find("deepstack_layer_map")
    levels = len(seen) if isinstance(seen, list) else 0
    copies = levels + (_OFFSETS if c.flag("use_spatial_sampling", default=False) else 0)
    query, window = (int(n) for n in str(c.find("downsample_rate") or "4/8").split("/"))
    inner = 3072
    t.linear("projectors.qformer.attention.qkvo", width, width, copies=8 * copies)
    t.linear("projectors.qformer.intermediate_query.dense", inner, width, copies=copies)
    t.linear("projectors.qformer.output_query.dense", width, inner, copies=copies)
    # Of the queries, of both attentions, of the feed-forward, and of the patches.
    t.norm("projectors.norm", width, copies=5 * copies)
    t.whole("projectors.query", query**2, width, copies=copies)
    t.whole("projectors.image_positions", window**2, width, copies=copies)
    t.linear("projectors.out_linear", hidden, width, copies=copies)
    t.whole("image_newline", hidden)


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
    elif c.model_type in ("aya_vision", "cohere2_vision"):
        _cohere(c, t, width, hidden)
    elif c.model_type == "granite4_vision":
        _granite(c, t, width, hidden)
    else:
        joined = c.number("scale_factor", default=_JOINED)
        t.whole("connector.modality_projection.proj.weight", hidden, width * joined**2)


MODEL_TYPES = (
    *("aya_vision", "cohere2_vision", "granite4_vision", "idefics3", "llava_onevision", "paligemma"),
    "smolvlm",
)


def architecture(c: Config) -> Architecture:
    text = family(c.text_type)
    if c.text is c.raw or text is None or text is architecture:
        raise c.fail("text_config", f"a language model of type {shown(c.text_type)} is not known")
    t, width = _siglip(c)
    _project(c, t, width, c.hidden_size)
    return replace(text(c), towers=(t.tower(),))
