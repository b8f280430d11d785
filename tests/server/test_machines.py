"""Machines over HTTP: what the commands print."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from gpu_sizer import fit_command, rent
from gpu_sizer.cards.fleet import fleet
from gpu_sizer.server.http import create_app


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app()) as made:
        yield made


def test_rent_is_the_librarys(client: TestClient) -> None:
    body = {"model": "mixtral-8x7b", "provider": "lambda", "as_of": "2026-11-30", "context": "8k"}
    found = client.post("/v1/rent", json=body)
    assert found.status_code == 200
    asked = rent("mixtral-8x7b", provider="lambda", as_of="2026-11-30", context="8k")
    assert found.json() == asked.model_dump()


def test_the_list_has_every_machine(client: TestClient) -> None:
    assert len(client.get("/v1/machines").json()["machines"]) == len(fleet().all())
    found = client.get("/v1/machines?search=p4d").json()["machines"]
    assert {m["name"] for m in found} == {"p4d.24xlarge", "p4de.24xlarge"}


def test_a_machine_stands_for_a_gpu(client: TestClient) -> None:
    plan = client.post("/v1/size", json={"model": "mixtral-8x7b", "machine": "gpu_4x_a6000"}).json()
    assert (plan["gpu"], plan["machines"]["machine"]) == ("rtx-a6000", "gpu_4x_a6000")
    fit = client.post("/v1/fit", json={"model": "deepseek-v3", "machine": "p5.48xlarge"}).json()
    assert (fit["gpu_count"], fit["fits"]) == (8, False)


def test_a_command_is_judged_before_it_runs(client: TestClient) -> None:
    command = "vllm serve Qwen/Qwen3-8B --max-model-len 32768 --port 80"
    found = client.post("/v1/fit", json={"command": command, "gpu": "l4"}).json()
    assert found == fit_command(command, gpu="l4").model_dump()
    assert (found["fits"], found["command"]["not_considered"]) == (False, ["--port"])
    more = client.post("/v1/fit", json={"command": command, "gpu": "l4", "context": 8192}).json()
    assert (more["fits"], more["assumptions"]["context"]) == (True, 8192)
    for body, said in (
        ({"gpu": "l4"}, "name a model, or a command"),
        ({"gpu": "l4", "command": "vllm serve"}, "names no model"),
        ({"gpu": "l4", "command": "ls -l"}, "no command of a server is found"),
        ({"gpu": "l4", "command": "vllm serve Qwen/Qwen3-8B -tp 512"}, "at most 256 can be asked about here"),
        ({"gpu": "local", "command": command}, "unknown machine 'local'"),
        ({"gpu": "l4", "command": "vllm serve /etc/passwd"}, "unknown model"),
    ):
        refused = client.post("/v1/fit", json=body)
        assert refused.status_code == 422
        assert said in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "kind", "said"),
    [
        ("size", {"model": "mixtral-8x7b"}, "incomplete", "on which GPU?"),
        ("size", {"model": "mixtral-8x7b", "gpu": "h100", "machine": "p5"}, "invalid", "not both"),
        ("size", {"model": "mixtral-8x7b", "machine": "gpu_1x_a100"}, "ambiguous", "lambda/gpu_1x_a100"),
        ("rent", {"model": "mixtral-8x7b", "provider": "lamda"}, "unknown", "did you mean lambda"),
        ("rent", {"model": "mixtral-8x7b", "max_price": 0}, "invalid", "max_price"),
        ("rent", {"model": "mixtral-8x7b", "as_of": "soon"}, "invalid", "as_of must be a date"),
    ],
)
def test_errors_are_objects(client: TestClient, path: str, body: dict[str, object], kind: str, said: str) -> None:
    found = client.post(f"/v1/{path}", json=body)
    assert found.status_code == 422
    assert found.json()["error"]["kind"] == kind
    assert said in found.json()["error"]["message"]
