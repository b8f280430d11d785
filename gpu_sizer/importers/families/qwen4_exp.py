"""Qwen 4's preview, Qwen3.8 Flash Next (``Qwen4ExpConfig``): Qwen 3.5's layers between streams of the residual.

A gated residual of several streams, which every layer reads and writes by low-rank maps; sparse attention whose index
keys are averages of several tokens; before some layers a table of hashed n-grams whose rows are mixed into the
streams. Tensors as in vLLM 0.33.0, ``models/qwen4_exp/nvidia`` (model.py, hyperconnection.py, indexer_qsa.py,
ple_layer.py, ngram_embedding.py, mtp.py), and transformers 5.24.0, ``models/qwen4_exp``; together those of
Qwen/Qwen3.8-Flash-Next are the 179,999,981,424 parameters of its files.
"""

from itertools import count, islice

from gpu_sizer.importers.config import Config
from gpu_sizer.importers.families.qwen3_next import STATE_TYPES
from gpu_sizer.importers.families.qwen3_vl import VISION
from gpu_sizer.importers.pieces import attention, layer_types, mixture, stack
from gpu_sizer.importers.towers import qwen_vision
from gpu_sizer.model.architecture import Architecture, Block, ExtraTensor, MultiTokenPrediction
from gpu_sizer.model.indexer import Indexer
from gpu_sizer.model.mixers.attention import Attention
from gpu_sizer.model.mixers.gated_delta_net import GatedDeltaNet
from gpu_sizer.model.mixers.stream_convolution import StreamConvolution
from gpu_sizer.units import round_up

#: Rows of the engine's merged projection of a gated residual are a multiple of this (``hyperconnection.py``).
GATE_ROWS = 16
#: Hashes of all tables and rows of one hash beyond which a configuration is no model's; the release has 16 and 2e7.
MOST_HASHES = 256
MOST_ROWS = 1_000_000_000

LAYERS = {
    "linear_attention": "delta",
    "full_attention": "sparse",
    "indexed_attention": "sparse",
    "qwen_sparse_attention": "sparse",
}


def _is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, int(n**0.5) + 1))


def table_rows(base: int, heads: int, table: int, multiple: int) -> int:
    """Rows of a table of n-grams: a prime for each head, from ``base`` on and each once, padded in sum.

    Args:
        base: the least prime may be this.
        heads: hashes of one table.
        table: which table it is, from zero.
        multiple: what the sum is padded to.
    """
    primes = islice((n for n in count(base) if _is_prime(n)), heads * table, heads * (table + 1))
    return round_up(sum(primes), multiple)


def _gated_residual(c: Config, name: str, *, combine: bool = True) -> list[ExtraTensor]:
    """What reads one input from the streams and, but for the last, writes the output back to each."""
    streams, rank = c.number("hc_count", default=4), c.number("hc_lowrank", default=320)
    width = streams * c.hidden_size
    tensors = [
        ExtraTensor(name=f"{name}.hc_norm.weight", shape=(width,)),
        ExtraTensor(name=f"{name}.input_mix_weight_down.weight", shape=(rank, width)),
        ExtraTensor(name=f"{name}.input_mix_weight_up.weight", shape=(width, rank)),
    ]
    if combine:
        tensors.append(ExtraTensor(name=f"{name}.block_inject_weight.weight", shape=(streams, width)))
        if padding := -(rank + streams) % GATE_ROWS:
            tensors.append(ExtraTensor(name=f"{name}.padding", shape=(padding, width), parameter=False))
    return tensors


