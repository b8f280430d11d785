"""StableLM (``StableLmConfig``): layer norms; the 12B has a norm per head and one norm for both sub-blocks."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("stablelm",)


def architecture(c: Config) -> Architecture:
    mixer = attention(
        c,
        qkv_bias=c.flag("use_qkv_bias", default=False),
        qk_norm="per_head" if c.flag("qk_layernorm", default=False) else None,
    )
    norms = 1 if c.flag("use_parallel_residual", default=False) else 2
    return uniform(c, Block(mixer=mixer, feed_forward=dense(c), norms=norms), norm="layer")
