"""MiMo 7B (``MiMoConfig``): Qwen 2's layers, and one more that predicts ahead."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.deepseek_v3 import prediction
from gpu_sizer.importers.pieces import attention, dense, uniform
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("mimo",)


def architecture(c: Config) -> Architecture:
    layer = Block(mixer=attention(c, qkv_bias=True), feed_forward=dense(c))
    return uniform(c, layer, mtp=prediction(c, "layer", last_norm="final_layernorm"))
