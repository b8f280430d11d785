"""Every command once, as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KEYS = set(
    """
    model gpu engine fits verdict gpu_count safe_gpu_count memory_floor reason tuned context_counts layout assumptions
    per_gpu kv_cache_tokens max_concurrent_requests parameters alternatives warnings
    """.split()  # noqa: SIM905 - read as the contract prints them
)


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    env = {**os.environ, "NO_COLOR": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-m", "gpu_sizer", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def answer(*arguments: str) -> dict[str, Any]:
    _, out, err = run(*arguments, "--json")
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return found


def test_the_question() -> None:
    code, out, err = run("how many A6000s for Mixtral 8x7b")
    assert (code, err) == (0, "")
    assert "3 × RTX A6000" in out
    assert "\x1b" not in out


def test_size_in_json_has_the_keys_of_the_contract() -> None:
    plan = answer("size", "mixtral-8x7b", "--gpu", "a6000")
    assert set(plan) >= KEYS
    assert plan["gpu_count"] == 3
    g = plan["per_gpu"]
    used = g["weights_bytes"] + g["kv_cache_bytes"] + g["activation_bytes"] + g["overhead_bytes"]
    assert g["free_bytes"] == g["budget_bytes"] - used >= 0
    assert plan["parameters"]["total"] == 46_702_792_704


def test_size_in_words() -> None:
    code, out, _ = run("size", "llama-3-70b", "--gpu", "h100", "--context", "8k", "--users", "4")
    assert code == 0
    assert out.startswith("Llama 3 70B needs ")
    assert "Assumed: vLLM" in out


def test_quiet_is_the_bare_count() -> None:
    assert run("size", "mixtral-8x7b", "--gpu", "a6000", "--quiet") == (0, "3\n", "")


def test_fit_and_its_exit_codes() -> None:
    assert run("fit", "mixtral-8x7b", "--gpu", "a6000", "--tp", "4")[0] == 0
    code, out, _ = run("fit", "mixtral-8x7b", "--gpu", "a6000", "--tp", "3")
    assert code == 3
    assert "32 attention heads do not divide by 3" in out


def test_what_does_not_fit_is_an_answer_with_code_3() -> None:
    code, out, _ = run("size", "llama-3.1-405b", "--gpu", "t4", "--max-gpus", "8", "--json")
    assert code == 3
    plan = json.loads(out)
    assert plan["fits"] is False
    assert plan["gpu_count"] is None
    assert plan["reason"]


def test_lists() -> None:
    models = json.loads(run("models", "--json")[1])
    assert any(m["model"] == "mixtral-8x7b" for m in models)
    code, out, _ = run("gpus", "a6000")
    assert code == 0
    assert "rtx-a6000" in out


def test_show_prints_sources() -> None:
    for name in ("mixtral-8x7b", "rtx-a6000"):
        code, out, _ = run("show", name)
        assert code == 0
        assert "sources:" in out
        assert "url:" in out


def test_explain_shows_every_part() -> None:
    code, out, _ = run("explain", "deepseek-v3")
    assert code == 0
    for part in (
        "experts",
        "attention",
        "shared experts",
        "float8-block",
        "multi-token prediction",
        "one latent of 512 + 64",
    ):
        assert part in out


def test_validate_accepts_the_catalogue_and_tells_a_mistake(tmp_path: Path) -> None:
    assert run("validate")[0] == 0
    file = tmp_path / "x.yaml"
    file.write_text("id: x\nname: X\n", encoding="utf-8")
    code, _, err = run("validate", str(file))
    assert code == 2
    assert "x.yaml" in err
    assert "missing" in err


@pytest.mark.parametrize("kind", ["model", "gpu"])
def test_schema_is_what_is_shipped(kind: str) -> None:
    code, out, _ = run("schema", kind)
    assert code == 0
    shipped = Path(__file__).parents[2] / "gpu_sizer" / "schemas" / f"{kind}.json"
    assert json.loads(out) == json.loads(shipped.read_text(encoding="utf-8")), "remake with `make schemas`"


def test_import_writes_a_card_that_gives_the_same_plan(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "oracle" / "configs" / "mistralai__Mixtral-8x7B-v0.1.json"
    folder, card = tmp_path / "my-mixtral", tmp_path / "card.yaml"
    folder.mkdir()
    (folder / "config.json").write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    assert run("import", str(folder), "-o", str(card))[0] == 0
    assert run("validate", str(card))[0] == 0
    assert answer("size", str(card), "--gpu", "a6000") == answer("size", str(folder), "--gpu", "a6000")


def test_version_and_help() -> None:
    assert run("--version")[1].startswith("gpu-sizer ")
    assert "Catalogue:" in run("--help")[1]


def test_own_cards_by_option_and_by_environment(tmp_path: Path) -> None:
    from tests.cards.test_loading import GOOD

    (tmp_path / "tiny.yaml").write_text(GOOD, encoding="utf-8")
    assert run("--cards", str(tmp_path), "size", "tiny", "--gpu", "t4", "-q")[:2] == (0, "1\n")
    assert run("size", "tiny", "--gpu", "t4", "-q", GPU_SIZER_PATH=str(tmp_path))[:2] == (0, "1\n")
