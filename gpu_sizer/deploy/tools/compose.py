"""Docker Compose: one service on one machine; for several machines the same file on each.

GPUs: the Compose specification's ``deploy.resources.reservations.devices`` for NVIDIA
(docs.docker.com/compose/how-tos/gpu-support); for AMD the devices and the group that ROCm's containers need
(vllm-project/recipes, Qwen/Qwen3.5.md). ``$`` is doubled in everything that is not Compose's own variable
(compose-spec, 12-interpolation.md).
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy import box
from gpu_sizer.deploy.serving import (
    GRACE_SECONDS,
    HEALTH_FAILURES,
    HEALTH_PERIOD,
    HEALTH_TIMEOUT,
    SHARED_MEMORY_GIB,
    Serving,
)
from gpu_sizer.deploy.text import comment, yaml_documents

#: As in `gpu-sizer deploy --as`.
NAME = "docker-compose"


def _literal(text: str) -> str:
    return text.replace("$", "$$")


def _gpus(serving: Serving) -> dict[str, Any]:
    box.check_platform(serving, "Docker Compose")
    if serving.gpu.platform == "cuda":
        device = {"driver": "nvidia", "count": serving.gpus_per_node, "capabilities": ["gpu"]}
        return {"deploy": {"resources": {"reservations": {"devices": [device]}}}}
    return {
        "devices": list(box.ROCM_DEVICES),
        "group_add": ["video"],
        "cap_add": ["SYS_PTRACE"],
        "security_opt": ["seccomp=unconfined"],
    }


def _health(serving: Serving) -> dict[str, Any]:
    return {
        "test": ["CMD-SHELL", _literal(box.health(serving))],
        "interval": f"{HEALTH_PERIOD}s",
        "timeout": f"{HEALTH_TIMEOUT}s",
        "retries": HEALTH_FAILURES,
        "start_period": f"{serving.start_seconds}s",
    }


def render(serving: Serving) -> str:
    """The file."""
    volumes: list[Any] = []
    if serving.folder is not None:
        folder = _literal(serving.folder)
        volumes.append({"type": "bind", "source": folder, "target": folder, "read_only": True})
    else:
        volumes.append(f"weights:{serving.starter.cache}")
    several = serving.nodes > 1
    environment = {"HF_TOKEN": "${HF_TOKEN:-}"}
    environment |= box.compiled(serving)
    notes = [*serving.header(), "docker compose up -d, with Compose 2."]
    if several:
        environment["HEAD_ADDRESS"] = "${HEAD_ADDRESS:?address of the first machine}"
        environment["NODE_RANK"] = "${NODE_RANK:?number of this machine, from 0}"
        notes.append("Run on every machine, with HEAD_ADDRESS and NODE_RANK in its environment.")
        notes.append(f"The machine's own network is used: port {serving.port} is open on every interface.")
        if (variable := serving.key_variable()) is not None:
            environment[variable] = f"${{{variable}:?key that clients have to send}}"
        elif (note := serving.key_note()) is not None:
            notes.append(note)
        notes.append("For RDMA add devices: [/dev/infiniband]; without it tensors go over TCP.")
        script = serving.script("NODE_RANK", "HEAD_ADDRESS", key=serving.key_variable() is not None)
        entrypoint, command = ["/bin/sh", "-c"], [script]
    else:
        notes.append(f"It answers on this machine alone (http://127.0.0.1:{serving.port}): a proxy gives it to others.")
        entrypoint, command = list(serving.in_container[:1]), list(serving.in_container[1:])
    if (some := box.some_of_the_machine(serving)) is not None:
        environment["HIP_VISIBLE_DEVICES"] = some
    service: dict[str, Any] = {
        "image": _literal(serving.image()),
        "entrypoint": entrypoint,
        "command": [_literal(word) for word in command],
        "environment": environment,
        **({"network_mode": "host"} if several else {"ports": [f"127.0.0.1:{serving.port}:{serving.port}"]}),
        "volumes": volumes,
        "shm_size": f"{SHARED_MEMORY_GIB}gb",
        "ulimits": dict(box.ULIMITS),
        "healthcheck": _health(serving),
        "stop_grace_period": f"{GRACE_SECONDS}s",
        "restart": "unless-stopped",
        **_gpus(serving),
    }
    if several:
        service["cap_add"] = [*service.get("cap_add", ()), "IPC_LOCK"]
    if serving.gpu.platform == "rocm":
        notes.append("Where the devices belong to the group render, add its number to group_add.")
    document = {"name": serving.name, "services": {serving.engine: service}}
    if serving.folder is None:
        document["volumes"] = {"weights": {}}
    return comment(notes) + yaml_documents([document])
