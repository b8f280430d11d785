"""A real server on a real port: many requests at once, several workers, an orderly end."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer import RequestError, size
from gpu_sizer.cli.entry import run
from gpu_sizer.server.running import listen


@contextmanager
def served(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server's address and process."""
    words = [sys.executable, "-m", "gpu_sizer", "serve", "--port", "0", *options]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.search(r"http://\S+", line)
            assert found, line + process.stderr.read()
            yield found[0], process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(30)


def post(address: str, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"{address}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_two_hundred_requests_at_once_are_all_answered_rightly() -> None:
    cases = [("mixtral-8x7b", "a6000"), ("llama-3-8b", "l4"), ("llama-3-70b", "h100"), ("gemma-3-27b", "a100")]
    expected = {(model, gpu): size(model, gpu=gpu).gpu_count for model, gpu in cases}
    start = threading.Barrier(200)

    def one(i: int) -> bool:
        model, gpu = cases[i % len(cases)]
        start.wait(30)
        found = post(address, "/v1/size", {"model": model, "gpu": gpu})
        return bool(found["gpu_count"] == expected[model, gpu])

    with served("--workers", "2") as (address, process), ThreadPoolExecutor(200) as pool:
        assert sum(pool.map(one, range(200))) == 200
        with urllib.request.urlopen(f"{address}/metrics", timeout=30) as response:
            text = response.read().decode()
    # Whichever worker is asked, it tells what both have counted.
    assert 'gpu_sizer_requests_total{method="POST",path="/v1/size",status="200"} 200.0' in text
    assert process.returncode == 0


def test_what_is_under_way_is_answered_before_the_end() -> None:
    with served() as (address, process), ThreadPoolExecutor(1) as pool:
        assert address.startswith("http://127.0.0.1:"), "only this machine is listened to"
        # A second of work or so: every model of the catalogue.
        answer = pool.submit(post, address, "/v1/ask", {"question": "which models run on 2 h100s"})
        _wait_until_under_way(address)
        process.send_signal(signal.SIGTERM)
        assert answer.result(60)["intent"] == "models"
        assert process.wait(30) == 0
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(f"{address}/healthz", timeout=5)


def _wait_until_under_way(address: str) -> None:
    for _ in range(2000):
        with urllib.request.urlopen(f"{address}/metrics", timeout=30) as response:
            # This very request is one of them.
            if re.search(r"^gpu_sizer_requests_under_way 2\.0$", response.read().decode(), re.M):
                return
    raise AssertionError("the request never began")


def test_a_port_that_is_taken_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert run(["serve", "--port", str(port)]) == 2
    assert capsys.readouterr().err.startswith(f"gpu-sizer: cannot listen on 127.0.0.1 port {port}: ")
    with pytest.raises(RequestError, match="cannot listen on"):
        listen("no.such.host.invalid", 8080)


def test_broken_cards_stop_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.yaml").write_text("id: [", encoding="utf-8")
    words = [sys.executable, "-m", "gpu_sizer", "--cards", str(tmp_path), "serve", "--port", "0"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "broken.yaml" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "package", "extra"),
    [("serve", "fastapi", "server"), ("serve", "uvicorn", "server"), ("mcp", "mcp", "mcp")],
)
def test_without_the_extra_the_message_says_what_installs_it(command: str, package: str, extra: str) -> None:
    program = (
        "import sys; "
        f"sys.modules[{package!r}] = None; "
        "from gpu_sizer.cli.entry import run; "
        f"sys.exit(run([{command!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"pip install 'gpu-sizer[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1
