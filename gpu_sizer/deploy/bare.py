"""The engine's launch command itself, as a shell script that can also be pasted."""

from __future__ import annotations

from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, shell_words


def render(serving: Serving) -> str:
    """The command, or for several machines a script that each of them runs."""
    notes = serving.header(container=False)
    if (variable := serving.starter.key_variable) and serving.choices.api_key:
        notes.append(f"It listens on every interface: clients have to send the key in {variable}, where that is set.")
    elif (option := serving.starter.key_option) and serving.choices.api_key:
        notes.append(f"It listens on every interface: clients have to send a key where {option} KEY is added.")
    elif note := serving.key_note():
        notes.append(note)
    if serving.nodes == 1:
        return comment(notes) + shell_words(serving.command) + "\n"
    notes.append(
        "Run on every machine with HEAD_ADDRESS, the first one's address, and NODE_RANK, its number: 0 for the first."
    )
    return comment(notes) + several(serving)


def several(serving: Serving) -> str:
    """What each of several machines runs, with two variables that it is told."""
    return (
        ': "${HEAD_ADDRESS:?address of the first machine}" "${NODE_RANK:?number of this machine, from 0}"\n'
        + serving.script("NODE_RANK", "HEAD_ADDRESS", container=False)
    )
