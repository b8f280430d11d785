"""Docker Compose: one service on one machine; for several machines the same file on each.

GPUs: the Compose specification's ``deploy.resources.reservations.devices`` for NVIDIA
(docs.docker.com/compose/how-tos/gpu-support); for AMD the devices and the group that ROCm's containers need
(vllm-project/recipes, Qwen/Qwen3.5.md). ``$`` is doubled in everything that is not Compose's own variable
(compose-spec, 12-interpolation.md).
"""

from __future__ import annotations

from gpu_sizer.deploy.serving import SHARED_MEMORY_GIB, Serving
from gpu_sizer.deploy.text import comment, yaml_documents
from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: As in `gpu-sizer deploy --as`.
NAME = "docker-compose"


def _literal(text: str) -> str:
    return text.replace("$", "$$")


def _gpus(serving: Serving) -> dict[str, Any]:
    platform = serving.gpu.platform
    if platform == "cuda":
        device = {"driver": "nvidia", "count": serving.gpus_per_node, "capabilities": ["gpu"]}
        return {"deploy": {"resources": {"reservations": {"devices": [device]}}}}
    if platform == "rocm":
        return {
            "devices": ["/dev/kfd", "/dev/dri"],
            "group_add": ["video"],
            "cap_add": ["SYS_PTRACE"],
            "security_opt": ["seccomp=unconfined"],
        }
    raise RequestError(f"Docker Compose files are written for NVIDIA and AMD GPUs, not for {serving.gpu.name}")


def render(serving: Serving) -> str:
    """The file."""
    volumes: list[Any] = [f"weights:{serving.starter.cache}"]
    if serving.folder is not None:
        folder = _literal(serving.folder)
        volumes.append({"type": "bind", "source": folder, "target": folder, "read_only": True})
    several = serving.nodes > 1
    environment = {"HF_TOKEN": "${HF_TOKEN:-}"}
    notes = serving.header()
    if several:
        environment["HEAD_ADDRESS"] = "${HEAD_ADDRESS:?address of the first machine}"
        environment["NODE_RANK"] = "${NODE_RANK:?number of this machine, from 0}"
        notes = [*notes, "Run on every machine, with HEAD_ADDRESS and NODE_RANK in its environment."]
        entrypoint, command = ["/bin/sh", "-c"], [serving.script("NODE_RANK", "HEAD_ADDRESS")]
    else:
        entrypoint, command = list(serving.in_container[:1]), list(serving.in_container[1:])
    if serving.gpu.platform == "rocm" and serving.gpus_per_node < serving.fit.request.gpus_per_node:
        environment["HIP_VISIBLE_DEVICES"] = ",".join(str(i) for i in range(serving.gpus_per_node))
    service: dict[str, Any] = {
        "image": _literal(serving.image()),
        "entrypoint": entrypoint,
        "command": [_literal(word) for word in command],
        "environment": environment,
        **({"network_mode": "host"} if several else {"ports": [f"127.0.0.1:{serving.port}:{serving.port}"]}),
        "volumes": volumes,
        "shm_size": f"{SHARED_MEMORY_GIB}gb",
        "restart": "unless-stopped",
        **_gpus(serving),
    }
    document = {"name": serving.name, "services": {serving.engine: service}, "volumes": {"weights": {}}}
    return comment(notes) + yaml_documents([document])
