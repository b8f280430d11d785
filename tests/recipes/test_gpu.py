"""A GPU of another vendor is one spec: laid into the catalogue, it is sized, asked for and listed."""

from __future__ import annotations

import json

import pytest

from tests.recipes import HERE, RUN, Package, steps


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What the commands answer with the template in a folder of specs of its own."""
    package = Package(tmp_path_factory.mktemp("package"))
    spec = package.lay("gpu.yaml", "gpu_specs/moore-threads/mtt-s4000.yaml")
    commands = {
        "validate": ["validate", str(spec)],
        "size": ["size", "llama-3-8b", "--gpu", "mtt-s4000", "--engine", "llama.cpp", "--json"],
        "question": ["ask", "how many S4000s for Llama 3 8B with llama.cpp", "--json"],
        "gpus": ["gpus", "moore"],
        "vendor": ["gpus", "--vendor", "Moore Threads", "--json"],
        "all": ["size", "llama-3-8b", "--gpu", "MTT S4000", "--engine", "all"],
        "refused": ["size", "llama-3-8b", "--gpu", "mtt-s4000"],
    }
    found: dict[str, list[object]] = package.run(
        f"{RUN}\nprint(json.dumps({{k: out(*words) for k, words in {commands!r}.items()}}))"
    )
    return found


def test_it_is_sized_and_asked_for(answers: dict[str, list[object]]) -> None:
    assert answers["validate"][0] == 0, answers["validate"]
    plan, asked = (json.loads(str(answers[key][1])) for key in ("size", "question"))
    assert (plan["gpu"], plan["gpu_count"]) == ("mtt-s4000", 1)
    assert asked["per_gpu"] == plan["per_gpu"]
    assert asked["understood"].startswith("fewest MTT S4000 for Llama 3 8B")


def test_it_is_listed(answers: dict[str, list[object]]) -> None:
    assert "MTT S4000" in str(answers["gpus"][1])
    assert [gpu["gpu"] for gpu in json.loads(str(answers["vendor"][1]))] == ["mtt-s4000"]


def test_engines_say_whether_they_run_on_it(answers: dict[str, list[object]]) -> None:
    assert "llama.cpp 1" in str(answers["all"][1])
    assert "vLLM does not run on MUSA" in str(answers["all"][1])
    assert answers["refused"][0] == 2


def test_the_recipe_says_so() -> None:
    assert "another vendor" in steps("Add a GPU, in three steps")
    assert (HERE / "gpu.yaml").is_file()
