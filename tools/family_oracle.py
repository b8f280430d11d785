"""Write tests/importers/families.jsonl: parameter counts of every family, by ``transformers``' own classes.

Each family's class is built small on torch's meta device, once as saved and once for each key that its configuration
holds: left out, flipped, doubled, halved. What changes the count is kept. Run by hand where a release of transformers
is to be followed, in an environment of its own (torch 2.13, transformers 5.24 made the file in the repository):

    python tools/family_oracle.py [TYPE ...]
"""

from __future__ import annotations

import copy
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "tests" / "importers" / "families.jsonl"
#: Small sizes, no two alike where they could be mistaken for one another.
SIZES: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "n_embd", "d_model"), 384),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers"), 7),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads"), 16),
    **dict.fromkeys(("num_key_value_heads", "num_kv_heads"), 4),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "ffn_hidden_size"), 640),
    **dict.fromkeys(("moe_intermediate_size", "expert_hidden_dim"), 112),
    **dict.fromkeys(("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"), 10),
    **dict.fromkeys(("num_experts_per_tok", "moe_k", "moe_topk", "top_k"), 3),
    **dict.fromkeys(("shared_expert_intermediate_size", "shared_intermediate_size"), 208),
    **dict.fromkeys(("mamba_n_heads", "mamba_num_heads", "num_heads"), 24),
    "vocab_size": 1024, "head_dim": 48, "max_position_embeddings": 4096, "n_positions": 512, "n_group": 2,
    "topk_group": 1, "sliding_window": 256, "vocab_size_per_layer_input": 1000, "hidden_size_per_layer_input": 24,
    "num_kv_shared_layers": 0, "pad_token_id": 0, "word_embed_proj_dim": 384, "mamba_d_head": 32, "mamba_d_ssm": 768,
    "image_size": 224,
}  # fmt: skip
TOWER = dict.fromkeys(("num_hidden_layers", "depth", "num_layers", "conf_num_hidden_layers", "num_global_layers"), 3)
#: What a family's own class needs beyond that.
MORE: dict[str, dict[str, Any]] = {
    "deepseek_v2": {"num_experts_per_tok": 3, "moe_intermediate_size": 112},
    "dots1": {"n_routed_experts": 10, "n_shared_experts": 2, "num_experts_per_tok": 3},
    "gemma3": {"vision_use_head": False},
    "lfm2": {"full_attn_idxs": [2, 5]},
    "lfm2_moe": {"layer_types": ["conv", "conv", "full_attention", "conv", "conv", "full_attention", "conv"]},
    "lfm2_vl": {"full_attn_idxs": [2, 5], "vision_use_head": False},
    "mamba2": {"num_heads": 24, "head_dim": 32},
    "nemotron": {"num_key_value_heads": 4, "head_dim": 48},
    **{name: {"head_dim": 48} for name in ("hunyuan_v1_dense", "hunyuan_v1_moe", "ministral")},
}
#: Families whose class is only right where all sizes fit one another: Helium's output projection is as wide as the
#: states, whatever the heads are; in its releases both are equal, and it is read as Llama. A.X-K1's class has no norm
#: behind the dense layer, which its release and other engines have.
LEFT_OUT = ("axk1", "helium")
#: Lists as long as the model's own layers: the class makes them anew.
PER_LAYER = re.compile(
    r"layer_types|layers_block_type|activation_sparsity|per_layer_config|time_step_limit|no_rope_layers|moe_layers|"
    r"per_layer|indexer_types"
)
#: Keys that shape no tensor.
SHAPELESS = re.compile(
    r"token|rope|theta|dropout|init|eps|range|coef|scal|cap\b|penalty|output_|use_cache|dtype|version|architectures|"
    r"model_type|_name_or_path|label|chunk_size|is_encoder|is_decoder|add_cross|problem|return_|max_position|pretraining"
)