def _table(c: Config, table: int) -> list[ExtraTensor]:
    """A table of n-grams in the machine's memory and what mixes its rows into the streams."""
    hidden, width = c.hidden_size, c.number("hc_count", default=4) * c.hidden_size
    heads = (c.number("ngram_size", default=3) - 1) * c.number("heads_per_ngram", default=8)
    embed = c.number("ple_embed_dim", default=hidden)
    base = c.number("ngram_vocab_size_base", default=20_000_000, most=MOST_ROWS)
    multiple = c.number("make_ngram_vocab_size_divisible_by", default=128)
    if not 0 < heads * (table + 1) <= MOST_HASHES or embed % heads:
        raise c.fail("heads_per_ngram", f"tables of {heads} hashes, {base} rows each and {embed} values are not known")
    rows = table_rows(base, heads, table, multiple)
    name = "ple.ple_embedding.ngram_embedding.weight"
    return [
        ExtraTensor(name=name, shape=(rows, embed // heads), part="embedding", linear=True, host_table=True),
        ExtraTensor(name="ple.key_proj.weight", shape=(width, embed), linear=True),
        ExtraTensor(name="ple.value_proj.weight", shape=(hidden, embed), linear=True),
        ExtraTensor(name="ple.norm.weight", shape=(width,), copies=3),
    ]


def _delta(c: Config) -> GatedDeltaNet:
    state = c.text_value("mamba_ssm_dtype", default="auto")
    return GatedDeltaNet(
        num_k_heads=c.number("linear_num_key_heads", default=16),
        num_v_heads=c.number("linear_num_value_heads", default=32),
        head_k_dim=c.number("linear_key_head_dim", default=128),
        head_v_dim=c.number("linear_value_head_dim", default=128),
        conv_kernel=c.number("linear_conv_kernel_dim", default=4),
        state_dtype=state if state in STATE_TYPES else "auto",  # type: ignore[arg-type]
    )


def _sparse(c: Config) -> Attention:
    if c.number("indexer_kv_heads") != 1:
        raise c.fail("indexer_kv_heads", "engines know one index key alone")
    indexer = Indexer(
        num_heads=c.number("indexer_n_heads"),
        head_dim=c.number("indexer_head_dim"),
        cache="bfloat16",
        tokens_per_key=c.number("indexer_compress_ratio"),
        budget=c.number("indexer_budget"),
    )
    return attention(c, head_dim=c.number("head_dim", default=256), qk_norm="head", output_gate=True, indexer=indexer)


def _ahead(c: Config, layers: int) -> MultiTokenPrediction:
    hidden, width = c.hidden_size, c.number("hc_count", default=4) * c.hidden_size
    once = [
        ExtraTensor(name="fc_embedding.weight", shape=(hidden, hidden)),
        ExtraTensor(name="fc_hidden.weight", shape=(hidden, hidden)),
        ExtraTensor(name="pre_fc_norm_embedding.weight", shape=(hidden,)),
        ExtraTensor(name="pre_fc_norm_hidden.weight", shape=(width,)),
        *_gated_residual(c, "hyper_connection_mixer", combine=False),
    ]
    return MultiTokenPrediction(block="sparse", layers=layers, once=tuple(once))


MODEL_TYPES = ("qwen4_exp", "qwen4_exp_text")


def architecture(c: Config) -> Architecture:
    c.refuse("attention_bias", reason="engines load no such biases")
    experts = mixture(
        c,
        num_shared_experts=1,
        shared_expert_intermediate_size=c.number("shared_expert_intermediate_size", default=512),
        shared_expert_gate=True,
    )
    residual = (*_gated_residual(c, "attn_hyper_connection"), *_gated_residual(c, "mlp_hyper_connection"))
    every = c.number("full_attention_interval", default=4)
    default = ["delta" if (i + 1) % every else "sparse" for i in range(c.layers)]
    names = layer_types(c, LAYERS, default)
    delta = Block(mixer=_delta(c), feed_forward=experts, norms=0, extra=residual)
    blocks = {"delta": delta, "sparse": Block(mixer=_sparse(c), feed_forward=experts, norms=0, extra=residual)}
    taps = c.number("ple_conv_kernel_size", default=4)
    # Layers are listed from one on.
    for table, layer in enumerate(sorted(set(c.layer_numbers("ple_layer_ids", first=1) or ()))):
        if layer > len(names) or names[layer - 1] != "delta":
            raise c.fail("ple_layer_ids", f"engines know tables before layers of the delta rule alone, not {layer}")
        convolution = StreamConvolution(
            width=c.number("hc_count", default=4) * c.hidden_size,
            conv_kernel=taps,
            dilation=c.number("ngram_size", default=3),
        )
        names[layer - 1] = name = f"delta-ngrams-{layer - 1}"
        blocks[name] = Block(
            mixer=delta.mixer,
            second_mixer=convolution,
            feed_forward=experts,
            norms=0,
            extra=(*residual, *_table(c, table)),
        )
    layers = c.optional("mtp_num_hidden_layers")
    return stack(
        c,
        blocks,
        names,
        final_norm=False,
        extra=tuple(_gated_residual(c, "hyper_connection_mixer", combine=False)),
        towers=qwen_vision(c, VISION),
        mtp=_ahead(c, layers) if layers else None,
    )
