"""The HTTP interface: the library's answers, typed errors, limits, and nothing read that a caller names."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from gpu_sizer import api, ask, estimate, fits_on, size, speed
from gpu_sizer.cards import loading
from gpu_sizer.errors import CardError
from gpu_sizer.importers import hub, sources
from gpu_sizer.load import MOST_GPUS as MOST_OF_LIBRARY
from gpu_sizer.queries.closed import closed_names
from gpu_sizer.server import calls, connections, limits
from gpu_sizer.server.bodies import MOST_GPUS, MOST_LISTED, DeployBody
from gpu_sizer.server.computing import PROCESSES, Computing, TooLongError
from gpu_sizer.server.hosts import host_names
from gpu_sizer.server.http import create_app
from tests.server.here import Here

SIZE = {"model": "mixtral-8x7b", "gpu": "a6000"}
PLACES = (
    "/etc/passwd",
    "./model",
    "../model",
    "~/model",
    "hf:mistralai/Mixtral-8x7B-v0.1",
    "card.yaml",
    "a/b.yml",
    "config.json",
    "model.gguf",
    "model.safetensors",
)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(), raise_server_exceptions=False) as found:
        yield found


@pytest.fixture(scope="module")
def here() -> Iterator[TestClient]:
    with TestClient(create_app(computing=Here()), raise_server_exceptions=False) as found:
        yield found


def problem(response: Any, status: int) -> dict[str, Any]:
    """The error of a response, in the form of the command's JSON."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"kind", "about", "message", "suggestions"}
    found: dict[str, Any] = body["error"]
    return found


def as_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def test_answers_are_those_of_the_library(client: TestClient) -> None:
    question = "does llama 3 70b fit on 4 a6000s?"
    layout = {"tensor_parallel_size": 4, "context": 4096, "users": 8}
    for path, body, expected in (
        ("size", SIZE, size("mixtral-8x7b", gpu="a6000")),
        ("size", {**SIZE, "context": "8k", "max_gpus": 2}, size("mixtral-8x7b", gpu="a6000", context=8192, max_gpus=2)),
        ("fit", {**SIZE, **layout}, estimate("mixtral-8x7b", gpu="a6000", **layout)),
        ("speed", {**SIZE, "gpu_count": 4, "users": 8}, speed("mixtral-8x7b", gpu="a6000", gpu_count=4, users=8)),
        ("fit", {**SIZE, "gpu_count": 2}, fits_on("mixtral-8x7b", gpu="a6000", gpu_count=2)),
        ("ask", {"question": question}, ask(question)),
    ):
        response = client.post(f"/v1/{path}", json=body)
        assert response.status_code == 200, response.text
        assert response.json() == as_json(expected.model_dump())
    made = client.post("/v1/deploy", json={**SIZE, "format": "slurm"}).json()
    assert made["file"] == size("mixtral-8x7b", gpu="a6000").deploy("slurm")


def test_a_file_of_ones_own_is_sized(client: TestClient, tmp_path: Path) -> None:
    card = Path("model_cards/mistralai/mixtral-8x7b.yaml").read_text(encoding="utf-8")
    expected = client.post("/v1/size", json=SIZE).json()
    body = {"gpu": SIZE["gpu"], "name": "mine.yaml", "text": card}
    assert client.post("/v1/size_file", json=body).json() == expected
    config = {"model_type": "llama", "hidden_size": "x"}
    for wrong, reason in (
        ({"text": "id: x\nnmae: y\n"}, "mine.yaml:2: nmae"),
        ({"text": "a: &b [*b]"}, "anchors and aliases"),
        ({"text": "!!python/object/apply:os.system [ls]"}, "not a mapping"),
        ({"name": "config.json", "text": json.dumps(config)}, "config.json"),
        ({"name": "config.json", "text": "[" * 20_000}, "not JSON"),
    ):
        assert reason in problem(client.post("/v1/size_file", json={**body, **wrong}), 422)["message"]
    problem(client.post("/v1/size_file", json={**body, "text": "x" * 48_001}), 422)


