"""Runs what a format says, up to the engine: a stand-in named ``vllm`` notes its words instead of serving."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

#: Formats of tools whose files are run here, up to the engine.
RUN = ("docker-compose", "dstack", "kubernetes", "skypilot", "slurm")


def stand_ins(folder: Path) -> dict[str, str]:
    """An environment whose ``vllm`` writes its words down, and whose Slurm runs things here."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    for name, text in {
        "vllm": f"printf '%s\\0' \"$@\" > {folder}/words",
        "srun": 'exec "$@"',
        "scontrol": "printf 'first\\nsecond\\n'",
    }.items():
        tool = tools / name
        tool.write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        tool.chmod(0o755)
    return {"PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(folder)}


def _run(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> list[str]:
    out = folder / "words"
    out.unlink(missing_ok=True)
    done = subprocess.run(
        words,
        env={**stand_ins(folder), "VLLM_API_KEY": "key", **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return ["vllm", *out.read_text(encoding="utf-8").split("\0")[:-1]]


def kubelet(word: str, variables: Mapping[str, str]) -> str:
    """What Kubernetes makes of an argument: ``$$`` is ``$``, ``$(NAME)`` a variable that exists."""

    def expand(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        return variables.get(found[1], found[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", expand, word)


def compose(word: str, variables: Mapping[str, str]) -> str:
    """What Compose makes of a value: ``$$`` is ``$``; any other ``$`` must be one of the file's own variables."""

    def expand(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else variables[found[1]]

    return re.sub(r"\$\$|\$\{?([A-Z_]*)[^}]*\}?", expand, word)


def started(form: str, text: str, folder: Path, rank: int = 0) -> list[str]:
    """The words with which one machine starts the engine."""
    number = str(rank)
    if form == "vllm":
        return _run(["bash", "-c", text], folder, {"HEAD_ADDRESS": "first", "NODE_RANK": number})
    if form == "slurm":
        return _run(["bash", "-c", text], folder, {"SLURM_PROCID": number, "SLURM_JOB_NODELIST": "n[1-2]"})
    documents = list(yaml.safe_load_all(text))
    first: dict[str, Any] = documents[0]
    if form == "skypilot":
        ips = {"SKYPILOT_NODE_RANK": number, "SKYPILOT_NODE_IPS": "first\nsecond"}
        return _run(["bash", "-c", first["run"]], folder, ips)
    if form == "dstack":
        place = {"DSTACK_NODE_RANK": number, "DSTACK_MASTER_NODE_IP": "first"}
        return _run(["sh", "-c", "\n".join(first["commands"])], folder, place)
    if form == "docker-compose":
        service = first["services"]["vllm"]
        given = {"HEAD_ADDRESS": "first", "NODE_RANK": number, "HF_TOKEN": "", "VLLM_API_KEY": "key"}
        own = {k: compose(v, given) for k, v in service["environment"].items()}
        return _run([compose(w, given) for w in (*service["entrypoint"], *service["command"])], folder, own)
    assert form == "kubernetes"
    container = pods(documents)[min(rank, 1)]["containers"][0]
    given = {"LWS_LEADER_ADDRESS": "first", "LWS_WORKER_INDEX": number}
    return _run([kubelet(w, given) for w in (*container["command"], *container["args"])], folder, {})


def workload_of(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The Deployment or LeaderWorkerSet among manifests."""
    return next(d for d in documents if d["kind"] in ("Deployment", "LeaderWorkerSet"))


def pods(documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The specs of the pods: one of a Deployment, leader and worker of a LeaderWorkerSet."""
    workload = workload_of(documents)
    if workload["kind"] == "Deployment":
        return [workload["spec"]["template"]["spec"]]
    group = workload["spec"]["leaderWorkerTemplate"]
    return [group["leaderTemplate"]["spec"], group["workerTemplate"]["spec"]]


def options(words: Sequence[str]) -> dict[str, str]:
    """Options and their values; a switch has an empty one."""
    found: dict[str, str] = {}
    for i, word in enumerate(words):
        if word.startswith("--"):
            after = words[i + 1] if i + 1 < len(words) else "--"
            found[word] = "" if after.startswith("--") else after
    return found
