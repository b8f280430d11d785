"""The real hub client against a server on this machine that speaks the hub's routes for one repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub")

TINY = Path(__file__).parent / "tiny" / "llama"
REPO = "acme/tiny-llama"


class Hub(BaseHTTPRequestHandler):
    """Files of one repository, and what the client asks about it."""

    def _send(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self) -> None:
        prefix = f"/{REPO}/resolve/main/"
        if self.path.startswith(f"/api/models/{REPO}"):
            files = [{"rfilename": f.name} for f in TINY.iterdir()]
            info = {
                "id": REPO,
                "modelId": REPO,
                "sha": "a" * 40,
                "siblings": files,
                "tags": [],
                "downloads": 0,
                "private": False,
            }
            self._send(200, json.dumps(info).encode(), Content_Type="application/json")
        elif self.path.startswith(prefix) and (TINY / Path(self.path).name).is_file():
            body, start = (TINY / Path(self.path).name).read_bytes(), 0
            name = {"X_Repo_Commit": "a" * 40, "ETag": '"b"', "Accept_Ranges": "bytes"}
            asked = self.headers.get("Range")
            if asked:
                start, end = (int(n) if n else len(body) - 1 for n in asked.removeprefix("bytes=").split("-"))
                part = body[start : end + 1]
                self._send(206, part, **name, Content_Range=f"bytes {start}-{start + len(part) - 1}/{len(body)}")
            else:
                self._send(200, body, **name)
        else:
            code = "EntryNotFound" if self.path.startswith(f"/{REPO}/") else "RepoNotFound"
            self._send(404, b"", X_Error_Code=code, X_Error_Message="not here")

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def run(endpoint: str, home: Path, *arguments: str, **more: str) -> tuple[int, str, str]:
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", **more}
    command = [sys.executable, "-m", "gpu_sizer", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_repository_is_imported_and_sized(endpoint: str, tmp_path: Path) -> None:
    code, out, err = run(endpoint, tmp_path, "size", f"hf:{REPO}", "--gpu", "t4", "--json")
    assert code == 0, err
    assert json.loads(out)["parameters"]["total"] == 21_664
    code, out, _ = run(endpoint, tmp_path, "import", f"hf:{REPO}")
    assert code == 0
    assert f"hub_id: {REPO}" in out


def test_offline_mode_answers_from_the_cache_or_says_so(endpoint: str, tmp_path: Path) -> None:
    code, _, err = run(endpoint, tmp_path, "import", f"hf:{REPO}", HF_HUB_OFFLINE="1")
    assert code == 2
    assert "not in the local cache" in err


def test_an_unknown_repository_is_one_clear_line(endpoint: str, tmp_path: Path) -> None:
    code, _, err = run(endpoint, tmp_path, "import", "hf:acme/nothing")
    assert code == 2
    assert "no such repository on the hub" in err
    assert err.count("\n") == 1


def test_no_network_is_one_clear_line(tmp_path: Path) -> None:
    code, _, err = run("http://127.0.0.1:9", tmp_path, "import", f"hf:{REPO}")
    assert code == 2
    assert "cannot be reached" in err


def test_a_name_that_is_no_hub_id_is_refused(endpoint: str, tmp_path: Path) -> None:
    code, _, err = run(endpoint, tmp_path, "import", "hf:../../etc")
    assert code == 2
    assert "organisation/name" in err
