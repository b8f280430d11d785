"""The engine's launch command itself, as a shell script that can also be pasted."""

from __future__ import annotations

from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, shell_words


def render(serving: Serving) -> str:
    """The command, or for several machines a script that each of them runs."""
    if serving.nodes == 1:
        return comment(serving.header()) + shell_words(serving.command) + "\n"
    usage = [
        *serving.header(),
        "Run on every machine with HEAD_ADDRESS, the first one's address, and NODE_RANK, its number: 0 for the first.",
    ]
    return (
        comment(usage)
        + ': "${HEAD_ADDRESS:?address of the first machine}" "${NODE_RANK:?number of this machine, from 0}"\n'
        + serving.script("NODE_RANK", "HEAD_ADDRESS", container=False)
    )
