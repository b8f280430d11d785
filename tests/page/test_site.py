"""The page as files, and the engine behind it: the same JSON as the command and HTTP, with no package beside it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gpu_sizer.cli.entry import run
from gpu_sizer.page.engine import answer
from gpu_sizer.page.site import PROGRAM, PYODIDE_FILES, page_html, program_archive, site
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
            run(["size", body["model"], *words, "--json"])
            assert json.loads(capsys.readouterr().out) == page, body


@pytest.mark.parametrize(
    ("call", "body", "told"),
    [
        ("size", {"model": "mixtral-9x7b", "gpu": "a6000"}, "did you mean mixtral-8x7b"),
        ("size", {"model": "mixtral-8x7b", "gpu": "a6000", "contxt": 1}, "unknown option 'contxt'"),
        ("size_config", {"config": [], "name": "config.json", "gpu": "a6000"}, "is no configuration"),
        ("size_config", {"config": {"model_type": "x"}, "name": "config.json", "gpu": "a6000"}, "not supported"),
        ("check_log", {"log": "nothing", "gpu": "a6000", "model": "mixtral-8x7b"}, "no start-up"),
        ("ask", {"question": ""}, ""),
    ],
)
def test_what_cannot_be_answered_is_an_error_object(call: str, body: dict[str, Any], told: str) -> None:
    assert told in asked(call, body)["error"]["message"]


def test_a_configuration_is_sized_like_its_card() -> None:
    config = json.loads(CONFIG.read_text())
    found = asked("size_config", {"config": config, "name": "config.json", "gpu": "a6000"})
    assert found["gpu_count"] == asked("size", {"model": "mixtral-8x7b", "gpu": "a6000"})["gpu_count"]


def test_the_archive_runs_with_nothing_but_python(tmp_path: Path) -> None:
    """As in the browser: no site packages, and nothing that the archive does not hold."""
    made = program_archive()
    assert made == program_archive()
    with zipfile.ZipFile(BytesIO(made)) as outer, tarfile.open(fileobj=outer.open(PROGRAM)) as archive:
        archive.extractall(tmp_path, filter="data")
        assert any("/compiled_cards/" in name for name in archive.getnames())
    calls = [
        ("size", {"model": "deepseek-v3", "gpu": "h200"}),
        ("ask", {"question": "how many A6000s for Mixtral 8x7b"}),
        *(
            ("deploy", {"model": "mixtral-8x7b", "gpu": "a6000", "format": f})
            for f in ("vllm", "kubernetes", "docker-compose")
        ),
        ("size_config", {"config": json.loads(CONFIG.read_text()), "name": "config.json", "gpu": "a6000"}),
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