def test_a_deployment_takes_a_layout_and_the_engines_own_options(client: TestClient) -> None:
    extra = ["--enable-auto-tool-choice", "--tool-call-parser", "mistral"]
    body = {**SIZE, "format": "vllm", "tensor_parallel_size": 4, "extra": extra}
    made = client.post("/v1/deploy", json=body).json()
    told = estimate("mixtral-8x7b", gpu="a6000", tensor_parallel_size=4)
    assert made["file"] == told.deploy("vllm", extra=tuple(extra))
    assert made["plan"] == as_json(told.model_dump())
    for wrong, reason in (
        (["--tool-cal-parser", "x"], "did you mean '--tool-call-parser'"),
        (["--max-model-len", "9"], "is a part of the plan"),
        (["--num-gpu-blocks-override", "9"], "memory that was not planned"),
    ):
        assert reason in problem(client.post("/v1/deploy", json={**body, "extra": wrong}), 422)["message"]
    problem(client.post("/v1/deploy", json={**body, "extra": "--tool-call-parser x"}), 422)
    problem(client.post("/v1/deploy", json={**body, "extra": ["--x"] * 201}), 422)
    huge = {**body, "tensor_parallel_size": 64, "pipeline_parallel_size": 64}
    assert "at most 256" in problem(client.post("/v1/deploy", json=huge), 422)["message"]


def test_the_catalogue_is_listed_and_searched(client: TestClient) -> None:
    models = client.get("/v1/models", params={"search": "mixtral"}).json()["models"]
    assert {"mixtral-8x7b", "mixtral-8x22b"} <= {m["model"] for m in models}
    assert all("mixtral" in m["model"] for m in models)
    assert len(client.get("/v1/gpus").json()["gpus"]) == len(calls.shelf().gpus.ids())
    assert client.get("/healthz").json()["status"] == "ok"


