"""SkyPilot: a task with a ``service`` section, for ``sky serve up`` and ``sky launch`` alike.

Fields as in SkyPilot's docs/source/reference/yaml-spec.rst; names of accelerators as in skypilot-org/skypilot-catalog,
catalogs/v8/common/accelerators.csv; SKYPILOT_NODE_RANK and SKYPILOT_NODE_IPS as in docs/source/running-jobs/
distributed-jobs.rst. Unless a machine is asked for by name, no cloud is named, so SkyPilot takes the cheapest of all
that are set up and have the GPU.
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy import box
from gpu_sizer.deploy.serving import HEALTH_TIMEOUT, SHARED_MEMORY_GIB, Serving
from gpu_sizer.deploy.text import comment, yaml_documents
from gpu_sizer.errors import RequestError

#: As in `gpu-sizer deploy --as`.
NAME = "skypilot"
#: Choices that it has a place for.
TAKES = ("replicas",)

#: Our GPU ids and SkyPilot's names for the same card; clouds differ in what they call it.
ACCELERATORS: dict[str, tuple[str, ...]] = {
    "a10": ("A10",),
    "a10g": ("A10G",),
    "a30": ("A30",),
    "a40": ("A40",),
    "a100-40gb": ("A100",),
    "a100-80gb": ("A100-80GB", "A100-80GB-SXM"),
    "b200": ("B200",),
    "b300": ("B300",),
    "gb200": ("GB200",),
    "gb300": ("GB300",),
    "gh200-96gb": ("GH200",),
    "h100-80gb": ("H100", "H100-SXM"),
    "h100-nvl": ("H100-NVL",),
    "h200": ("H200", "H200-SXM"),
    "l4": ("L4",),
    "l40": ("L40",),
    "l40s": ("L40S",),
    "mi300x": ("MI300X",),
    "p100-16gb": ("P100",),
    "rtx-3090": ("RTX3090",),
    "rtx-4000-ada": ("RTX4000-Ada",),
    "rtx-4090": ("RTX4090",),
    "rtx-5090": ("RTX5090",),
    "rtx-6000-ada": ("RTX6000-Ada", "RTX6000Ada"),
    "rtx-a4000": ("RTXA4000", "A4000"),
    "rtx-a4500": ("RTXA4500",),
    "rtx-a5000": ("RTXA5000",),
    "rtx-a6000": ("RTXA6000", "A6000"),
    "rtx-pro-6000": ("RTXPRO6000S",),
    "rtx-pro-6000-workstation": ("RTXPRO6000WS",),
    "t4": ("T4",),
    "v100-16gb": ("V100",),
    "v100-32gb": ("V100-32GB",),
}
#: Our ids of providers and SkyPilot's, as the folders of skypilot-org/skypilot-catalog, catalogs/v8 are called.
CLOUDS: dict[str, str] = {
    **{name: name for name in ("aws", "azure", "gcp", "hyperbolic", "hyperstack", "jarvislabs", "lambda", "mithril")},
    **{name: name for name in ("nebius", "oci", "paperspace", "runpod", "scaleway", "seeweb", "vast", "verda")},
    "digitalocean": "do",
}
#: Disk for the system and the image, in GB.
SYSTEM_GB = 100


def render(serving: Serving) -> str:
    """The task."""
    offer = serving.rented
    cloud = CLOUDS.get(offer.provider) if offer is not None else None
    if (names := ACCELERATORS.get(serving.gpu.id)) is None and cloud is None:
        raise RequestError(
            f"SkyPilot's catalogue has no {serving.gpu.name}; it has: {', '.join(ACCELERATORS)}", about="gpu"
        )
    notes = [*serving.header(), "sky serve up FILE (with replicas and a load balancer), or sky launch FILE."]
    notes.append("A gated model needs a token: --secret HF_TOKEN.")
    secrets: dict[str, Any] = {"HF_TOKEN": ""}
    if (variable := serving.key_variable()) is not None:
        notes.append(f"Clients have to send a key: --secret {variable}.")
        secrets[variable] = None
    elif (note := serving.key_note()) is not None:
        notes.append(note)
    if offer is not None and cloud is None:
        notes.append(f"SkyPilot has no {offer.provider_name}: any machine with these GPUs will do.")
    if cloud is None and serving.gpus_per_node not in (1, 2, 4, 8):
        notes.append(
            f"Most clouds sell 1, 2, 4 or 8 of these in a machine: {serving.gpus_per_node} may be found on your own."
        )
    task: dict[str, Any] = {
        "name": serving.name,
        "service": {
            "ports": serving.port,
            "replicas": serving.choices.replicas,
            "readiness_probe": {
                "path": "/health",
                "initial_delay_seconds": serving.start_seconds,
                "timeout_seconds": HEALTH_TIMEOUT,
            },
        },
    }
    if serving.nodes > 1:
        task["num_nodes"] = serving.nodes
    where: dict[str, Any] = {"accelerators": dict.fromkeys(names or (), serving.gpus_per_node)}
    if offer is not None and cloud is not None:
        where = {"infra": cloud, "instance_type": offer.machine.name}
    if serving.nodes > 1:
        where["network_tier"] = "best"
    if offer is None or cloud is None:
        where |= {"cpus": f"{serving.cores}+", "memory": f"{serving.memory_gib + SHARED_MEMORY_GIB}+"}
    task["resources"] = {
        **where,
        "image_id": f"docker:{serving.image()}",
        "disk_size": serving.storage_gib + SYSTEM_GB,
        "ports": serving.port,
    }
    if envs := box.compiled(serving):
        task["envs"] = envs
    task["secrets"] = secrets
    head = 'HEAD_ADDRESS=$(echo "$SKYPILOT_NODE_IPS" | head -n 1)\n' if serving.nodes > 1 else ""
    task["run"] = head + serving.script("SKYPILOT_NODE_RANK", "HEAD_ADDRESS", key=variable is not None)
    return comment(notes) + yaml_documents([task])
