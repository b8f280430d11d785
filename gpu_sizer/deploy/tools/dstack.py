"""dstack: a service on one machine, a distributed task on several (a service's replicas are single machines).

As in dstack's mkdocs/docs/examples/inference/vllm.md, concepts/services.md and concepts/tasks.md; GPU names as in
gpuhunt's list of known GPUs; DSTACK_NODE_RANK and DSTACK_MASTER_NODE_IP as in concepts/tasks.md.
"""

from __future__ import annotations

import re
from typing import Any

from gpu_sizer.deploy import box
from gpu_sizer.deploy.serving import HEALTH_PERIOD, HEALTH_TIMEOUT, SHARED_MEMORY_GIB, Serving
from gpu_sizer.deploy.text import comment, yaml_documents
from gpu_sizer.errors import RequestError

#: As in `gpu-sizer deploy --as`.
NAME = "dstack"
#: Choices that it has a place for.
TAKES = ("replicas",)

#: Our GPU ids, dstack's names, and the memory in GB where one name has several (gpuhunt/_internal/constraints.py).
GPUS: dict[str, tuple[str, int | None]] = {
    "a10": ("A10", None),
    "a100-40gb": ("A100", 40),
    "a100-80gb": ("A100", 80),
    "a100-pcie-40gb": ("A100", 40),
    "a100-pcie-80gb": ("A100", 80),
    "a10g": ("A10G", None),
    "a16": ("A16", None),
    "a40": ("A40", None),
    "b200": ("B200", None),
    "b300": ("B300", None),
    "gb200": ("GB200", None),
    "gb300": ("GB300", None),
    "gh200-96gb": ("GH200", None),
    "h100-80gb": ("H100", None),
    "h100-nvl": ("H100NVL", None),
    "h100-pcie": ("H100", None),
    "h200": ("H200", None),
    "h200-nvl": ("H200NVL", None),
    "l4": ("L4", None),
    "l40": ("L40", None),
    "l40s": ("L40S", None),
    "mi100": ("MI100", None),
    "mi210": ("MI210", None),
    "mi300a": ("MI300A", None),
    "mi300x": ("MI300X", None),
    "mi325x": ("MI325X", None),
    "mi350x": ("MI350X", None),
    "mi355x": ("MI355X", None),
    "p100-16gb": ("P100", None),
    "quadro-rtx-6000": ("RTX6000", None),
    "rtx-2000-ada": ("RTX2000Ada", None),
    "rtx-2060-12gb": ("RTX2060", 12),
    "rtx-2060-6gb": ("RTX2060", 6),
    "rtx-2060-super": ("RTX2060SUPER", None),
    "rtx-2070": ("RTX2070", None),
    "rtx-2070-super": ("RTX2070SUPER", None),
    "rtx-2080": ("RTX2080", None),
    "rtx-2080-super": ("RTX2080SUPER", None),
    "rtx-2080-ti": ("RTX2080Ti", None),
    "rtx-3050": ("RTX3050", 8),
    "rtx-3060-12gb": ("RTX3060", 12),
    "rtx-3060-8gb": ("RTX3060", 8),
    "rtx-3060-ti": ("RTX3060Ti", None),
    "rtx-3070": ("RTX3070", None),
    "rtx-3070-ti": ("RTX3070Ti", None),
    "rtx-3080-10gb": ("RTX3080", None),
    "rtx-3080-ti": ("RTX3080Ti", None),
    "rtx-3090": ("RTX3090", None),
    "rtx-3090-ti": ("RTX3090Ti", None),
    "rtx-4000-ada": ("RTX4000Ada", None),
    "rtx-4060": ("RTX4060", None),
    "rtx-4060-ti-16gb": ("RTX4060Ti", 16),
    "rtx-4060-ti-8gb": ("RTX4060Ti", 8),
    "rtx-4070": ("RTX4070", None),
    "rtx-4070-super": ("RTX4070SUPER", None),
    "rtx-4070-ti": ("RTX4070Ti", None),
    "rtx-4070-ti-super": ("RTX4070TiSUPER", None),
    "rtx-4080": ("RTX4080", None),
    "rtx-4080-super": ("RTX4080SUPER", None),
    "rtx-4090": ("RTX4090", None),
    "rtx-5060": ("RTX5060", None),
    "rtx-5060-ti-16gb": ("RTX5060Ti", 16),
    "rtx-5060-ti-8gb": ("RTX5060Ti", 8),
    "rtx-5070": ("RTX5070", None),
    "rtx-5070-ti": ("RTX5070Ti", None),
    "rtx-5080": ("RTX5080", None),
    "rtx-5090": ("RTX5090", None),
    "rtx-6000-ada": ("RTX6000Ada", None),
    "rtx-a4000": ("A4000", None),
    "rtx-a4500": ("A4500", None),
    "rtx-a5000": ("A5000", None),
    "rtx-a6000": ("A6000", None),
    "rtx-pro-4500": ("RTXPRO4500", None),
    "rtx-pro-6000": ("RTXPRO6000", None),
    "rtx-pro-6000-workstation": ("RTXPRO6000", None),
    "t4": ("T4", None),
    "v100-16gb": ("V100", 16),
    "v100-32gb": ("V100", 32),
    "v100-pcie-16gb": ("V100", 16),
    "v100-pcie-32gb": ("V100", 32),
}
#: Our ids of providers and dstack's backends whose instances bear the names we know (gpuhunt/providers/*.py).
BACKENDS: dict[str, str] = {
    **{name: name for name in ("aws", "azure", "crusoe", "digitalocean", "gcp", "hotaisle", "lambda", "nebius", "oci")},
    **{name: name for name in ("seeweb", "verda", "vultr")},
}
#: Disk for the image, in GB.
SYSTEM_GB = 100


