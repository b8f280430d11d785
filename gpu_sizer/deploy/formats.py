"""The formats by name, and the one call that writes them."""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy import bare
from gpu_sizer.deploy.choices import CHOICES, Choices
from gpu_sizer.deploy.making import make_serving
from gpu_sizer.discovery import modules_with
from gpu_sizer.engines.registry import engine_commands, starter_of
from gpu_sizer.errors import RequestError, unknown_word
from gpu_sizer.planning.plan import Fit, Plan

#: Formats that are an engine's bare command, and the engine of each.
COMMANDS = engine_commands()
#: Formats of tools, for every engine, and the modules that write them: each module of `tools` has a ``NAME``.
TOOLS = {module.NAME: module for module in modules_with("gpu_sizer.deploy.tools", "NAME")}
FORMATS = (*COMMANDS, *TOOLS)
#: Choices that some formats have a place for, which say so in their ``TAKES``.
OF_SOME = ("namespace", "replicas", "dra", "rdma")


def check_form(form: str) -> None:
    """Refuses a format that nobody writes.

    Raises:
        RequestError: with those that are known.
    """
    if form not in FORMATS:
        raise unknown_word(f"unknown format {form[:40]!r}", form, FORMATS)


def own_form(answer: Plan | Fit) -> str:
    """The bare command of a plan's engine, for those who name no format.

    Raises:
        RequestError: the engine has no server of its own.
    """
    engine = answer.request.get_engine().name
    starter_of(engine)
    return next(form for form, name in COMMANDS.items() if name == engine)


def deploy(answer: Plan | Fit, form: str, **options: Any) -> str:
    """The text of a file, or the command, that starts the server of a plan.

    Args:
        answer: a plan, or one layout that fits.
        form: one of ``FORMATS``.
        options: the fields of :class:`gpu_sizer.deploy.choices.Choices`.

    Raises:
        DoesNotFitError: there is nothing to deploy.
        RequestError: an unknown format, a value that makes no sense, or what format or engine version cannot do.
    """
    check_form(form)
    engine = answer.request.get_engine().name
    if form in COMMANDS and COMMANDS[form] != engine:
        raise RequestError(f"the plan is for {engine}, not for {form}: plan with --engine {COMMANDS[form]}")
    chosen = Choices(**options)
    module = TOOLS.get(form, bare)
    for name in OF_SOME:
        default = next(s.default for s in CHOICES if s.name == name)
        if getattr(chosen, name) != default and name not in getattr(module, "TAKES", ()):
            some = [f for f, other in TOOLS.items() if name in getattr(other, "TAKES", ())]
            raise RequestError(f"{form} takes no {name}; those that do: {', '.join(some)}")
    text: str = module.render(make_serving(answer, chosen))
    return text
