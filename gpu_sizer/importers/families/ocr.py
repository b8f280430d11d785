"""Models that read pages: GLM-OCR, PaddleOCR-VL, HunyuanOCR, DeepSeek-OCR and DeepSeek-OCR 2."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import prediction
from gpu_sizer.importers.pieces import attention, dense, mixture, stack, uniform
from gpu_sizer.importers.towers import TowerTensors, glm_vision
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor


def _vision(c: Config) -> Config:
    v = c.section("vision_config")
    if v is None:
        raise c.fail("vision_config", "missing")
    return v


def _glm(c: Config) -> Architecture:
    """``GlmOcrConfig``: GLM-4's sandwich of norms, and a tower of gated layers with norms of queries and keys."""
    c.refuse("attention_bias", reason="engines load no such biases")
    v = _vision(c)
    channels = v.number("in_channels", default=3)
    frames, merged = v.number("temporal_patch_size", default=2), v.number("out_hidden_size") * channels
    rows = (c.number("vocab_size"), c.hidden_size)
    own = (
        ExtraTensor(name="embed_tokens.weight", shape=rows, part="embedding"),
        ExtraTensor(name="shared_head.head.weight", shape=rows, part="lm_head"),
    )
    block = Block(mixer=attention(c), feed_forward=dense(c), norms=4)
    towers = glm_vision(v, channels, frames, merged)
    return uniform(c, block, mtp=prediction(c, "layer", more=own), towers=towers)