def _literal(script: str) -> str:
    """A script without what dstack replaces in it, ``${{ }}``, and its escape, ``$$``.

    Both can only stand in a quoted name, where closing and opening the quotes between two characters changes nothing
    for the shell.
    """
    return re.sub(r"\$(?=\$|\{\{)", "$''", script)


def _answers(serving: Serving) -> dict[str, Any]:
    """How requests reach it: by dstack's gateway, which asks for a token, or by a port that it forwards."""
    if serving.nodes > 1:
        if serving.choices.replicas > 1:
            raise RequestError("dstack runs several machines as a task, which has no replicas")
        return {"ports": [serving.port]}
    probe = {"type": "http", "url": "/health", "timeout": HEALTH_TIMEOUT, "interval": HEALTH_PERIOD}
    return {
        "port": serving.port,
        "model": serving.weights,
        "probes": [probe],
        **({"replicas": serving.choices.replicas} if serving.choices.replicas > 1 else {}),
    }


def render(serving: Serving) -> str:
    """The configuration."""
    if (known := GPUS.get(serving.gpu.id)) is None:
        raise RequestError(f"dstack's list of GPUs has no {serving.gpu.name} (gpuhunt)", about="gpu")
    name, memory = known
    gpu: dict[str, Any] = {"name": name, "count": serving.gpus_per_node}
    if memory is not None:
        gpu["memory"] = f"{memory}GB"
    several = serving.nodes > 1
    offer = serving.rented
    backend = BACKENDS.get(offer.provider) if offer is not None else None
    top: dict[str, Any] = {"type": "task" if several else "service", "name": serving.name}
    if several:
        top["nodes"] = serving.nodes
    if serving.folder is not None:
        volumes: list[dict[str, Any]] = [{"instance_path": serving.folder, "path": serving.folder}]
    else:
        cache = serving.starter.cache
        volumes = [{"instance_path": cache, "path": cache, "optional": True}]
    if offer is not None and backend is not None:
        top |= {"backends": [backend], "instance_types": [offer.machine.name]}
    top |= {
        "image": serving.image(),
        "env": {"HF_TOKEN": "", **box.compiled(serving)},
        "commands": [_literal(serving.script("DSTACK_NODE_RANK", "DSTACK_MASTER_NODE_IP"))],
        **_answers(serving),
        "volumes": volumes,
        "resources": {
            "gpu": gpu,
            "shm_size": f"{SHARED_MEMORY_GIB}GB",
            "cpu": f"{serving.cores}..",
            "memory": f"{serving.memory_gib + SHARED_MEMORY_GIB}GB..",
            "disk": f"{serving.storage_gib + SYSTEM_GB}GB..",
        },
    }
    notes = [*serving.header(), "dstack apply -f FILE. A gated model needs a token: -e HF_TOKEN=..."]
    if several:
        notes.append("Several machines are taken from a fleet with placement: cluster alone.")
        notes.append(f"Only who attaches to the run reaches port {serving.port}: dstack forwards it.")
    if offer is not None and backend is None:
        notes.append(f"dstack knows no {offer.machine.name}: any machine with these GPUs will do.")
    return comment(notes) + yaml_documents([top])
