"""Shapes of repositories of known dense classes, solved from what public metadata tell and the hub's exact count.

Metadata tell layers, heads, widths and vocabulary, but not the width of the feed-forward, nor whether the head is the
embedding. The parameter count is linear in the one and takes two values for the other, so that an exact count mostly
leaves a single whole solution, which is then the shape: the card's inventory equals the hub's count by construction,
and a solution is taken only where it is the only one and a multiple of eight.

``python tools/solve_shapes.py ROWS`` prints solutions; ``tools/match_rereleases.py`` uses them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.importers.hugging_face import card_from_config
from gpu_sizer.model.inventory import build_inventory
from tools.hub_dump import read_rows, shape

#: Dense classes, the class that an engine knows them by, and the key of the width that is solved for.
CLASSES = {
    "llama": ("LlamaForCausalLM", "intermediate_size"),
    "mistral": ("MistralForCausalLM", "intermediate_size"),
    "qwen2": ("Qwen2ForCausalLM", "intermediate_size"),
    "qwen3": ("Qwen3ForCausalLM", "intermediate_size"),
    "granite": ("GraniteForCausalLM", "intermediate_size"),
    "phi3": ("Phi3ForCausalLM", "intermediate_size"),
    "gemma2": ("Gemma2ForCausalLM", "intermediate_size"),
    "gpt_neox": ("GPTNeoXForCausalLM", "intermediate_size"),
    "opt": ("OPTForCausalLM", "ffn_dim"),
    "gpt2": ("GPT2LMHeadModel", "n_inner"),
    "starcoder2": ("Starcoder2ForCausalLM", "intermediate_size"),
    "stablelm": ("StableLmForCausalLM", "intermediate_size"),
    "olmo2": ("Olmo2ForCausalLM", "intermediate_size"),
}
#: Classes whose old checkpoints hold masks.
MASKED = ("gpt2", "gpt_neox")
_PROBES = (1024, 2048)


def _config(row: dict[str, Any], tied: bool, width: int) -> dict[str, Any]:
    kind = row["architecture"]
    engine_class, key = CLASSES[kind]
    heads = row["num_attention_heads"]
    made = {
        "model_type": kind,
        "architectures": [engine_class],
        "torch_dtype": "bfloat16",
        "hidden_size": row["hidden_size"],
        "num_hidden_layers": row["num_hidden_layers"],
        "num_attention_heads": heads,
        "num_key_value_heads": row["num_key_value_heads"],
        "vocab_size": row["vocab_size"],
        "max_position_embeddings": row["context_length"],
        "tie_word_embeddings": tied,
        # Windows are not told; without one more cache is counted, never less.
        "sliding_window": None,
        "hidden_act": "silu",
        key: width,
    }
    if row.get("head_dim"):
        made["head_dim"] = row["head_dim"]
    if kind == "gpt2":
        made |= {"n_embd": row["hidden_size"], "n_layer": row["num_hidden_layers"], "n_head": heads}
        made |= {"n_positions": row["context_length"], "n_ctx": row["context_length"]}
    if kind == "opt":
        made |= {"do_layer_norm_before": True, "word_embed_proj_dim": row["hidden_size"]}
    return made


def solutions(row: dict[str, Any]) -> list[ModelCard]:
    """The cards of all shapes that a row's facts and its exact count allow."""
    if row["architecture"] not in CLASSES or shape(row) is None or not row.get("context_length"):
        return []
    counts = [row["parameters_raw"]]
    if row["architecture"] in MASKED:
        # Old checkpoints keep a causal mask in every layer, and the hub counts it as if it were weights.
        counts.append(row["parameters_raw"] - row["num_hidden_layers"] * row["context_length"] ** 2)
    return [card for count in counts for card in _of_count(row, count)]


def _of_count(row: dict[str, Any], count: int) -> list[ModelCard]:
    """The cards whose inventory has a count."""
    found = []
    for tied in (True, False):
        try:
            low, high = (_total(_config(row, tied, width)) for width in _PROBES)
            each, rest = divmod(high - low, _PROBES[1] - _PROBES[0])
            # A class whose width follows from the others has one count alone.
            width, left = divmod(count - low, each) if each else (0, count - low)
            width = width + _PROBES[0] if each else 4 * row["hidden_size"]
            if rest or left or width % 8 or not row["hidden_size"] / 2 <= width <= 8 * row["hidden_size"]:
                continue
            card = _card(_config(row, tied, width))
        except (GpuSizerError, ZeroDivisionError):
            continue
        if build_inventory(card).total_parameters == count:
            found.append(card)
    return found


def _card(config: dict[str, Any]) -> ModelCard:
    return card_from_config(config, name="solved", source="https://huggingface.co")


def _total(config: dict[str, Any]) -> int:
    return build_inventory(_card(config)).total_parameters


if __name__ == "__main__":
    for row in sorted(read_rows(Path(sys.argv[1])), key=lambda r: -(r.get("hf_downloads") or 0))[:4000]:
        if len(found := solutions(row)) == 1:
            print(row["hf_downloads"], row["name"], row["architecture"], found[0].architecture.tie_word_embeddings)
