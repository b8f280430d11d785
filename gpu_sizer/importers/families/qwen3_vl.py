"""Qwen 3 VL, dense and mixture of experts (``Qwen3VLConfig``, ``Qwen3VLMoeConfig``): Qwen 3 and a vision tower."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families import qwen3
from gpu_sizer.importers.towers import qwen_vision
from gpu_sizer.model.architecture import Architecture
from gpu_sizer.records import replace

#: Defaults of ``Qwen3VLVisionConfig``.
VISION = {
    "hidden_size": 1152, "depth": 27, "intermediate_size": 4304, "num_heads": 16, "in_channels": 3, "patch_size": 16,
    "spatial_merge_size": 2, "temporal_patch_size": 2, "out_hidden_size": 3584, "num_position_embeddings": 2304,
}  # fmt: skip


MODEL_TYPES = ("qwen3_vl", "qwen3_vl_moe")


def architecture(c: Config) -> Architecture:
    return replace(qwen3.architecture(c), towers=qwen_vision(c, VISION))
