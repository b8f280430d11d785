"""Nemotron-H and Nemotron 3 (``NemotronHConfig``): each layer is one sub-block: Mamba 2, attention, or feed-forward."""

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.pieces import attention, dense, mixture, stack
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, MultiTokenPrediction
from gpu_sizer.model.mixers.mamba2 import Mamba2

_KINDS = {"M": "mamba", "*": "attention", "-": "dense", "E": "experts"}
#: The same in the words of ``layers_block_type``, the release's and those of transformers 5.
_WORDS = {"moe": "experts", "mlp": "dense", "linear_attention": "mamba", "full_attention": "attention"}
_STATES = ("bfloat16", "float16", "float32")


def _prediction(c: Config) -> MultiTokenPrediction | None:
    """Layers that predict ahead: an attention and a mixture of experts in turn, joined to the last layer once."""
    if not c.optional("num_nextn_predict_layers"):
        return None
    words = c.sequence("mtp_layers_block_type")
    told = c.text_value("mtp_hybrid_override_pattern") if words is None else None
    kinds = [_KINDS.get(k, "") for k in told or ""] if words is None else [_WORDS.get(str(k), str(k)) for k in words]
    if sorted(kinds) != ["attention", "experts"]:
        return None
    hidden = c.hidden_size
    norms = ("enorm.weight", "hnorm.weight", "final_layernorm.weight")
    return MultiTokenPrediction(
        block="experts",
        layers=2,
        once=(
            ExtraTensor(name="eh_proj.weight", shape=(hidden, 2 * hidden), linear=True),
            *(ExtraTensor(name=name, shape=(hidden,), part="norms") for name in norms),
        ),
        other_block="attention",
        other_layers=1,
    )


MODEL_TYPES = ("nemotron_h",)


def architecture(c: Config) -> Architecture:
    c.refuse(
        "attention_bias", "use_bias", "mamba_proj_bias", "mlp_bias", reason="engines and classes differ on such biases"
    )
    pattern = c.text_value("hybrid_override_pattern")
    listed = (
        c.sequence("layers_block_type") if c.find("num_hidden_layers") is None else c.per_layer("layers_block_type")
    )
    if pattern is None and listed is None:
        raise c.fail("hybrid_override_pattern", "missing, and nothing else says the order of layers")
    kinds = (
        [_KINDS.get(k, "") for k in pattern]
        if pattern is not None
        else [_WORDS.get(str(k), str(k)) for k in listed or ()]
    )
    if not set(kinds) <= set(_KINDS.values()):
        raise c.fail("hybrid_override_pattern", f"holds a layer that is none of {', '.join(_KINDS)}")
    # vLLM keeps the state in float32 unless the configuration says otherwise.
    state = c.text_value("mamba_ssm_cache_dtype", default="float32")
    mamba = Mamba2(
        num_heads=c.number("mamba_num_heads"),
        head_dim=c.number("mamba_head_dim"),
        state_size=c.number("ssm_state_size"),
        n_groups=c.number("n_groups"),
        conv_kernel=c.number("conv_kernel"),
        conv_bias=c.flag("use_conv_bias", default=True),
        state_dtype=state if state in _STATES else "float32",  # type: ignore[arg-type]
    )
    head = c.number("head_dim", "attention_head_dim", default=c.head_dim)
    blocks = {
        "mamba": Block(mixer=mamba, norms=1),
        "attention": Block(mixer=attention(c, head_dim=head), norms=1),
        "dense": Block(feed_forward=dense(c, gated=False), norms=1) if "dense" in kinds else Block(mixer=mamba),
    }
    if "experts" in kinds:
        experts = mixture(
            c,
            gated=False,
            num_shared_experts=c.optional("n_shared_experts") or 0,
            shared_expert_intermediate_size=c.optional("moe_shared_expert_intermediate_size"),
            score_correction_bias=True,
            latent_size=c.optional("moe_latent_size"),
        )
        blocks["experts"] = Block(feed_forward=experts, norms=1)
    return stack(c, blocks, kinds, mtp=_prediction(c))
