"""Step 3 (``Step3TextConfig``): queries through a narrower width, one key/value head, experts from layer 4 on."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, layers_told, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block

MODEL_TYPES = ("step3_text", "step3_vl")


def architecture(c: Config) -> Architecture:
    if c.section("vision_config") is not None:
        raise c.fail("vision_config", "Step 3's vision tower is not supported yet; import its text_config alone")
    mixer = attention(
        c, num_key_value_heads=c.number("num_attention_groups", default=1), q_lora_rank=c.number("share_q_dim")
    )
    experts = mixture(
        c,
        num_experts=c.number("moe_num_experts"),
        num_experts_per_tok=c.number("moe_top_k"),
        num_shared_experts=1,
        shared_expert_intermediate_size=c.number("share_expert_dim"),
    )
    numbers = layers_told(c, "moe_layers_enum", ())
    blocks = {"dense": Block(mixer=mixer, feed_forward=dense(c)), "experts": Block(mixer=mixer, feed_forward=experts)}
    return stack(c, blocks, ["experts" if i in numbers else "dense" for i in range(c.layers)])
