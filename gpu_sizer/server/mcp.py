"""The same calls as tools of the Model Context Protocol, for assistants that provision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from gpu_sizer import __version__
from gpu_sizer.errors import CardError, GpuSizerError, RequestError
from gpu_sizer.server.calls import CALLS, Answered, Call, warm_up
from gpu_sizer.server.computing import SECONDS, Computing, TooLongError
from gpu_sizer.server.errors import error_object, refused

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

#: What an assistant is told of the tools.
INSTRUCTIONS = (
    "How many GPUs a language model takes to serve, unquantized, in a layout that the engine accepts; checked against "
    "real start-up logs. Use size for the fewest GPUs, fit for a given number or layout, ask for anything in words, "
    "deploy for the command or file that starts it, models and gpus for the names. Repeat what an answer assumed; "
    "a verdict of tight is no promise that it fits."
)


def _answer(call: Call, arguments: dict[str, Any]) -> Answered:
    """A call with unchecked arguments."""
    return call.run(call.body.model_validate(arguments))


def _problem(error: Exception) -> dict[str, Any]:
    """The JSON object of an error, as over HTTP."""
    if isinstance(error, ValidationError):
        return refused(error.errors())
    if isinstance(error, TooLongError):
        return error_object("timeout", f"the answer takes longer than {SECONDS:g} seconds: ask about fewer GPUs")
    if isinstance(error, GpuSizerError) and not isinstance(error, CardError):
        return error.model_dump()
    return error_object("fault", "a fault of ours")


def create_server() -> Server[Any]:
    """The server with a tool for every call.

    Raises:
        RequestError: the protocol's package is not installed.
    """
    try:
        import mcp.types as types
        from mcp.server.lowlevel import Server
    except ImportError:
        raise RequestError("the MCP server needs one more package: pip install 'gpu-sizer[mcp]'") from None

    computing = Computing(SECONDS)

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
        def answered(call: Call) -> tuple[dict[str, Any], str]:
            found = _answer(call, params.arguments or {})
            return found.body, "\n".join(found.lines)

        try:
            if (call := CALLS.get(params.name)) is None:
                raise RequestError(f"no tool {params.name[:40]!r}; there are: {', '.join(CALLS)}")
            body, text = await computing.run(answered, call)
        except Exception as error:
            problem = _problem(error)
            words = types.TextContent(type="text", text=json.dumps(problem))
            return types.CallToolResult(content=[words], structured_content=problem, is_error=True)
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], structured_content=body)

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
    server = create_server()
    import anyio
    from mcp.server.stdio import stdio_server

    warm_up()

    async def run() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(run)
