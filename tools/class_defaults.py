"""Write gpu_sizer/importers/class_defaults.json: what ``transformers``' own classes supply for keys left out.

Run by hand where a release of transformers is to be followed (``pip install torch transformers``):

    python tools/class_defaults.py

A key is kept where the importer reads it by name, so the file stays small; nothing is instantiated. Sizes that every
released configuration states (``REQUIRED``) have no default here: their absence is refused.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from gpu_sizer.importers.families import families

IMPORTERS = Path(__file__).parent.parent / "gpu_sizer" / "importers"
TARGET = IMPORTERS / "class_defaults.json"
REQUIRED = {"hidden_size", "n_embd", "d_model", "num_hidden_layers", "n_layer", "n_layers", "num_layers"}
#: Sections that hold the language model: what holds for the whole configuration holds for them.
TEXT = {"text_config", "llm_config", "language_config"}
#: Read for what they say, never for a size: a class's default says nothing of the checkpoint.
IGNORED = {"model_type", "dtype", "torch_dtype", "architectures", "quantization_config", "layer_types"}
#: Types that share another's class: in the engine, or in all but the name.
SAME_CLASS = {
    "kimi_k2": "deepseek_v3",
    "minimax_m1": "minimax",
    "minimax_m3": "minimax_m3_vl",
    "minimax_text_01": "minimax",
}


def read_keys() -> set[str]:
    """Every name in quotes in the importer's modules."""
    sources = "".join(f.read_text(encoding="utf-8") for f in IMPORTERS.rglob("*.py"))
    return set(re.findall(r'"([a-zA-Z_][a-zA-Z0-9_]+)"', sources)) - IGNORED


def defaults(config_class: Any, keys: set[str], depth: int = 0) -> dict[str, Any]:
    """Plain defaults of the fields of one class, and of the classes of its sections."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(config_class):
        value = field.default
        if field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        plain = isinstance(value, bool | int | float | str) or (isinstance(value, list | tuple) and len(value) < 64)
        if field.name in keys and plain:
            found[field.name] = value
    all_keys = keys | REQUIRED
    for section, inner in getattr(config_class, "sub_configs", {}).items():
        if (
            depth == 0
            and dataclasses.is_dataclass(inner)
            and (values := defaults(inner, keys if section in TEXT else all_keys, 1))
        ):
            found[section] = values
    return dict(sorted(found.items()))


def main() -> None:
    import transformers
    from transformers import CONFIG_MAPPING

    keys = read_keys()
    table: dict[str, Any] = {}
    for name in families():
        source = SAME_CLASS.get(name, name)
        if source in CONFIG_MAPPING and (values := defaults(CONFIG_MAPPING[source], keys - REQUIRED)):
            table[name] = values
    document = {"made_by": f"tools/class_defaults.py from transformers {transformers.__version__}", "classes": table}
    lines = [f'    "{name}": {json.dumps(values)}' for name, values in sorted(table.items())]
    head = f'{{\n  "made_by": {json.dumps(document["made_by"])},\n  "classes": {{\n'
    TARGET.write_text(head + ",\n".join(lines) + "\n  }\n}\n", encoding="utf-8")
    print(f"{len(table)} classes, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