@pytest.mark.parametrize("place", PLACES)
def test_no_name_leads_to_a_file_or_to_the_hub(
    here: TestClient, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The project's own lists, which are compiled once.
    closed_names()
    problem(here.post("/v1/size", json={**SIZE, "model": "nobody/has-this"}), 422)

    def read(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(f"something is read: {args}")

    for module, name in ((loading, "read_yaml"), (sources, "import_source"), (hub, "import_hub")):
        monkeypatch.setattr(module, name, read)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    for path, body in (
        ("size", {**SIZE, "model": place}),
        ("size", {**SIZE, "gpu": place}),
        ("fit", {**SIZE, "model": place}),
        ("deploy", {**SIZE, "model": place, "format": "vllm"}),
        ("deploy", {**SIZE, "gpu": place, "format": "vllm"}),
    ):
        found = problem(here.post(f"/v1/{path}", json=body), 422)
        assert (found["kind"], found["about"]) == ("unknown", "gpu" if body["gpu"] == place else "model")
        assert "only names" in found["message"]
    # In a question a hub id is a name like others: it is looked up, and answered where the catalogue has it.
    assert here.post("/v1/ask", json={"question": f"how many a6000s for {place}"}).status_code in (200, 422)


def test_a_folder_that_exists_is_no_different_from_one_that_does_not(
    here: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zzqx").mkdir()
    for name in ("zzqx", "zzqy"):
        found = problem(here.post("/v1/size", json={**SIZE, "model": name}), 422)
        assert found["message"].replace(name, "NAME").startswith("unknown model 'NAME'")


@pytest.mark.parametrize(
    ("body", "status", "kind", "about"),
    [
        (b"{", 400, "invalid", "question"),
        (b"[" * 30_000, 400, "invalid", "question"),
        (b"\xff\xfe", 400, "invalid", "question"),
        (b"null", 422, "invalid", "question"),
        (b"[]", 422, "invalid", "question"),
        (b'{"model": "mixtral-8x7b"}', 422, "incomplete", "gpu"),
        (b'{"model": "mixtral-8x7b", "gpu": "h100", "users": "3"}', 422, "invalid", "users"),
        (b'{"model": "mixtral-8x7b", "gpu": "h100", "users": 0}', 422, "invalid", "users"),
        (b'{"model": "mixtral-8x7b", "gpu": "h100", "users": ' + b"9" * 5000 + b"}", 400, "invalid", "question"),
        (b'{"model": "mixtral-8x7b", "gpu": "h100", "context": "99M"}', 422, "invalid", "context"),
        (b'{"model": "mixtral-8x7b", "gpu": "h100", "usres": 3}', 422, "invalid", "question"),
        (b'{"model": "mixtral-8x7b", "gpu": "h100", "\\ud800": 3}', 422, "invalid", "question"),
        (b'{"model": "\\ud800", "gpu": "h100"}', 422, "invalid", "model"),
        (b'{"model": "mixtral-8x7b", "gpu": "h100", "gpu_memory_utilization": NaN}', 422, "invalid", "question"),
        (b'{"model": "mixtral-8x7b", "gpu": "h20"}', 422, "ambiguous", "gpu"),
        (b'{"model": "mixtral-8x7b", "gpu": "zzz"}', 422, "unknown", "gpu"),
        (b'{"model": "mixtral-8x7b", "gpu": "h100", "engine": "../x"}', 422, "invalid", "question"),
        (b'{"model": "mixtral-8x7b", "gpu": "h100", "max_gpus": 257}', 422, "invalid", "question"),
        (b" " * (limits.MOST_BYTES + 1), 413, "invalid", "question"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_bodies_are_told_apart(client: TestClient, body: bytes, status: int, kind: str, about: str) -> None:
    response = client.post("/v1/size", content=body, headers={"content-type": "application/json"})
    found = problem(response, status)
    assert (found["kind"], found["about"]) == (kind, about)


def test_other_paths_and_methods_are_typed_errors(client: TestClient) -> None:
    assert problem(client.get("/v2/size"), 404)["kind"] == "unknown"
    refused = client.get("/v1/size")
    assert problem(refused, 405)["kind"] == "invalid"
    assert refused.headers["allow"] == "POST"


def test_counts_are_bounded_wherever_they_are_said(client: TestClient) -> None:
    assert MOST_GPUS < MOST_OF_LIBRARY
    for path, body in (
        ("fit", {**SIZE, "tensor_parallel_size": 16, "pipeline_parallel_size": 32}),
        ("fit", {**SIZE, "gpu_count": 2, "tensor_parallel_size": 2}),
        ("ask", {"question": "which models run on 4000 h100s"}),
        ("ask", {"question": "does mixtral 8x7b fit on 300 h100s"}),
        ("ask", {"question": "mixtral 8x7b on h100, tp 8 pp 40"}),
        ("ask", {"question": "what can 64 a6000 run with 1000000 users"}),
        ("ask", {"question": "what can 64 a6000 run with 17 users"}),
        ("ask", {"question": "x" * 2001}),
    ):
        assert problem(client.post(f"/v1/{path}", json=body), 422)["kind"] == "invalid", body


#: Takes some two seconds of one core: the most that can be asked.
DEAR = {"question": "what can 64 a6000 run with 16 users"}
#: Seconds in which no machine answers that, and in which every one has done what is not dear.
TOO_FEW, PLENTY = 0.3, 60.0


def cpu_seconds(processes: set[int]) -> float:
    """Time that processes have computed for, those that are gone left out."""
    ticks = 0
    for process in processes:
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def is_running(process: int) -> bool:
    """Whether a process is there."""
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something holds within a time that even a busy machine needs."""
    for _ in range(300):
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_an_answer_that_takes_too_long_is_really_given_up() -> None:
    computing = Computing(PLENTY, processes=2)
    with TestClient(create_app(computing=computing), raise_server_exceptions=False) as client:
        assert client.post("/v1/size", json=SIZE).status_code == 200
        before = computing.processes()
        computing.seconds = TOO_FEW
        response = client.post("/v1/ask", json=DEAR)
        assert problem(response, 503)["kind"] == "timeout"
        assert response.headers["retry-after"]
        computing.seconds = PLENTY
        # The process that computed it ends, at once but in a thread of its own, and another answers what comes next.
        assert eventually(lambda: not any(map(is_running, before)))
        assert not before & computing.processes()
        assert client.post("/v1/size", json=SIZE).status_code == 200
        assert computing.processes()
    assert not computing.processes()


def test_a_process_that_ends_by_itself_is_replaced() -> None:
    computing = Computing(processes=1)
    with TestClient(create_app(computing=computing), raise_server_exceptions=False) as client:
        (first,) = computing.processes()
        os.kill(first, signal.SIGKILL)
        problem(client.post("/v1/size", json=SIZE), 500)
        assert client.post("/v1/size", json=SIZE).status_code == 200
        assert computing.processes() - {first}


def test_dear_requests_do_not_keep_processes_busy() -> None:
    """Eight that are given up at once leave none computing."""
    computing = Computing(TOO_FEW)
    with TestClient(create_app(computing=computing)) as client, ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(client.post, "/v1/ask", json=DEAR) for _ in range(8)]
        assert {a.result(60).status_code for a in answers} == {503}
        computing.seconds = PLENTY
        assert client.post("/v1/size", json=SIZE).status_code == 200
        left = computing.processes()
        assert cpu_seconds(left) < 2
    assert len(left) <= PROCESSES


def test_a_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio

    monkeypatch.setattr(limits, "SENDING_SECONDS", 0.05)
    sent: list[Any] = []

    async def one_request() -> None:
        async def receive() -> Any:
            await anyio.sleep_forever()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/v1/size", "headers": []}
        await limits.BodyLimit(create_app())(scope, receive, send)

    anyio.run(one_request)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["error"]["kind"] == "invalid"


def test_what_was_given_up_before_it_began_is_never_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio

    begun: list[str] = []
    release = threading.Event()

    def slow(self: Computing, asked: tuple[str, Any, bool], until: float) -> None:
        begun.append(asked[0])
        release.wait(20)

    monkeypatch.setattr(Computing, "_answer", slow)

    async def many() -> None:
        computing = Computing(0.05, processes=1)
        async with anyio.create_task_group() as group:
            for i in range(5):
                group.start_soon(given_up, computing, str(i))
        release.set()
        computing.close()

    async def given_up(computing: Computing, name: str) -> None:
        with pytest.raises(TooLongError):
            await computing.run(name, {})

    anyio.run(many)
    assert begun == ["0"]


def test_a_fault_of_ours_and_a_broken_card_tell_nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(body: Any) -> Any:
        raise CardError("/home/operator/cards/secret.yaml", "id", "missing")

    def fault(body: Any) -> Any:
        raise ZeroDivisionError("/home/operator")

    with TestClient(create_app(computing=Here()), raise_server_exceptions=False) as client:
        for run in (broken, fault):
            monkeypatch.setitem(calls.CALLS, "size", calls.Call("size", calls.SizeBody, run, ""))
            found = problem(client.post("/v1/size", json=SIZE), 500)
            assert found["kind"] == "fault"
            assert "operator" not in found["message"]


def test_the_description_is_named_where_somebody_looks_for_it(client: TestClient) -> None:
    index = client.get("/").json()
    assert client.get(index["description"]).json()["paths"].keys() == index["paths"].keys()
    for response in (client.get("/v2/size"), client.get("/v1/size"), client.post("/v1/size", json={})):
        assert "/openapi.json" in response.json()["error"]["message"]


@pytest.mark.parametrize("kind", [None, "", "application/json", "application/json; charset=utf-8"])
def test_a_body_of_no_other_type_is_json(client: TestClient, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    assert client.post("/v1/size", content=json.dumps(SIZE).encode(), headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_of_another_type_is_told_what_to_be(client: TestClient, kind: str) -> None:
    response = client.post("/v1/size", content=json.dumps(SIZE).encode(), headers={"content-type": kind})
    assert "Content-Type: application/json" in problem(response, 422)["message"]


@pytest.mark.parametrize(
    ("listens", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:8080", 200),
        ("127.0.0.1", "localhost", 200),
        ("127.0.0.1", "LOCALHOST:1", 200),
        ("127.0.0.1", "[::1]:8080", 200),
        ("::1", "[::1]", 200),
        ("127.0.0.1", "evil.example", 421),
        ("127.0.0.1", "evil.example:8080", 421),
        ("127.0.0.1", "127.0.0.1.evil.example", 421),
        ("127.0.0.1", "10.0.0.5", 421),
        ("127.0.0.1", "sizes.example", 200),
        ("10.0.0.5", "10.0.0.5:8080", 200),
        ("10.0.0.5", "localhost", 421),
        ("0.0.0.0", "10.1.2.3:8080", 200),
        ("0.0.0.0", socket.gethostname(), 200),
        ("::", "[fe80::1]:8080", 200),
        ("0.0.0.0", "evil.example", 421),
    ],
)
def test_a_server_answers_to_its_own_names_alone(listens: str, host: str, status: int) -> None:
    app = create_app(hosts=host_names(listens, ["sizes.example"]), computing=Here())
    with TestClient(app) as client:
        response = client.get("/healthz", headers={"host": host})
    assert response.status_code == status
    if status == 421:
        assert problem(response, 421)["kind"] == "invalid"


def test_metrics_count_requests_by_known_paths_only() -> None:
    with TestClient(create_app()) as client:
        client.post("/v1/size", json=SIZE)
        client.get("/v1/size")
        for i in range(3):
            client.get(f"/made-up-{i}")
        text = client.get("/metrics").text
    assert 'gpu_sizer_requests_total{method="POST",path="/v1/size",status="200"} 1.0' in text
    assert 'gpu_sizer_requests_total{method="GET",path="other",status="404"} 3.0' in text
    assert 'gpu_sizer_request_seconds_count{path="/v1/size"} 2.0' in text
    assert "made-up" not in text


def test_every_example_of_the_description_is_answered(client: TestClient) -> None:
    description = client.get("/openapi.json").json()
    shown = 0
    for path, methods in description["paths"].items():
        for operation in methods.values():
            if "requestBody" not in operation:
                continue
            reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            for example in description["components"]["schemas"][reference.rpartition("/")[2]]["examples"]:
                response = client.post(path, json=example)
                assert response.status_code == 200, (path, example, response.text)
                shown += 1
    assert shown >= 7


DOCUMENT = (Path(__file__).parents[2] / "docs" / "server.md").read_text(encoding="utf-8")
TEXT = " ".join(DOCUMENT.split())


def test_the_documentation_says_what_is_there(client: TestClient) -> None:
    asked = set()
    for line in re.findall(r"^curl .*", DOCUMENT, re.M):
        words = shlex.split(line)
        path = words[2].removeprefix("localhost:8080")
        body = words[words.index("-d") + 1] if "-d" in words else None
        headers = {"content-type": "application/json"}
        response = client.post(path, content=body, headers=headers) if body else client.get(path)
        assert response.status_code == 200, line
        asked.add(path.partition("?")[0])
    assert asked == {*client.get("/openapi.json").json()["paths"], "/openapi.json"} - {"/"}
    for bound in (
        f"{limits.MOST_BYTES // 1024} KiB",
        f"{MOST_GPUS} GPUs",
        f"{MOST_LISTED:,} GPUs times users",
        f"within {limits.SENDING_SECONDS:g} seconds",
    ):
        assert bound in TEXT
    assert {4: "computes four answers at once"}[PROCESSES] in TEXT
    for seconds, what in ((connections.HEAD_SECONDS, "headers"), (limits.SENDING_SECONDS, "body")):
        assert f"{what} within {seconds:g} seconds" in TEXT
    assert f"{connections.MOST_CONNECTIONS:,} connections" in TEXT


def test_hostile_weights_and_images_stay_what_they_are(client: TestClient) -> None:
    body = {**SIZE, "format": "vllm", "weights": "$(touch pwned) 'x' {{ y }}"}
    assert "'$(touch pwned) '\"'\"'x'\"'\"' {{ y }}'" in client.post("/v1/deploy", json=body).json()["file"]
    for key in ("weights", "image"):
        assert problem(client.post("/v1/deploy", json={**body, key: "a\nb"}), 422)["kind"] == "invalid"


def test_a_closed_catalogue_is_what_the_calls_use() -> None:
    assert calls.shelf().names_only
    assert not api.catalogue().names_only
    body = DeployBody(model="mixtral-8x7b", gpu="a6000", format="dstack")
    assert calls.deploy(body).body["format"] == "dstack"
