"""A model family is one module: copied into the package, its configurations are imported, sized and validated."""

from __future__ import annotations

import json

import pytest

from tests.recipes import RUN, Package, steps

CONFIG = {
    "architectures": ["BrookForCausalLM"],
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "max_position_embeddings": 8192,
    "model_type": "brook",
    "num_attention_heads": 16,
    "num_hidden_layers": 4,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "vocab_size": 32000,
}
#: Embedding and head, four layers (queries and output, keys and values, three biases, a gated feed-forward, two norms).
PARAMETERS = 2 * 32000 * 1024 + 4 * (
    2 * 1024 * 1024 + 2 * 1024 * 256 + 1024 + 2 * 256 + 3 * 1024 * 4096 + 2 * 1024
) + 1024  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What the commands answer in a package with the template."""
    package = Package(tmp_path_factory.mktemp("package"))
    package.add("family.py", "importers/families/brook.py")
    for kind in ("brook", "brook_text"):
        folder = package.folder / kind
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({**CONFIG, "model_type": kind}), encoding="utf-8")
    commands = {
        "size": ["size", "./brook", "--gpu", "l4", "--json"],
        "text": ["size", "./brook_text", "--gpu", "l4", "--json"],
        "import": ["import", "./brook", "-o", "brook.yaml"],
        "validate": ["validate", "brook.yaml"],
        "card": ["size", "./brook.yaml", "--gpu", "l4", "--json"],
        "fits": ["fit", "./brook", "--gpu", "l4", "--tp", "2", "--json"],
    }
    found: dict[str, list[object]] = package.run(
        f"{RUN}\nprint(json.dumps({{k: out(*words) for k, words in {commands!r}.items()}}))"
    )
    return found


@pytest.mark.parametrize("command", ["size", "text", "card", "fits"])
def test_it_is_counted(answers: dict[str, list[object]], command: str) -> None:
    code, out, told = answers[command]
    assert code == 0, told
    assert json.loads(str(out))["parameters"]["total"] == PARAMETERS


@pytest.mark.parametrize("command", ["import", "validate"])
def test_it_makes_a_card(answers: dict[str, list[object]], command: str) -> None:
    code, _, told = answers[command]
    assert code == 0, told


def test_the_recipe_names_the_template() -> None:
    assert "tests/recipes/family.py" in steps("Add a model family")