def leaves(raw: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every key that may shape a tensor, with its path."""
    for key, value in raw.items():
        if isinstance(value, dict) and key.endswith("_config"):
            yield from leaves(value, (*path, key))
        elif not SHAPELESS.search(key):
            yield (*path, key), value


def small(raw: dict[str, Any], sizes: dict[str, Any]) -> dict[str, Any]:
    """The configuration with small sizes throughout."""
    result: dict[str, Any] = {}
    for key, value in raw.items():
        if PER_LAYER.search(key):
            continue
        if isinstance(value, dict) and key.endswith("_config"):
            result[key] = small(value, TOWER if key in ("vision_config", "audio_config") else sizes)
        else:
            result[key] = sizes[key] if key in sizes and value is not None else value
    return result


def model_class(config: Any) -> Any:
    """The class that a configuration is served with."""
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    autos = [AutoModelForCausalLM, AutoModelForImageTextToText]
    for auto in reversed(autos) if hasattr(config, "vision_config") else autos:
        if type(config) in auto._model_mapping:
            found = auto._model_mapping[type(config)]
            return found[0] if isinstance(found, list | tuple) else found
    raise LookupError(f"no model class for {type(config).__name__}")


def saved(kind: Any, raw: dict[str, Any]) -> dict[str, Any]:
    """The ``config.json`` that ``save_pretrained`` writes."""
    config = kind.from_dict(copy.deepcopy(raw))
    config.architectures, config.dtype = [model_class(config).__name__], "bfloat16"
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        written: dict[str, Any] = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    written.pop("time_step_limit", None)
    return written


def counts(kind: Any, raw: dict[str, Any]) -> tuple[int, int]:
    """Parameters in all, and those that one token uses; a tied tensor once, buffers of the router not at all."""
    import torch

    config = kind.from_dict(copy.deepcopy(raw))
    if not hasattr(config, "pad_token_id"):
        config.pad_token_id = 0
    with torch.device("meta"):
        model = model_class(config)(config)
    model.tie_weights()
    text = getattr(config, "ffn_config", config.get_text_config())
    names = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
    experts = next((n for k in names if isinstance(n := getattr(text, k, None), int) and n), 1)
    chosen = next(
        (n for k in ("num_experts_per_tok", "moe_k", "moe_top_k", "top_k") if (n := getattr(text, k, None))), 1
    )
    total = active = 0
    for name, tensor in {id(p): (n, p) for n, p in model.named_parameters()}.values():
        if name.endswith(("e_score_correction_bias", ".expert_bias")):
            continue
        total += tensor.numel()
        routed = re.search(r"\bexperts\.", name)
        active += tensor.numel() * chosen // experts if routed else tensor.numel()
    return total, active


def changes(raw: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each key left out (null), flipped, doubled, halved."""
    for path, value in leaves(raw):
        yield path, None
        if isinstance(value, bool):
            yield path, not value
        elif isinstance(value, int):
            yield path, value * 2 or 1
            if value > 3:
                yield path, value // 2


def changed(raw: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy with one key set, or left out where the value is null."""
    result = copy.deepcopy(raw)
    inner = result
    for key in path[:-1]:
        inner = inner[key]
    inner.pop(path[-1])
    if value is not None:
        inner[path[-1]] = value
    return result


def family(name: str) -> dict[str, Any]:
    """One family's line of the file."""
    import transformers

    kind = transformers.CONFIG_MAPPING[name]
    raw = kind().to_dict()
    raw.pop("time_step_limit", None)
    raw = small(raw, SIZES)
    text = raw.get("text_config", raw)
    text.update(MORE.get(name, {}))
    if name == "dbrx":
        raw["attn_config"]["rope_theta"] = 10_000.0
    if "vision_config" in raw and "vision_use_head" in text:
        raw["vision_config"]["vision_use_head"] = text.pop("vision_use_head")
    base = saved(kind, raw)
    total, active = counts(kind, base)
    cases = []
    for path, value in changes(base):
        try:
            found = counts(kind, changed(base, path, value))
        except Exception:  # The class refuses these values.
            continue
        if found != (total, active):
            cases.append([".".join(path), value, *found])
    made_by = f"transformers {transformers.__version__}"
    return {"type": name, "made_by": made_by, "config": base, "total": total, "active": active, "cases": cases}


def main(names: list[str]) -> None:
    modules = TARGET.parents[2] / "gpu_sizer" / "importers" / "families" / "__init__.py"
    from transformers import CONFIG_MAPPING

    listed = re.findall(r'^    "([\w.-]+)": "\w+",$', modules.read_text("utf-8"), re.M)
    known = [name for name in listed if name not in LEFT_OUT]
    lines = {}
    if TARGET.exists():
        lines = {json.loads(line)["type"]: line for line in TARGET.read_text("utf-8").splitlines()}
    for name in names or known:
        if name not in CONFIG_MAPPING:
            continue
        try:
            lines[name] = json.dumps(family(name))
        except Exception as error:  # One family that cannot be built must not lose the others.
            print(f"{name}: not built ({type(error).__name__}: {str(error)[:120]})")
    TARGET.write_text("".join(f"{line}\n" for _, line in sorted(lines.items())), encoding="utf-8")
    print(f"{len(lines)} families, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
