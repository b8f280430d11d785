"""The tools of the Model Context Protocol, called by the protocol's own client."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import jsonschema
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult

from gpu_sizer import ask, size
from gpu_sizer.errors import CardError
from gpu_sizer.server import calls
from gpu_sizer.server.mcp import create_server
from tests.server.here import Here


def in_memory(use: Callable[[Client], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with Client(create_server(Here())) as client:
            return await use(client)

    return anyio.run(run)


def called(name: str, **arguments: Any) -> CallToolResult:
    found = in_memory(lambda client: client.call_tool(name, arguments))
    assert isinstance(found, CallToolResult)
    return found


def test_every_call_is_a_tool_with_its_schema() -> None:
    tools = in_memory(lambda client: client.list_tools()).tools
    assert {t.name for t in tools} == set(calls.CALLS)
    for tool in tools:
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.description
        assert tool.annotations.read_only_hint
        for example in tool.input_schema["examples"]:
            jsonschema.validate(example, tool.input_schema)


def test_tools_answer_as_the_library_does() -> None:
    plan = size("mixtral-8x7b", gpu="a6000")
    found = called("size", model="mixtral-8x7b", gpu="a6000")
    assert not found.is_error
    assert found.structured_content == json.loads(json.dumps(plan.model_dump()))
    assert found.content[0].text == plan.explain()  # type: ignore[union-attr]
    question = "how many A6000s for Mixtral 8x7b"
    assert called("ask", question=question).content[0].text == "\n".join(ask(question).lines())  # type: ignore[union-attr]
    assert called("fit", model="mixtral-8x7b", gpu="a6000", gpu_count=2).structured_content["fits"] is False
    assert (
        "kind: Deployment" in called("deploy", model="mixtral-8x7b", gpu="a6000", format="kubernetes").content[0].text
    )  # type: ignore[union-attr]
    told = {"model": "mixtral-8x7b", "gpu": "a6000", "format": "vllm", "extra": ["--tool-call-parser", "mistral"]}
    assert called("deploy", **told).content[0].text.endswith("--tool-call-parser mistral")  # type: ignore[union-attr]
    refused = called("deploy", **{**told, "extra": ["--tensor-parallel-size", "2"]})
    assert refused.is_error
    assert "is a part of the plan" in refused.content[0].text  # type: ignore[union-attr]
    assert "h100-80gb" in called("gpus", search="h100").content[0].text  # type: ignore[union-attr]
    assert called("models", search="mixtral").structured_content["models"]


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "about"),
    [
        ("size", {"model": "/etc/passwd", "gpu": "a6000"}, "unknown", "model"),
        ("size", {"model": "hf:a/b", "gpu": "a6000"}, "unknown", "model"),
        ("size", {"model": "mixtral-8x7b", "gpu": "./gpu.yaml"}, "unknown", "gpu"),
        ("size", {"model": "mixtral-8x7b"}, "incomplete", "gpu"),
        ("size", {"model": "mixtral-8x7b", "gpu": "a6000", "max_gpus": 4096}, "invalid", "question"),
        ("size", {"model": "mixtral-8x7b", "gpu": "a6000", "users": "2"}, "invalid", "users"),
        ("no-such-tool", {}, "invalid", "question"),
    ],
)
def test_errors_are_those_of_the_other_interfaces(name: str, arguments: dict[str, Any], kind: str, about: str) -> None:
    found = called(name, **arguments)
    assert found.is_error
    error = found.structured_content["error"]
    assert (error["kind"], error["about"]) == (kind, about)
    assert json.loads(found.content[0].text) == found.structured_content  # type: ignore[union-attr]


def test_faults_tell_nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(body: Any) -> Any:
        raise CardError("/home/operator/secret.yaml", "id", "missing")

    monkeypatch.setitem(calls.CALLS, "size", calls.Call("size", calls.SizeBody, broken, "broken"))
    found = called("size", model="mixtral-8x7b", gpu="a6000")
    assert found.is_error
    assert "operator" not in found.content[0].text  # type: ignore[union-attr]


def test_the_command_speaks_the_protocol_on_stdin_and_stdout() -> None:
    server = StdioServerParameters(command=sys.executable, args=["-m", "gpu_sizer", "mcp"])

    async def run() -> None:
        async with Client(stdio_client(server)) as client:
            assert client.server_info is not None
            assert client.server_info.name == "gpu-sizer"
            found = await client.call_tool("size", {"model": "mixtral-8x7b", "gpu": "a6000"})
            assert isinstance(found, CallToolResult)
            assert found.structured_content["gpu_count"] == 3

    anyio.run(run)
