"""A real server on a real port: many requests at once, several workers, an orderly end."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from gpu_sizer import RequestError, size
from gpu_sizer.cli.entry import run
from gpu_sizer.server import connections
from gpu_sizer.server.connections import HurriedConnection
from gpu_sizer.server.logs import MOST_ALIKE, WHILE, Seldom
from gpu_sizer.server.running import listen


@contextmanager
def served(*options: str, program: str | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server's address and process; ``program`` is run in place of the package."""
    run_what = ["-m", "gpu_sizer"] if program is None else ["-c", program]
    words = [sys.executable, *run_what, "serve", "--port", "0", *options]
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


def _wait_until_under_way(address: str, requests: int = 2) -> None:
    for _ in range(2000):
        with urllib.request.urlopen(f"{address}/metrics", timeout=30) as response:
            # This very request is one of them.
            if re.search(rf"^gpu_sizer_requests_under_way {requests}\.0$", response.read().decode(), re.M):
                return
    raise AssertionError("the request never began")


def answers(address: str, seconds: float = 5) -> bool:
    with urllib.request.urlopen(f"{address}/healthz", timeout=seconds) as response:
        return bool(response.status == 200)


def connected(address: str, sent: bytes) -> socket.socket:
    """A connection on which so much was sent."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    found = socket.create_connection((host, int(port)), timeout=30)
    found.sendall(sent)
    return found


def is_cut(connection: socket.socket) -> bool:
    """Whether the server has ended a connection; waits for it."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_connection_sends_answers_at_once() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        taken, _ = listening.accept()
        with taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEADS = {
    "nothing": (),
    "half a line": (b"GET /heal",),
    "drop by drop": (b"G", b"E", b"T", b" ", b"/"),
    "half of the headers": (WHOLE[:30],),
    "half of the second request": (WHOLE, WHOLE[:10]),
}


class Stub:
    """A connection as the server sees it, without a network and without waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
        monkeypatch.setattr(connections, "most_connections", lambda: most)
        monkeypatch.setattr(HurriedConnection, "_waiting", {})

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

        self.config = Config(app)
        self.config.load()
        self.state = ServerState()

    def opened(self, head: bytes = b"") -> tuple[HurriedConnection, Any]:
        """A connection on which so much came, and its transport."""
        transport = MagicMock()
        transport.is_closing.return_value = False
        transport.get_extra_info.return_value = None
        made = HurriedConnection(self.config, self.state, {})
        made.connection_made(transport)
        if head and not transport.abort.called:
            made.data_received(head)
        return made, transport


@pytest.mark.parametrize("head", HEADS)
def test_a_head_that_does_not_arrive_in_time_is_cut(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)

    async def run() -> None:
        stub = Stub(monkeypatch, most=10)
        connection, slow = stub.opened()
        _, quick = stub.opened(WHOLE)
        for part in HEADS[head]:
            connection.data_received(part)
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert slow.abort.called
        assert not quick.abort.called

    asyncio.run(run())


def test_the_longest_silent_connection_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        stub = Stub(monkeypatch, most=3)
        opened = [stub.opened(b"GET") for _ in range(5)]
        assert [t.abort.called for _, t in opened] == [True, True, False, False, False]
        assert len(stub.state.connections) == 3

    asyncio.run(run())


def test_where_all_are_at_work_a_further_connection_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        stub = Stub(monkeypatch, most=2)
        whole = b"POST /v1/size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
        opened = [stub.opened(whole) for _ in range(3)]
        assert [t.abort.called for _, t in opened] == [False, False, True]

    asyncio.run(run())


def test_silent_connections_leave_room_for_others_and_little_in_the_log() -> None:
    """As many as the system lets a process open, and more: nobody else waits."""
    few = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (128, r.getrlimit(r.RLIMIT_NOFILE)[1]));"
    program = f"{few} from gpu_sizer.cli.entry import main; main()"
    with served(program=program) as (address, process):
        silent = [connected(address, b"GET /heal") for _ in range(100)]
        bad = [connected(address, b"not http\r\n\r\n") for _ in range(30)]
        assert answers(address)
        assert sum(map(is_cut, silent[:20])) == 20, "the first of them made room"
        for connection in (*silent, *bad):
            connection.close()
        process.terminate()
        assert process.stderr is not None
        log = process.stderr.read()
    # Where more come at once than there are files, the system's own messages of that stand in it, five of a kind.
    assert len(log) < 20_000, log[-2000:]


def test_a_dear_answer_does_not_keep_the_server_from_ending() -> None:
    dear = {"question": "what can 64 a6000 run with 16 users"}
    with served("--timeout", "1") as (address, process), ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(post, address, "/v1/ask", dear) for _ in range(2)]
        _wait_until_under_way(address, 3)
        process.send_signal(signal.SIGTERM)
        # What is under way may take its time, and no more.
        assert process.wait(10) == 0
        for answer in asked:
            # Answered, refused or cut off: nobody waits for the rest.
            assert isinstance(answer.exception(10), OSError | HTTPException | None)


def test_the_log_has_few_messages_that_are_alike() -> None:
    log, seldom = logging.getLogger("test of seldom messages"), Seldom()
    records = [log.makeRecord(log.name, logging.WARNING, "", 0, "Invalid request %d", (i,), None) for i in range(100)]
    assert sum(map(seldom.filter, records)) == MOST_ALIKE
    other = log.makeRecord(log.name, logging.WARNING, "", 0, "another", (), None)
    assert seldom.filter(other)
    with pytest.MonkeyPatch.context() as patch:
        later = time.monotonic() + WHILE
        patch.setattr("gpu_sizer.server.logs.time.monotonic", lambda: later)
        again = log.makeRecord(log.name, logging.WARNING, "", 0, "Invalid request %d", (100,), None)
        assert seldom.filter(again)
    assert "95 more like this" in again.getMessage()


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
