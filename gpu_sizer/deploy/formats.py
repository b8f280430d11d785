"""The formats by name, and the one call that writes them."""

from __future__ import annotations

from gpu_sizer.deploy import bare
from gpu_sizer.deploy.serving import make_serving
from gpu_sizer.discovery import modules_with
from gpu_sizer.engines.registry import engine_commands
from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.planning.plan import Fit, Plan

#: Formats that are an engine's bare command, and the engine of each.
COMMANDS = engine_commands()
#: Formats of tools, for every engine, and the modules that write them: each module of `tools` has a ``NAME``.
TOOLS = {module.NAME: module for module in modules_with("gpu_sizer.deploy.tools", "NAME")}
FORMATS = (*COMMANDS, *TOOLS)


def deploy(
    answer: Plan | Fit,
    form: str,
    *,
    weights: str | None = None,
    release: str | None = None,
    image: str | None = None,
    port: int = 8000,
    tuned: bool = False,
) -> str:
    """The text of a file, or the command, that starts the server of a plan.

    Args:
        answer: a plan, or one layout that fits.
        form: one of ``FORMATS``.
        weights: repository or absolute folder that the engine loads; null is the release's; it may hold types that
            were asked for as a what-if.
        release: repository of the release that was meant (an instruct version); null is the card's.
        image: container image; null is the engine's own.
        port: of the server.
        tuned: with the plan's lower settings on fewer GPUs.

    Raises:
        DoesNotFitError: there is nothing to deploy.
        RequestError: an unknown format, a value that makes no sense, or what format or engine version cannot do.
    """
    if form not in FORMATS:
        raise RequestError(f"unknown format {form[:40]!r}; known: {', '.join(FORMATS)}", suggestions=FORMATS)
    engine = answer.request.get_engine().name
    if form in COMMANDS and COMMANDS[form] != engine:
        raise RequestError(f"the plan is for {engine}, not for {form}: plan with --engine {COMMANDS[form]}")
    serving = make_serving(answer, weights=weights, release=release, image=image, port=port, tuned=tuned)
    text: str = TOOLS.get(form, bare).render(serving)
    return text
