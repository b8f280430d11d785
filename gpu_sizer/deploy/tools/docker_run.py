"""``docker run``: one container on one machine, the same command on each of several.

Options as in docs.docker.com/reference/cli/docker/container/run; GPUs as in docs/deployment/docker.md of vLLM.
"""

from __future__ import annotations

from gpu_sizer.deploy import box
from gpu_sizer.deploy.serving import (
    GRACE_SECONDS,
    HEALTH_FAILURES,
    HEALTH_PERIOD,
    HEALTH_TIMEOUT,
    SHARED_MEMORY_GIB,
    Serving,
)
from gpu_sizer.deploy.text import comment, shell_words

#: As in `gpu-sizer deploy --as`.
NAME = "docker-run"


def _gpus(serving: Serving) -> list[str]:
    if serving.gpu.platform == "cuda":
        return ["--gpus", str(serving.gpus_per_node)]
    devices = [word for device in box.ROCM_DEVICES for word in ("--device", device)]
    some = box.some_of_the_machine(serving)
    numbers = ["--env", f"HIP_VISIBLE_DEVICES={some}"] if some is not None else []
    return [
        *devices,
        *("--group-add", "video"),
        *("--cap-add", "SYS_PTRACE"),
        *("--security-opt", "seccomp=unconfined"),
        *numbers,
    ]


def render(serving: Serving) -> str:
    """The command, with comments."""
    box.check_platform(serving, "docker run")
    several, variable = serving.nodes > 1, serving.key_variable()
    words = ["docker", "run", "--detach", "--name", serving.name, "--restart", "unless-stopped", *_gpus(serving)]
    words += ["--shm-size", f"{SHARED_MEMORY_GIB}g"]
    for name, limit in box.ULIMITS.items():
        words += ["--ulimit", f"{name}={limit}"]
    notes = serving.header()
    if several:
        words += ["--network", "host", "--cap-add", "IPC_LOCK", "--env", "HEAD_ADDRESS", "--env", "NODE_RANK"]
        words += ["--env", variable] if variable is not None else []
        notes.append(
            "Run on every machine with HEAD_ADDRESS, the first one's address, and NODE_RANK, its number, exported."
        )
        notes.append(f"The machine's own network is used: port {serving.port} is open on every interface.")
        if variable is not None:
            notes.append(f"Export {variable}, the key that clients have to send.")
        elif (note := serving.key_note()) is not None:
            notes.append(note)
    else:
        words += ["--publish", f"127.0.0.1:{serving.port}:{serving.port}"]
        notes.append(f"It answers on this machine alone (http://127.0.0.1:{serving.port}): a proxy gives it to others.")
    words += ["--env", "HF_TOKEN"]
    if serving.folder is not None:
        words += ["--mount", f"type=bind,source={serving.folder},target={serving.folder},readonly"]
    else:
        words += ["--volume", f"{serving.name}:{serving.starter.cache}"]
    for name, value in box.compiled(serving).items():
        words += ["--env", f"{name}={value}"]
    words += ["--health-cmd", box.health(serving), "--health-interval", f"{HEALTH_PERIOD}s"]
    words += ["--health-timeout", f"{HEALTH_TIMEOUT}s", "--health-retries", str(HEALTH_FAILURES)]
    words += ["--health-start-period", f"{serving.start_seconds}s", "--stop-timeout", str(GRACE_SECONDS)]
    if several:
        script = serving.script("NODE_RANK", "HEAD_ADDRESS", key=variable is not None)
        words += ["--entrypoint", "/bin/sh", serving.image(), "-c", script]
        needed = ': "${HEAD_ADDRESS:?address of the first machine}" "${NODE_RANK:?number of this machine, from 0}"'
        needed += f' "${{{variable}:?key that clients have to send}}"\n' if variable is not None else "\n"
        return comment(notes) + needed + shell_words(words) + "\n"
    command = serving.in_container
    words += ["--entrypoint", command[0], serving.image()]
    # What follows the image is the engine's.
    return comment(notes) + shell_words(words) + " \\\n  " + shell_words(command[1:]) + "\n"
