"""Other sizing tools on PyPI: what each answers without a network, in an environment of its own."""

from __future__ import annotations

import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peer:
    """A tool, its question, and why it is not the whole question where that is so."""

    name: str
    arguments: tuple[str, ...]
    note: str


NOT_EQUAL = "failed or was not asked about a model without a network: timed is"
PEERS = (
    Peer(
        "llmfit",
        ("plan", "mistralai/Mixtral-8x7B-Instruct-v0.1", "--context", "32768", "--json"),
        "plans one model from its built-in database, by default with weights of 4 bits; counts no GPUs",
    ),
    Peer(
        "ridgepoint",
        ("fit", "llama-3-70b", "--gpu", "h100-80gb"),
        "fits a built-in model on one kind of GPU; has no A6000",
    ),
    Peer("hf-mem", ("--help",), f"{NOT_EQUAL} its help"),
    Peer("llm-cal", ("--list-gpus",), f"{NOT_EQUAL} its list of GPUs"),
    Peer("kvfit", ("--list-hardware",), f"{NOT_EQUAL} its list of GPUs"),
)


def installed(peer: Peer, folder: Path) -> list[str] | None:
    """The command line of a peer, installed where it is not yet; null where it cannot be."""
    home = folder / peer.name
    program = home / "bin" / peer.name
    if not program.exists():
        venv.create(home, with_pip=True, clear=True)
        done = subprocess.run([home / "bin" / "pip", "install", "-q", peer.name], capture_output=True, timeout=300)
        if done.returncode or not program.exists():
            return None
    command = [str(program), *peer.arguments]
    return command if subprocess.run(command, capture_output=True, timeout=60).returncode == 0 else None
