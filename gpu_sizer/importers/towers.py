"""Vision towers as families describe them: groups of tensors, cut as vLLM cuts them."""

from __future__ import annotations

from gpu_sizer.importers.config import Config
from gpu_sizer.model.architecture import ExtraTensor, Tower
from gpu_sizer.model.bounds import MOST_LAYERS
from gpu_sizer.records import replace


class TowerTensors:
    """Collects the tensors of one tower: whole ones, and linear layers cut by heads or by width."""

    def __init__(self, heads: int | None = None, *, counted: bool = True) -> None:
        self._heads, self._counted = heads, counted
        self._found: list[ExtraTensor] = []

    def whole(self, name: str, *shape: int, copies: int = 1) -> None:
        """A tensor that every rank holds whole."""
        self._found.append(ExtraTensor(name=name, shape=shape, copies=copies, part="tower"))

    def column(
        self, name: str, out: int, inp: int, *, copies: int = 1, bias: bool = True, by_heads: bool = False
    ) -> None:
        """A linear layer cut by its outputs, with its bias."""
        units = self._heads if by_heads else None
        self._found.append(
            ExtraTensor(name=f"{name}.weight", shape=(out, inp), copies=copies, part="tower", split_dim=0, units=units)
        )
        if bias:
            self._found.append(
                ExtraTensor(name=f"{name}.bias", shape=(out,), copies=copies, part="tower", split_dim=0, units=units)
            )

    def row(self, name: str, out: int, inp: int, *, copies: int = 1, bias: bool = True, by_heads: bool = False) -> None:
        """A linear layer cut by its inputs; its bias is whole."""
        units = self._heads if by_heads else None
        self._found.append(
            ExtraTensor(name=f"{name}.weight", shape=(out, inp), copies=copies, part="tower", split_dim=1, units=units)
        )
        if bias:
            self.whole(f"{name}.bias", out, copies=copies)

    def norm(self, name: str, size: int, *, copies: int = 1, bias: bool = True) -> None:
        """A norm, with a bias unless it is an RMS norm."""
        self.whole(f"{name}.weight", size, copies=copies)
        if bias:
            self.whole(f"{name}.bias", size, copies=copies)

    def patches(self, width: int, channels: int, frames: int, side: int) -> None:
        """The embedding of patches of several frames, with its bias."""
        self.whole("patch_embed.proj.weight", width, channels, frames, side, side)
        self.whole("patch_embed.proj.bias", width)

    def encoder(self, name: str, width: int, layers: int, inner: int) -> None:
        """Layers as CLIP and SigLIP have them: two norms, attention and a plain feed-forward, all with biases."""
        self.norm(f"{name}.layer_norm", width, copies=2 * layers)
        self.column(f"{name}.self_attn.qkv_proj", 3 * width, width, copies=layers, by_heads=True)
        self.row(f"{name}.self_attn.out_proj", width, width, copies=layers, by_heads=True)
        self.column(f"{name}.mlp.fc1", inner, width, copies=layers)
        self.row(f"{name}.mlp.fc2", width, inner, copies=layers)

    def linear(self, name: str, out: int, inp: int, *, copies: int = 1) -> None:
        """A linear layer with a bias that every rank holds whole."""
        self.whole(f"{name}.weight", out, inp, copies=copies)
        self.whole(f"{name}.bias", out, copies=copies)

    def tower(self, name: str = "vision") -> Tower:
        """The tower; one that is not counted is loaded, but no part of the language model's parameters."""
        tensors = self._found if self._counted else [replace(t, parameter=False) for t in self._found]
        return Tower(name=name, tensors=tuple(tensors))


