"""The same calls as tools of the Model Context Protocol, for assistants that provision."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gpu_sizer import __version__
from gpu_sizer.errors import RequestError
from gpu_sizer.server.answering import Outcome, fault
from gpu_sizer.server.calls import CALLS, warm_up
from gpu_sizer.server.computing import SECONDS, Computing, TooLongError
from gpu_sizer.server.errors import error_object

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

LOG = logging.getLogger("gpu_sizer.server")
#: What an assistant is told of the tools.
INSTRUCTIONS = (
    "How many GPUs a language model takes to serve, unquantized, in a layout that the engine accepts; checked against "
    "real start-up logs. Use size for the fewest GPUs, fit for a given number or layout, ask for anything in words, "
    "deploy for the command or file that starts it, models and gpus for the names. Repeat what an answer assumed; "
    "a verdict of tight is no promise that it fits."
)


async def _outcome(computing: Computing, name: str, arguments: dict[str, Any]) -> Outcome:
    """What a call with unchecked arguments gives."""
    try:
        return await computing.run(name, arguments, text=True)
    except TooLongError:
        message = f"the answer takes longer than {computing.seconds:g} seconds: ask about fewer GPUs"
        return Outcome(HTTPStatus.SERVICE_UNAVAILABLE, error_object("timeout", message))
    except Exception:
        LOG.exception("a fault of ours, in %s", name[:40])
        return fault("a fault of ours")


def create_server(computing: Computing | None = None) -> Server[Any]:
    """The server with a tool for every call.

    Args:
        computing: where answers are computed; null is in processes of its own.

    Raises:
        RequestError: the protocol's package is not installed.
    """
    try:
        import mcp.types as types
        from mcp.server.lowlevel import Server
    except ImportError:
        raise RequestError("the MCP server needs one more package: pip install 'gpu-sizer[mcp]'") from None

    where = computing or Computing(SECONDS)

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        harmless = types.ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=call.name,
                    description=call.summary,
                    input_schema=call.body.model_json_schema(),
                    annotations=harmless,
                )
                for call in CALLS.values()
            ]
        )

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        outcome = await _outcome(where, params.name, params.arguments or {})
        wrong = outcome.status != HTTPStatus.OK
        words = types.TextContent(type="text", text=json.dumps(outcome.body) if wrong else outcome.text)
        return types.CallToolResult(content=[words], structured_content=outcome.body, is_error=wrong)

    return Server(
        "gpu-sizer",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def serve_stdio() -> None:
    """Serves one assistant over stdin and stdout until it closes them.

    Raises:
        CardError: a card of the operator's own folders that cannot be used.
        RequestError: the protocol's package is not installed.
    """
    computing = Computing(SECONDS)
    server = create_server(computing)
    import anyio
    from mcp.server.stdio import stdio_server

    warm_up()

    async def run() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    try:
        anyio.run(run)
    finally:
        computing.close()
