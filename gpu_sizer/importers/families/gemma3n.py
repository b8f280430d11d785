"""Gemma 3n (``Gemma3nConfig``): embeddings per layer, alternating updates, late layers that share a cache."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layer_types, stack
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, Tower

#: Parameters of ``mobilenetv5_300m_enc`` (timm), the only encoder that Gemma 3n was released with.
MOBILENET_PARAMETERS = 294_126_912


def _block_extra(c: Config) -> tuple[ExtraTensor, ...]:
    hidden, inputs = c.hidden_size, c.number("altup_num_inputs")
    narrow, rank = c.number("hidden_size_per_layer_input"), c.number("laurel_rank")
    return (
        ExtraTensor(name="altup.correct_output_scale", shape=(hidden,), dtype="float32"),
        ExtraTensor(name="altup.correction_coefs.weight", shape=(inputs, inputs)),
        ExtraTensor(name="altup.prediction_coefs.weight", shape=(inputs * inputs, inputs)),
        ExtraTensor(name="altup.modality_router.weight", shape=(inputs, hidden)),
        ExtraTensor(name="altup.router_norm.weight", shape=(hidden,), part="norms"),
        ExtraTensor(name="laurel.linear_left.weight", shape=(rank, hidden), split_dim=0),
        ExtraTensor(name="laurel.linear_right.weight", shape=(hidden, rank), split_dim=1),
        ExtraTensor(name="laurel.post_laurel_norm.weight", shape=(hidden,), part="norms"),
        ExtraTensor(name="per_layer_input_gate.weight", shape=(narrow, hidden)),
        ExtraTensor(name="per_layer_projection.weight", shape=(hidden, narrow)),
        ExtraTensor(name="post_per_layer_input_norm.weight", shape=(hidden,), part="norms"),
    )


def _ends(c: Config) -> tuple[ExtraTensor, ...]:
    hidden, narrow, layers = c.hidden_size, c.number("hidden_size_per_layer_input"), c.layers
    others = c.number("altup_num_inputs") - 1
    rows = c.number("vocab_size_per_layer_input")
    return (
        ExtraTensor(name="embed_tokens_per_layer.weight", shape=(rows, layers * narrow), part="embedding", split_dim=0),
        ExtraTensor(name="per_layer_model_projection.weight", shape=(layers * narrow, hidden), split_dim=0),
        ExtraTensor(name="per_layer_projection_norm.weight", shape=(narrow,), part="norms"),
        ExtraTensor(name="altup_projections.weight", shape=(hidden, hidden), copies=others, split_dim=0),
        ExtraTensor(name="altup_unembed_projections.weight", shape=(hidden, hidden), copies=others, split_dim=0),
    )


def _projector(prefix: str, rows: int, width: int, hidden: int) -> tuple[ExtraTensor, ...]:
    return (
        ExtraTensor(name=f"{prefix}.embedding.weight", shape=(rows, width), part="tower", split_dim=0),
        ExtraTensor(name=f"{prefix}.embedding_norm.weight", shape=(width,), copies=2, part="tower"),
        ExtraTensor(name=f"{prefix}.embedding_projection.weight", shape=(hidden, width), part="tower", split_dim=1),
    )


def _towers(c: Config) -> tuple[Tower, ...]:
    if c.model_type == "gemma3n_text":
        return ()
    hidden = c.hidden_size
    v, a = c.section_or_default("vision_config"), c.section_or_default("audio_config")
    if v.text_value("architecture", default="mobilenetv5_300m_enc") != "mobilenetv5_300m_enc":
        raise c.fail("vision_config.architecture", "only mobilenetv5_300m_enc is known")
    width, layers = a.number("hidden_size", default=1536), a.number("conf_num_hidden_layers", default=12)
    heads, kernel = a.number("conf_num_attention_heads", default=8), a.number("conf_conv_kernel_size", default=5)

    def each(name: str, *shape: int, copies: int = 1) -> ExtraTensor:
        return ExtraTensor(name=name, shape=shape, copies=copies * layers, part="tower")

    audio = (
        ExtraTensor(name="subsample.conv_0.weight", shape=(128, 1, 3, 3), part="tower"),
        ExtraTensor(name="subsample.conv_1.weight", shape=(32, 128, 3, 3), part="tower"),
        ExtraTensor(name="subsample.norms.weight", shape=(128 + 32,), part="tower"),
        ExtraTensor(name="subsample.input_proj_linear.weight", shape=(width, 1024), part="tower"),
        each("ffw_layer_1.weight", 4 * width, width, copies=2),
        each("ffw_layer_2.weight", width, 4 * width, copies=2),
        each("attention.proj.weight", width, width, copies=5),
        each("attention.per_dim_scale", width // heads),
        each("lconv1d.linear_start.weight", 2 * width, width),
        each("lconv1d.linear_end.weight", width, width),
        each("lconv1d.depthwise_conv1d.weight", width, 1, kernel),
        each("norms.weight", width, copies=9),
        *_projector("embed_audio", a.number("vocab_size", default=128), width, hidden),
    )
    vision = (
        ExtraTensor(name="timm_model", shape=(MOBILENET_PARAMETERS,), part="tower"),
        *_projector("embed_vision", v.number("vocab_size", default=128), v.number("hidden_size", default=2048), hidden),
    )
    return (Tower(name="vision", tensors=vision), Tower(name="audio", tensors=audio))


MODEL_TYPES = ("gemma3n", "gemma3n_text")


def architecture(c: Config) -> Architecture:
    if isinstance(c.find("intermediate_size"), list):
        widths = c.numbers("intermediate_size", count=c.layers) or [0]
        if len(set(widths)) > 1:
            raise c.fail("intermediate_size", "differs between layers, which is not supported")
        width = widths[0]
    else:
        width = c.number("intermediate_size", default=16_384)
    shared = c.some_layers("num_kv_shared_layers")
    extra = _block_extra(c)

    bias = c.flag("attention_bias", default=False)

    def block(window: int | None, shares: bool) -> Block:
        mixer = attention(
            c,
            qk_norm="head",
            qkv_bias=bias,
            o_bias=bias,
            sliding_window=window,
            shares_cache=shares,
            kv_projections=not shares,
        )
        return Block(mixer=mixer, feed_forward=dense(c, intermediate_size=width), norms=4, extra=extra)

    window = c.number("sliding_window")
    blocks = {
        f"{span}{'-shared' if shares else ''}": block(w, shares)
        for span, w in (("full", None), ("sliding", window))
        for shares in (False, True)
    }
    default = ["full" if (i + 1) % 5 == 0 else "sliding" for i in range(c.layers)]
    spans = layer_types(c, {"full_attention": "full", "sliding_attention": "sliding"}, default)
    names = [f"{s}{'-shared' if i >= c.layers - shared else ''}" for i, s in enumerate(spans)]
    tied = c.tied(default=True)
    return stack(c, blocks, names, tie_word_embeddings=tied, extra=_ends(c), towers=_towers(c))
