"""An engine is one folder: copied into the package, it is found by everything that knows engines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.recipes import HERE, RUN, Package, steps

LOG = """PagedServer 2.1 starts meta-llama/Meta-Llama-3-8B
GPU 0: NVIDIA RTX A6000
shards: 1, length: 8192
weights take 14.96 GiB
cache holds 120,000 tokens
serving on port 8000
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What the commands answer in a package with the template's folder, and nothing else beside it."""
    package = Package(tmp_path_factory.mktemp("package"))
    package.add("engine", "engines/paged_server")
    log = package.folder / "start.log"
    log.write_text(LOG, encoding="utf-8")
    commands = {
        "size": ["size", "llama-3-8b", "--gpu", "a6000", "--engine", "paged-server", "--json"],
        "alias": ["size", "llama-3-8b", "--gpu", "a6000", "--engine", "pagedserver", "--json"],
        "question": ["ask", "how many A6000s for Llama 3 8B with Paged Server", "--json"],
        "engines": ["engines"],
        "all": ["size", "llama-3-8b", "--gpu", "a6000", "--engine", "all"],
        "table": ["table", "--models", "llama-3-8b", "--gpu", "a6000", "--engines", "all", "--format", "csv"],
        "sweep": ["sweep", "--models", "llama-3-8b", "--gpu", "a6000", "--context", "8k", "--engine", "paged-server"],
        "deploy": ["deploy", "llama-3-8b", "--gpu", "a6000", "--engine", "paged-server", "--as", "paged"],
        "compose": ["deploy", "llama-3-8b", "--gpu", "a6000", "--engine", "paged-server", "--as", "docker-compose"],
        "help": ["deploy", "--help"],
        "check-log": ["check-log", str(log), "--gpu", "a6000", "--json"],
        "platform": ["size", "llama-3-8b", "--gpu", "mi300x", "--engine", "paged-server"],
        "generation": ["size", "llama-3-8b", "--gpu", "t4", "--engine", "paged-server"],
        "version": ["size", "mixtral-8x7b", "--gpu", "a6000", "--engine", "paged-server@1.5"],
    }
    found: dict[str, list[object]] = package.run(
        f"{RUN}\nprint(json.dumps({{k: out(*words) for k, words in {commands!r}.items()}}))"
    )
    return found


def test_a_plan_and_a_question_are_answered_under_it(answers: dict[str, list[object]]) -> None:
    code, out, _ = answers["size"]
    plan = json.loads(str(out))
    assert (code, plan["gpu_count"], plan["engine_profile"]) == (0, 1, "paged-server@2.1")
    asked = json.loads(str(answers["question"][1]))
    assert asked["understood"].endswith("with PagedServer")
    assert asked["per_gpu"] == plan["per_gpu"] == json.loads(str(answers["alias"][1]))["per_gpu"]


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("engines", "paged-server  PagedServer 2.1"),
        ("all", "llama.cpp 1, PagedServer 1"),
        ("table", "gpus@paged-server:rtx-a6000"),
        ("sweep", "llama-3-8b"),
        ("deploy", "paged-server meta-llama/Meta-Llama-3-8B"),
        ("compose", "example.org/paged-server:2.1.0"),
        ("help", "paged"),
    ],
)
def test_it_is_found_wherever_engines_are(answers: dict[str, list[object]], command: str, text: str) -> None:
    code, out, told = answers[command]
    assert code == 0, told
    assert text in str(out)


def test_its_log_is_read(answers: dict[str, list[object]]) -> None:
    found = json.loads(str(answers["check-log"][1]))
    assert {k: found["found"][k] for k in ("engine", "engine_version", "kv_cache_tokens", "outcome")} == {
        "engine": "paged-server",
        "engine_version": "2.1",
        "kv_cache_tokens": 120000,
        "outcome": "served",
    }
    assert abs(found["errors"]["weights_gib_per_gpu"]) < 0.01


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("platform", "PagedServer does not run on ROCm"),
        ("generation", "PagedServer needs compute capability 8.0 or later"),
        ("version", "2.0 is the first version that does"),
    ],
)
def test_what_it_does_not_run_is_refused(answers: dict[str, list[object]], command: str, reason: str) -> None:
    code, _, told = answers[command]
    assert code == 2
    assert reason in str(told)


def test_the_recipe_names_every_file() -> None:
    recipe = steps("Add an engine")
    assert "tests/recipes/engine" in recipe
    assert all(f"`{file.name}`" in recipe for file in Path(HERE / "engine").iterdir() if file.is_file())