def _paddle(c: Config) -> Architecture:
    """``PaddleOCRVLConfig``: ERNIE 4.5 and SigLIP; its pooling head and packed positions are not loaded."""
    c.refuse("use_bias", reason="no release has such biases")
    v = _vision(c)
    width, layers, inner = v.number("hidden_size"), v.number("num_hidden_layers"), v.number("intermediate_size")
    patch, merged = v.number("patch_size"), width * v.number("spatial_merge_size", default=2) ** 2
    t = TowerTensors(v.number("num_attention_heads"))
    t.whole("embeddings.patch_embedding.weight", width, v.number("num_channels", default=3), patch, patch)
    t.whole("embeddings.patch_embedding.bias", width)
    t.whole("embeddings.position_embedding.weight", (v.number("image_size", default=384) // patch) ** 2, width)
    t.encoder("encoder.layers", width, layers, inner)
    t.norm("post_layernorm", width)
    t.norm("projector.pre_norm", width)
    t.linear("projector.linear_1", merged, merged)
    t.linear("projector.linear_2", c.hidden_size, merged)
    return uniform(c, Block(mixer=attention(c), feed_forward=dense(c)), towers=(t.tower(),))


def _hunyuan(c: Config) -> Architecture:
    """``HunYuanVLConfig``: dense Hunyuan and a transformer whose patches are merged by convolutions."""
    bias = c.flag("attention_bias", default=False)
    v = _vision(c)
    width, layers, inner = v.number("hidden_size"), v.number("num_hidden_layers"), v.number("intermediate_size")
    patch, merge, out = v.number("patch_size"), v.number("spatial_merge_size", default=2), c.hidden_size
    side = v.number("max_image_size", default=2048) // patch
    t = TowerTensors(v.number("num_attention_heads"))
    t.whole("embeddings.patch_embedding.weight", width, v.number("num_channels", default=3), patch, patch)
    t.whole("embeddings.patch_embedding.bias", width)
    t.whole("embeddings.position_embedding.weight", side**2 + 1, width)
    t.encoder("layers", width, layers, inner)
    t.whole("perceive.proj.0.weight", 2 * width, width, merge, merge)
    t.whole("perceive.proj.0.bias", 2 * width)
    t.linear("perceive.proj.2", 4 * width, 2 * width)
    t.linear("perceive.mlp", out, 4 * width)
    t.whole("perceive.image_newline", 4 * width)
    t.whole("perceive.image_token", out, copies=3)
    t.norm("perceive.before_rms", width, bias=False)
    t.norm("perceive.after_rms", out, bias=False)
    mixer = attention(c, qkv_bias=bias, o_bias=bias, qk_norm="head" if c.flag("use_qk_norm", default=True) else None)
    block = Block(mixer=mixer, feed_forward=dense(c))
    return uniform(c, block, tie_word_embeddings=c.tied(default=True), towers=(t.tower(),))


#: Segment Anything's encoder as DeepSeek's classes build it: width, layers, width of a head, and per layer the rows of
#: a table of relative positions (vLLM ``deepencoder.py: build_sam_vit_b``); four layers attend to the whole picture.
SAM_WIDTH, SAM_LAYERS, SAM_HEAD, SAM_WHOLE = 768, 12, 64, 4
SAM_SIDE, SAM_WINDOW, SAM_NECK, SAM_PATCH = 64, 14, 256, 16


def _segments(t: TowerTensors, last: int) -> None:
    width, layers = SAM_WIDTH, SAM_LAYERS
    t.whole("sam.patch_embed.proj.weight", width, 3, SAM_PATCH, SAM_PATCH)
    t.whole("sam.patch_embed.proj.bias", width)
    t.whole("sam.pos_embed", SAM_SIDE, SAM_SIDE, width)
    t.norm("sam.blocks.norm", width, copies=2 * layers)
    t.linear("sam.blocks.attn.qkv", 3 * width, width, copies=layers)
    t.linear("sam.blocks.attn.proj", width, width, copies=layers)
    t.whole("sam.blocks.attn.rel_pos", 2 * SAM_SIDE - 1, SAM_HEAD, copies=2 * SAM_WHOLE)
    t.whole("sam.blocks.attn.rel_pos_window", 2 * SAM_WINDOW - 1, SAM_HEAD, copies=2 * (layers - SAM_WHOLE))
    t.linear("sam.blocks.mlp.lin1", 4 * width, width, copies=layers)
    t.linear("sam.blocks.mlp.lin2", width, 4 * width, copies=layers)
    t.whole("sam.neck.0.weight", SAM_NECK, width)
    t.whole("sam.neck.2.weight", SAM_NECK, SAM_NECK, 3, 3)
    t.norm("sam.neck.norm", SAM_NECK, copies=2)
    t.whole("sam.net_2.weight", 2 * SAM_NECK, SAM_NECK, 3, 3)
    t.whole("sam.net_3.weight", last, 2 * SAM_NECK, 3, 3)


def _clip(t: TowerTensors) -> int:
    """CLIP-L beside it; both yield 1,024 channels (``deepseek_ocr.py``)."""
    width, layers, patch = 1024, 24, 14
    t.whole("clip.embeddings.class_embedding", width)
    t.whole("clip.embeddings.patch_embedding.weight", width, 3, patch, patch)
    t.whole("clip.embeddings.position_embedding.weight", (224 // patch) ** 2 + 1, width)
    t.norm("clip.pre_layrnorm", width)
    t.encoder("clip.layers", width, layers, 4 * width)
    return 2 * width


def _decoder(t: TowerTensors) -> int:
    """Qwen2 0.5B after it, with queries for both sizes of pictures (``deepencoder2.py``)."""
    width, layers, keys, inner = 896, 24, 128, 4864
    t.whole("qwen2.layers.norm", width, copies=2 * layers + 1)
    t.linear("qwen2.layers.self_attn.q_proj", width, width, copies=layers)
    t.linear("qwen2.layers.self_attn.kv_proj", keys, width, copies=2 * layers)
    t.whole("qwen2.layers.self_attn.o_proj.weight", width, width, copies=layers)
    t.whole("qwen2.layers.mlp.weight", inner, width, copies=3 * layers)
    t.whole("qwen2.query_768.weight", 144, width)
    t.whole("qwen2.query_1024.weight", 256, width)
    return width


def _deepseek(c: Config) -> Architecture:
    """``DeepseekVLV2Config`` as the two releases that read pages use it: DeepSeek MoE without latent attention."""
    second = "DeepseekOCR2ForCausalLM" in c.architectures
    if not second and "DeepseekOCRForCausalLM" not in c.architectures:
        raise c.fail("architectures", "of DeepSeek-VL's classes DeepSeek-OCR and DeepSeek-OCR 2 alone are described")
    c.refuse("use_mla", reason="both releases have plain attention")
    width = _width(c)
    t = TowerTensors(16)
    _segments(t, 896 if second else 1024)
    seen = _decoder(t) if second else _clip(t)
    t.linear("projector.layers", width, seen)
    t.whole("view_seperator", width)
    if not second:
        t.whole("image_newline", width)
    mixer = attention(c, head_dim=width // c.heads)
    experts = mixture(c, num_shared_experts=c.optional("n_shared_experts") or 0)
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=experts)}
    first = c.some_layers("first_k_dense_replace")
    return stack(c, blocks, ["dense" if i < first else "experts" for i in range(c.layers)], towers=(t.tower(),))


def _width(c: Config) -> int:
    projector = c.section("projector_config")
    width = c.hidden_size
    if projector is not None and projector.number("n_embed", default=width) != width:
        raise c.fail("projector_config.n_embed", "is not the language model's width")
    return width


_READERS = {"deepseek_vl_v2": _deepseek, "glm_ocr": _glm, "hunyuan_vl": _hunyuan, "paddleocr_vl": _paddle}


MODEL_TYPES = ("deepseek_vl_v2", "glm_ocr", "hunyuan_vl", "paddleocr_vl")


def architecture(c: Config) -> Architecture:
    return _READERS[c.model_type](c)
