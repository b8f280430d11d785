"""MiniCPM-V 4.6 (``MiniCPMV4_6Config``): Qwen 3.5 and SigLIP, whose patches are merged within it and after it.

Versions 2.6, 4 and 4.5 (``minicpmv``) have Qwen 2, Llama and Qwen 3 behind SigLIP and a resampler
(vLLM ``minicpmv.py``).
"""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import llama, qwen2, qwen3, qwen3_next
from gpu_sizer.importers.towers import TowerTensors
from gpu_sizer.model.architecture import Architecture, Tower
from gpu_sizer.records import replace

#: Patches that each merger puts together (``minicpmv4_6.py``: 2 x 2).
MERGED = 4


def _vision(c: Config) -> tuple[Tower, ...]:
    v = c.section("vision_config")
    if v is None:
        return ()
    width, layers, inner = v.number("hidden_size"), v.number("num_hidden_layers"), v.number("intermediate_size")
    patch = v.number("patch_size")
    t = TowerTensors(v.number("num_attention_heads"))
    t.whole("embeddings.patch_embedding.weight", width, v.number("num_channels", default=3), patch, patch)
    t.whole("embeddings.patch_embedding.bias", width)
    t.whole("embeddings.position_embedding.weight", (v.number("image_size") // patch) ** 2, width)
    t.encoder("encoder.layers", width, layers, inner)
    t.norm("post_layernorm", width)
    t.norm("vit_merger.layer_norm1", width)
    t.column("vit_merger.self_attn.qkv_proj", 3 * width, width, by_heads=True)
    t.row("vit_merger.self_attn.out_proj", width, width, by_heads=True)
    t.norm("vit_merger.pre_norm", MERGED * width)
    t.linear("vit_merger.linear_1", MERGED * inner, MERGED * width)
    t.linear("vit_merger.linear_2", width, MERGED * inner)
    t.norm("merger.mlp.pre_norm", MERGED * width)
    t.linear("merger.mlp.linear_1", MERGED * width, MERGED * width)
    t.linear("merger.mlp.linear_2", c.hidden_size, MERGED * width)
    return (t.tower(),)


#: The language model of each version that has a resampler.
_TEXT = {2.6: qwen2.architecture, 4.0: llama.architecture, 4.5: qwen3.architecture}


def _resampled(c: Config) -> tuple[Tower, ...]:
    v = c.section("vision_config")
    if v is None:
        raise c.fail("vision_config", "missing")
    width, layers, inner = v.number("hidden_size"), v.number("num_hidden_layers"), v.number("intermediate_size")
    if c.flag("drop_vision_last_layer", default=False):
        layers -= 1
    patch, hidden = v.number("patch_size"), c.hidden_size
    t = TowerTensors(v.number("num_attention_heads"))
    t.whole("vpm.embeddings.patch_embedding.weight", width, v.number("num_channels", default=3), patch, patch)
    t.whole("vpm.embeddings.patch_embedding.bias", width)
    t.whole("vpm.embeddings.position_embedding.weight", (v.number("image_size") // patch) ** 2, width)
    t.encoder("vpm.encoder.layers", width, layers, inner)
    t.norm("vpm.post_layernorm", width)
    t.whole("resampler.query", c.number("query_num", default=64), hidden)
    t.whole("resampler.kv_proj.weight", hidden, width)
    t.whole("resampler.attn.in_proj_weight", 3 * hidden, hidden)
    t.whole("resampler.attn.in_proj_bias", 3 * hidden)
    t.linear("resampler.attn.out_proj", hidden, hidden)
    t.norm("resampler.ln", hidden, copies=3)
    t.whole("resampler.proj", hidden, hidden)
    return (t.tower(),)


MODEL_TYPES = ("minicpmv", "minicpmv4_6")


def architecture(c: Config) -> Architecture:
    if c.model_type == "minicpmv":
        if (text_model := _TEXT.get(c.find("version"))) is None:
            raise c.fail("version", f"must be one of {', '.join(map(str, _TEXT))}: of others nothing is described")
        return replace(text_model(c), towers=_resampled(c))
    if c.number("merger_times", default=1) != 1:
        raise c.fail("merger_times", "no release merges more than once after the tower")
    # Qwen's own tower is not this one's.
    text = Config({"text_config": dict(c.text), "tie_word_embeddings": c.tied()}, c.file)
    return replace(qwen3_next.architecture(text), towers=_vision(c))