def qwen_vision(
    c: Config, defaults: dict[str, int], *, counted: bool = True, projected: int | None = None
) -> tuple[Tower, ...]:
    """Qwen3-VL's and Qwen3.5's vision transformer, with its mergers (``Qwen3_VisionTransformer``).

    Args:
        c: the configuration.
        defaults: what the class supplies.
        counted: whether it is a part of the model's parameters.
        projected: the width of two layers behind a merger that is a norm alone (``BailingMoeV3VLProjector``).
    """
    v = c.section("vision_config")
    if v is None:
        return ()

    def get(key: str) -> int:
        return v.number(key, default=defaults[key]) if key in defaults else v.number(key)

    width, layers, inner, patch = get("hidden_size"), get("depth"), get("intermediate_size"), get("patch_size")
    merged = width * get("spatial_merge_size") ** 2
    t = TowerTensors(get("num_heads"), counted=counted)
    t.patches(width, get("in_channels"), get("temporal_patch_size"), patch)
    t.whole("pos_embed.weight", get("num_position_embeddings"), width)
    t.norm("blocks.norm", width, copies=2 * layers)
    t.column("blocks.attn.qkv", 3 * width, width, copies=layers, by_heads=True)
    t.row("blocks.attn.proj", width, width, copies=layers, by_heads=True)
    t.column("blocks.mlp.linear_fc1", inner, width, copies=layers)
    t.row("blocks.mlp.linear_fc2", width, inner, copies=layers)
    deep = len(v.numbers("deepstack_visual_indexes", least=0, most=MOST_LAYERS) or ())
    t.norm("merger.norm", width)
    if projected is not None:
        t.column("linear_proj.linear_fc1", projected, merged)
        t.row("linear_proj.linear_fc2", projected, projected)
        return (t.tower(),)
    if deep:
        t.norm("deepstack_merger_list.norm", merged, copies=deep)
    t.column("merger.linear_fc1", merged, merged, copies=1 + deep)
    t.row("merger.linear_fc2", get("out_hidden_size"), merged, copies=1 + deep)
    return (t.tower(),)


def glm_merger(t: TowerTensors, width: int, out: int, inner: int, merge: int) -> None:
    """What joins patches and feeds them to GLM's language model (``Glm4vPatchMerger``)."""
    t.whole("downsample.weight", out, width, merge, merge)
    t.whole("downsample.bias", out)
    t.column("merger.proj", out, out, bias=False)
    t.norm("merger.post_projection_norm", out)
    t.column("merger.gate_up_proj", 2 * inner, out, bias=False)
    t.row("merger.down_proj", out, inner, bias=False)


