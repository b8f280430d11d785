"""The page as files, and the engine behind it: the same JSON as the command and HTTP, with no package beside it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tarfile
import zipfile
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gpu_sizer import size
from gpu_sizer.cli.entry import run
from gpu_sizer.errors import RequestError
from gpu_sizer.page.engine import answer
from gpu_sizer.page.site import (
    CARD_PACKAGES,
    PROGRAM,
    PYODIDE_FILES,
    page_html,
    program_archive,
    site,
    wheels_hint,
)
from gpu_sizer.server.http import create_app

MODELS = ["mixtral-8x7b", "llama-3-8b", "gemma-3-27b", "deepseek-v3", "qwen3-30b-a3b", "gpt-oss-20b", "no-such-model"]
GPUS = ["a6000", "h100", "mi300x", "l4", "b200", "zx81"]
ENGINES = ["vllm", "sglang", "llama.cpp"]
CONFIG = Path(__file__).parents[1] / "oracle" / "configs" / "mistralai__Mixtral-8x7B-v0.1.json"


def asked(call: str, body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer(call, json.dumps(body)))
    return found


def test_page_http_and_command_give_the_same_json(capsys: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(28)
    with TestClient(create_app(), base_url="http://127.0.0.1") as client:
        for _ in range(50):
            body: dict[str, Any] = {
                "model": draw.choice(MODELS),
                "gpu": draw.choice(GPUS),
                "users": draw.choice([1, 4, 32]),
            }
            body |= {"engine": draw.choice(ENGINES), "layouts": draw.choice(["any", "tensor"])}
            if draw.random() < 0.3:
                body["words"] = draw.choice(["brief", "usual", "why"])
            if draw.random() < 0.6:
                body["context"] = draw.choice([4096, 8192, 30_000])
            page = asked("size", body)
            assert client.post("/v1/size", json=body).json() == page, body
            words = [
                w
                for k in ("gpu", "users", "engine", "layouts", "context")
                if k in body
                for w in (f"--{k}", str(body[k]))
            ]
            page.pop("words", None)
            run(["size", body["model"], *words, "--json"])
            assert json.loads(capsys.readouterr().out) == page, body


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("size", {"model": "llama-3.3-70b", "gpu": "h100", "users": 16}),
        ("speed", {"model": "mixtral-8x7b", "gpu": "a6000", "tensor_parallel_size": 4}),
        ("ask", {"question": "which gpu for llama 3 8b"}),
        ("ask", {"question": "how many a6000s for mixtral 8x7b and for llama 3 70b"}),
    ],
)
def test_words_as_blocks_are_the_words_of_the_answer(call: str, body: dict[str, Any]) -> None:
    with TestClient(create_app(), base_url="http://127.0.0.1") as client:
        for level in ("brief", "usual", "why"):
            found = asked(call, {**body, "words": level})
            assert client.post(f"/v1/{call}", json={**body, "words": level}).json() == found
            for one in found.get("answers", [found]):
                kinds = {block["kind"] for block in one["words"]["blocks"]}
                assert kinds <= {"pairs", "memory", "table", "paragraph"}
    if call == "size":
        lines = size(**body).explain().splitlines()
        assert lines[0] == asked(call, {**body, "words": "usual"})["words"]["headline"]
        told = json.dumps(asked(call, {**body, "words": "usual"}), ensure_ascii=False)
        assert "What would make it smaller" in lines
        assert all(line.strip() in told for line in lines[lines.index("What would make it smaller") :] if line)


@pytest.mark.parametrize(
    ("call", "body", "told"),
    [
        ("size", {"model": "mixtral-9x7b", "gpu": "a6000"}, "did you mean mixtral-8x7b"),
        ("size", {"model": "mixtral-8x7b", "gpu": "a6000", "contxt": 1}, "unknown option 'contxt'"),
        ("size_file", {"text": "[]", "name": "config.json", "gpu": "a6000"}, "is no configuration"),
        ("size_file", {"text": "{", "name": "config.json", "gpu": "a6000"}, "is not JSON"),
        ("size_file", {"text": '{"model_type": "x"}', "name": "config.json", "gpu": "a6000"}, "not supported"),
        ("check_log", {"log": "nothing", "gpu": "a6000", "model": "mixtral-8x7b"}, "no start-up"),
        ("ask", {"question": ""}, ""),
    ],
)
def test_what_cannot_be_answered_is_an_error_object(call: str, body: dict[str, Any], told: str) -> None:
    assert told in asked(call, body)["error"]["message"]


def test_a_configuration_is_sized_like_its_card() -> None:
    found = asked("size_file", {"text": CONFIG.read_text(), "name": "config.json", "gpu": "a6000"})
    assert found["gpu_count"] == asked("size", {"model": "mixtral-8x7b", "gpu": "a6000"})["gpu_count"]


CARD = Path(__file__).parents[2] / "model_cards" / "mistralai" / "mixtral-8x7b.yaml"


def test_a_card_in_yaml_is_sized_like_the_one_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = CARD.read_text(encoding="utf-8")
    found = asked("size_file", {"text": text, "name": "my.yaml", "gpu": "a6000"})
    assert found["gpu_count"] == asked("size", {"model": "mixtral-8x7b", "gpu": "a6000"})["gpu_count"]
    wrong = asked("size_file", {"text": text.replace("hidden_size: 4096", "hidden_size: x"), "name": "my.yaml"})
    assert wrong["error"]["message"].startswith("my.yaml:")
    assert "hidden_size" in wrong["error"]["message"]
    # As in a browser whose page holds no pydantic.
    monkeypatch.setitem(sys.modules, "pydantic", None)
    without = asked("size_file", {"text": text, "name": "my.yaml", "gpu": "a6000"})
    assert "pydantic, which this page does not hold" in without["error"]["message"]


def test_wheels_beside_pyodide_go_into_the_site(tmp_path: Path) -> None:
    for name in PYODIDE_FILES:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "pyodide-lock.json").write_text('{"info": {"python": "3.14.2", "abi_version": "2026_0"}}')
    assert not any(name.startswith("packages/") for name in site(tmp_path))
    assert "--platform pyemscripten_2026_0_wasm32 --python-version 3.14 " in str(wheels_hint(tmp_path))
    for package in CARD_PACKAGES:
        (tmp_path / f"{package}-1.0-py3-none-any.whl").write_bytes(b"x")
    assert wheels_hint(tmp_path) is None
    made = site(tmp_path)
    wheels = [f"packages/{package}-1.0-py3-none-any.whl" for package in CARD_PACKAGES]
    assert [name for name in made if name.startswith("packages/")] == wheels
    assert escape(json.dumps(wheels)) in made["index.html"].decode()
    (tmp_path / "pydantic-2.0-py3-none-any.whl").write_bytes(b"x")
    with pytest.raises(RequestError, match="keep one of them"):
        site(tmp_path)


def test_the_archive_runs_with_nothing_but_python(tmp_path: Path) -> None:
    """As in the browser: no site packages, and nothing that the archive does not hold."""
    made = program_archive()
    assert made == program_archive()
    with zipfile.ZipFile(BytesIO(made)) as outer, tarfile.open(fileobj=outer.open(PROGRAM)) as archive:
        archive.extractall(tmp_path, filter="data")
        assert any("/compiled_cards/" in name for name in archive.getnames())
    calls = [
        ("size", {"model": "deepseek-v3", "gpu": "h200"}),
        *(
            ("ask", {"question": q})
            for q in (
                "how many A6000s for Mixtral 8x7b",
                "best rated model on 2 A6000s",
                "4 H100s for RedHatAI/Qwen3-8B-FP8",
            )
        ),
        *(
            ("deploy", {"model": "mixtral-8x7b", "gpu": "a6000", "format": f})
            for f in ("vllm", "kubernetes", "docker-compose")
        ),
        ("size_file", {"text": CONFIG.read_text(), "name": "config.json", "gpu": "a6000"}),
        ("models", {}),
    ]
    program = (
        f"import sys, json; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from gpu_sizer.page.engine import answer\n"
        f"print(json.dumps([json.loads(answer(c, json.dumps(b))) for c, b in {calls!r}]))"
    )
    done = subprocess.run([sys.executable, "-S", "-I", "-c", program], capture_output=True, text=True, check=True)
    for (call, body), found in zip(calls, json.loads(done.stdout), strict=True):
        assert "error" not in found, (call, found["error"])
        assert found == asked(call, body)


@pytest.mark.parametrize(("how", "takes"), [("server", False), ("worker", True)])
def test_a_page_offers_to_read_a_log_where_it_does(how: str, takes: bool) -> None:
    assert ("a start-up log onto this page" in page_html(how).decode()) is takes


def test_sizes() -> None:
    files = site()
    assert sum(len(d) for n, d in files.items() if not n.endswith(".json")) <= 100_000
    assert len(program_archive()) <= 2_500_000


def test_a_site_without_an_engine_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["page", "-o", str(tmp_path / "site")]) == 0
    assert "npm i pyodide" in capsys.readouterr().err
    assert 'data-how="none"' in (tmp_path / "site" / "index.html").read_text()
    assert run(["page", "-o", str(tmp_path / "other"), "--pyodide", str(tmp_path)]) == 2
    assert "no pyodide.mjs in it" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_the_site_holds_pyodide_beside_the_page(tmp_path: Path) -> None:
    for name in PYODIDE_FILES:
        (tmp_path / name).write_bytes(name.encode())
    files = site(tmp_path)
    assert {f"pyodide/{name}" for name in PYODIDE_FILES} <= set(files)
    page = files["index.html"].decode()
    assert "connect-src 'self'" in page
    assert "http" not in page.replace("http-equiv", "")
    assert b"{stamp}" not in files["offline.js"]


def test_the_server_sends_the_page_under_a_strict_policy() -> None:
    with TestClient(create_app(), base_url="http://127.0.0.1") as client:
        page = client.get("/", headers={"accept": "text/html,*/*"})
        assert page.text == page_html("server", footer="Answers come from this server.").decode()
        assert "default-src 'none'" in page.headers["content-security-policy"]
        for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css")):
            assert client.get(f"/{name}").headers["content-type"].startswith(kind)
        assert client.get("/worker.js").status_code == 404
