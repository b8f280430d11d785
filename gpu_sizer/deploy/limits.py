"""What a format of a tool cannot hold, said in one sentence."""

from __future__ import annotations

import re

from gpu_sizer.deploy.serving import Serving
from gpu_sizer.errors import RequestError

#: Names that are names in every template, shell and file.
_TAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]*")


def one_machine(serving: Serving, tool: str) -> None:
    """Refuses several machines for a tool that starts one server on one.

    Raises:
        RequestError: with formats that hold several.
    """
    if serving.nodes > 1:
        raise RequestError(
            f"{tool} starts a server on one machine, and this takes {serving.nodes}: "
            "kubernetes, slurm, skypilot and dstack hold several, or plan with --single-node"
        )


def engine_alone(serving: Serving, tool: str, title: str) -> None:
    """Refuses engines that a tool does not start.

    Raises:
        RequestError: the engine that it starts.
    """
    if serving.starter.title != title:
        raise RequestError(f"{tool} starts {title} alone, not {serving.starter.title}")


def tame(serving: Serving, tool: str) -> str:
    """What is loaded, for tools that put it into a template or a script of their own without quotes.

    Raises:
        RequestError: a name that could become more than a name there.
    """
    if not _TAME.fullmatch(serving.weights):
        raise RequestError(f"{tool} takes repositories and folders of plain names, not {serving.weights[:60]!r}")
    return serving.weights


def hub_alone(serving: Serving, tool: str) -> None:
    """Refuses folders for tools that load repositories alone.

    Raises:
        RequestError: always where weights are in a folder.
    """
    if serving.folder is not None:
        raise RequestError(f"{tool} loads a repository here, not the folder {serving.folder}")