def glm_vision(v: Config, channels: int, frames: int, merged: int) -> tuple[Tower, ...]:
    """The tower of GLM-OCR and GLM-5.3 Flash: norms of queries and keys, no table of positions, biases.

    Args:
        v: the configuration of the tower.
        channels: of a picture.
        frames: of a patch.
        merged: width of the merger's feed-forward.
    """
    width, layers, out = v.number("hidden_size"), v.number("depth"), v.number("out_hidden_size")
    inner, heads = v.number("intermediate_size"), v.number("num_heads")
    t = TowerTensors(heads)
    t.patches(width, channels, frames, v.number("patch_size"))
    t.norm("blocks.norm", width, copies=2 * layers, bias=False)
    t.norm("blocks.attn.qk_norm", width // heads, copies=2 * layers, bias=False)
    t.column("blocks.attn.qkv", 3 * width, width, copies=layers, by_heads=True)
    t.row("blocks.attn.proj", width, width, copies=layers, by_heads=True)
    t.column("blocks.mlp.gate_up_proj", 2 * inner, width, copies=layers)
    t.row("blocks.mlp.down_proj", width, inner, copies=layers)
    t.norm("post_layernorm", width, bias=False)
    glm_merger(t, width, out, merged, v.number("spatial_merge_size"))
    return (t.tower(),)


def kimi_vision(c: Config, hidden: int) -> tuple[Tower, ...]:
    """Kimi's vision transformer and projector (``MoonViT3d``): K2.5 with layer norms, K3 with RMS norms."""
    v = c.section("vision_config")
    if v is None:
        return ()
    # As released, or in the words of transformers' class.
    width, layers = v.number("vt_hidden_size", "hidden_size"), v.number("vt_num_hidden_layers", "num_hidden_layers")
    inner, patch = v.number("vt_intermediate_size", "intermediate_size"), v.number("patch_size")
    heads = v.number("vt_num_attention_heads", "num_attention_heads")
    attention = v.number("qkv_hidden_size", default=width)
    bias, layer_norm = v.flag("linear_bias", default=True), v.text_value("norm_type", default="layernorm") != "rmsnorm"
    kernel = v.numbers("merge_kernel_size", count=2, most=64) or [2, 2]
    merged = width * kernel[0] * kernel[1]
    t = TowerTensors(heads)
    t.whole("patch_embed.proj.weight", width, 3, patch, patch)
    if v.flag("patch_embed_proj_bias", default=True):
        t.whole("patch_embed.proj.bias", width)
    rows = v.number("init_pos_emb_height", "pos_emb_height"), v.number("init_pos_emb_width", "pos_emb_width")
    t.whole("patch_embed.pos_emb.weight", *rows, width)
    t.norm("encoder.blocks.norm", width, copies=2 * layers, bias=layer_norm)
    t.column(
        "encoder.blocks.wqkv",
        3 * attention,
        width,
        copies=layers,
        by_heads=True,
        bias=v.flag("attn_bias", default=True),
    )
    t.row("encoder.blocks.wo", width, attention, copies=layers, by_heads=True, bias=v.flag("attn_bias", default=True))
    t.column("encoder.blocks.mlp.fc0", inner, width, copies=layers, bias=bias)
    t.row("encoder.blocks.mlp.fc1", width, inner, copies=layers, bias=bias)
    t.norm("encoder.final_layernorm", width, bias=layer_norm)
    # The projector is whole on every rank.
    second = v.text_value("mm_projector_type", default="patchmerger") == "patchmergerv2"
    if not second:
        t.norm("mm_projector.pre_norm", width)
    for name, out, inp in (("linear_1", merged, merged), ("linear_2", hidden, merged)):
        t.whole(f"mm_projector.{name}.weight", out, inp)
        if not second:
            t.whole(f"mm_projector.{name}.bias", out)
    if second:
        t.norm("mm_projector.post_norm", hidden, bias=False)
    return (t.tower(),)


def llama4_vision(c: Config, hidden: int) -> tuple[Tower, ...]:
    """Llama 4's vision transformer, adapter and projector (``Llama4VisionModel``)."""
    if c.model_type == "llama4_text":
        return ()
    # The class supplies a tower of its own defaults where the configuration has none.
    v = c.section_or_default("vision_config")
    width, layers = v.number("hidden_size", default=768), v.number("num_hidden_layers", default=34)
    inner, patch = v.number("intermediate_size", default=5632), v.number("patch_size", default=14)
    image = v.number("image_size", default=448)
    out, into = v.number("projector_output_dim", default=7680), v.number("projector_input_dim", default=4096)
    t = TowerTensors(v.number("num_attention_heads", default=16), counted=False)
    t.whole("class_embedding", width)
    t.whole("positional_embedding_vlm", (image // patch) ** 2 + 1, width)
    t.column("patch_embedding.linear", width, 3 * patch * patch, bias=False)
    t.norm("layernorm_pre", width)
    t.norm("layernorm_post", width)
    t.column("model.layers.self_attn.qkv_proj", 3 * width, width, copies=layers, by_heads=True)
    t.row("model.layers.self_attn.o_proj", width, width, copies=layers, by_heads=True)
    t.column("model.layers.mlp.fc1", inner, width, copies=layers)
    t.row("model.layers.mlp.fc2", width, inner, copies=layers)
    t.norm("model.layers.layernorm", width, copies=2 * layers)
    t.column("vision_adapter.mlp.fc1", into, inner, bias=False)
    t.row("vision_adapter.mlp.fc2", into, into, bias=False)
    t.column("multi_modal_projector.linear_1", hidden, out, bias=False)
    return (t.tower(),)


def gemma4_vision(c: Config, hidden: int) -> tuple[Tower, ...]:
    """Gemma 4's vision encoder, which every rank holds whole (``Gemma4VisionModel``)."""
    v = c.section("vision_config")
    if v is None:
        return ()
    width, layers = v.number("hidden_size"), v.number("num_hidden_layers")
    inner, patch = v.number("intermediate_size"), v.number("patch_size")
    heads, dim = v.number("num_attention_heads"), v.number("head_dim")
    kv = v.number("num_key_value_heads", default=heads)
    t = TowerTensors()
    t.whole("patch_embedder.position_embedding_table", 2, v.number("position_embedding_size"), width)
    t.whole("patch_embedder.input_proj.weight", width, 3 * patch * patch)
    t.whole("encoder.self_attn.q_o_proj.weight", heads * dim, width, copies=2 * layers)
    t.whole("encoder.self_attn.k_v_proj.weight", kv * dim, width, copies=2 * layers)
    t.whole("encoder.self_attn.q_k_norm.weight", dim, copies=2 * layers)
    t.whole("encoder.mlp.weight", inner, width, copies=3 * layers)
    t.whole("encoder.layernorm.weight", width, copies=4 * layers)
    t.whole("embed_vision.embedding_projection.weight", hidden, width)
    return (t.tower(),)


def gemma4_audio(c: Config, hidden: int) -> tuple[Tower, ...]:
    """Gemma 4's conformer for sound, whole on every rank (``Gemma4AudioModel``); the larger models have none."""
    a = c.section("audio_config")
    if a is None:
        return ()
    width, layers, out = a.number("hidden_size"), a.number("num_hidden_layers"), a.number("output_proj_dims")
    heads, kernel = a.number("num_attention_heads"), a.number("conv_kernel_size", default=5)
    first, second = a.numbers("subsampling_conv_channels", count=2) or [128, 32]
    t = TowerTensors()
    t.whole("subsample.conv_0.weight", first, 1, 3, 3)
    t.whole("subsample.conv_1.weight", second, first, 3, 3)
    t.whole("subsample.norms.weight", first + second)
    # Two strided convolutions leave 32 of 128 mel bands, each with the second's channels.
    t.whole("subsample.input_proj.weight", width, 32 * second)
    t.whole("layers.feed_forward.weight", 4 * width, width, copies=4 * layers)
    t.whole("layers.self_attn.proj.weight", width, width, copies=5 * layers)
    t.whole("layers.self_attn.per_dim_scale", width // heads, copies=layers)
    t.whole("layers.lconv1d.linear_start.weight", 2 * width, width, copies=layers)
    t.whole("layers.lconv1d.linear_end.weight", width, width, copies=layers)
    t.whole("layers.lconv1d.depthwise_conv1d.weight", width, 1, kernel, copies=layers)
    t.whole("layers.norms.weight", width, copies=9 * layers)
    t.whole("output_proj.weight", out, width)
    t.whole("output_proj.bias", out)
    t.whole("embed_audio.embedding_projection.weight", hidden, out)
    return (t.tower("audio"),)


def gemma4_embedders(c: Config, hidden: int) -> tuple[Tower, ...]:
    """What Gemma 4 12B has in place of towers: pixels and samples are projected as they are.

    ``Gemma4UnifiedVisionEmbedder`` and one projection for sound (``Gemma4UnifiedMultimodalEmbedder``). vLLM cuts the
    projection of patches alone (models/gemma4_unified.py).
    """
    v, a = c.section("vision_config"), c.section("audio_config")
    towers = []
    if v is not None:
        width, pixels = v.number("mm_embed_dim"), 3 * v.number("model_patch_size") ** 2
        t = TowerTensors()
        t.norm("vision_embedder.patch_ln1", pixels)
        t.column("vision_embedder.patch_dense", width, pixels)
        t.norm("vision_embedder.patch_ln2", width)
        t.whole("vision_embedder.pos_embedding", v.number("mm_posemb_size"), 2, width)
        t.norm("vision_embedder.pos_norm", width)
        t.whole("embed_vision.embedding_projection.weight", hidden, v.number("output_proj_dims", default=width))
        towers.append(t.tower())
    if a is not None:
        t = TowerTensors()
        t.whole("embed_audio.embedding_projection.weight", hidden, a.number("output_proj_dims", "audio_embed_dim"))
        towers.append(t.tower("audio"))
    return tuple(towers)


def siglip2_vision(c: Config, hidden: int) -> tuple[Tower, ...]:
    """LFM2-VL's SigLIP 2 and its projector (``Siglip2VisionModel``, ``Lfm2VlMultiModalProjector``).

    vLLM keeps the embedding of patches and the projector whole (models/lfm2_siglip2.py, lfm2_vl.py).
    """
    v = c.section("vision_config")
    if v is None:
        return ()
    width, layers = v.number("hidden_size", default=768), v.number("num_hidden_layers", default=12)
    inner, patch = v.number("intermediate_size", default=3072), v.number("patch_size", default=16)
    t = TowerTensors(v.number("num_attention_heads", default=12))
    t.whole("embeddings.patch_embedding.weight", width, v.number("num_channels", default=3) * patch * patch)
    t.whole("embeddings.patch_embedding.bias", width)
    t.whole("embeddings.position_embedding.weight", v.number("num_patches", default=256), width)
    t.norm("encoder.layers.layer_norm", width, copies=2 * layers)
    t.column("encoder.layers.self_attn.qkv_proj", 3 * width, width, copies=layers, by_heads=True)
    t.row("encoder.layers.self_attn.out_proj", width, width, copies=layers, by_heads=True)
    t.column("encoder.layers.mlp.fc1", inner, width, copies=layers)
    t.row("encoder.layers.mlp.fc2", width, inner, copies=layers)
    t.norm("post_layernorm", width)
    merged, middle = width * c.number("downsample_factor", default=2) ** 2, c.number("projector_hidden_size")
    if c.flag("projector_use_layernorm", default=True):
        t.norm("multi_modal_projector.layer_norm", merged)
    for name, out, inp in (("linear_1", middle, merged), ("linear_2", hidden, middle)):
        t.whole(f"multi_modal_projector.{name}.weight", out, inp)
        if c.flag("projector_bias", default=True):
            t.whole(f"multi_modal_projector.{name}.bias", out)
    return (t.tower(),)
