"""The pod of a server in Kubernetes, for every format that holds one.

Probes and shared memory as in vLLM's docs/deployment/k8s.md. ``nvidia.com/gpu`` and ``amd.com/gpu`` are the resources
of the vendors' device plugins, and usual taints of their machines; ``nvidia.com/gpu.product`` is a label of NVIDIA's
GPU feature discovery, which writes a device's name with hyphens for spaces. Kubernetes replaces ``$(NAME)`` in
arguments, so ``$`` is doubled in everything else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from gpu_sizer.deploy.serving import (
    GRACE_SECONDS,
    HEALTH_FAILURES,
    HEALTH_PERIOD,
    HEALTH_TIMEOUT,
    SHARED_MEMORY_GIB,
    Serving,
)
from gpu_sizer.errors import RequestError

RESOURCES = {"cuda": "nvidia.com/gpu", "rocm": "amd.com/gpu"}
#: Beginnings of the names that NVIDIA's driver gives to devices.
DEVICE_NAMES = ("NVIDIA ", "Tesla ", "Quadro ", "TITAN ")
#: A label that every cloud sets (kubernetes.io/docs/reference/labels-annotations-taints).
INSTANCE_TYPE = "node.kubernetes.io/instance-type"
#: The secret with a token of the hub, which may be absent.
HUB_SECRET = "hf-token"
#: Fetches a repository; every engine's image that loads repositories has the library. What an engine does not load is
#: left out, since a repository may hold its weights several times: as their publisher's own files (original/,
#: consolidated*), and as those of other libraries (default_loader.py and weight_utils.py in
#: vllm/model_executor/model_loader).
DOWNLOAD = """\
import sys
from huggingface_hub import HfApi, snapshot_download
repository, of_both = sys.argv[1:]
files = [f for f in HfApi().list_repo_files(repository) if "/" not in f and f.endswith(".safetensors")]
left = ["original/*", "*.pth", "*.h5", "*.msgpack", "*.onnx", "*.gguf"] + ["*.bin", "*.pt"] * bool(files)
if len({f.startswith("consolidated") for f in files}) > 1:
    left.append(of_both)
snapshot_download(repository, ignore_patterns=left)
"""


def resource(serving: Serving) -> str:
    """The name of the GPUs' resource.

    Raises:
        RequestError: a platform whose pods are not known here.
    """
    if (name := RESOURCES.get(serving.gpu.platform)) is None:
        raise RequestError(f"Kubernetes files are written for NVIDIA and AMD GPUs, not for {serving.gpu.name}")
    return name


def literal(words: Sequence[str]) -> list[str]:
    """Words in which Kubernetes replaces nothing."""
    return [w.replace("$", "$$") for w in words]


def products(serving: Serving) -> list[str]:
    """The names that a device may have which was planned with."""
    gpu = serving.gpu
    # A driver writes no space before a unit, and nothing in parentheses.
    names = [n for n in (gpu.name, *gpu.aliases) if n.startswith(DEVICE_NAMES) and not re.search(r"\d GB|\(", n)]
    bare = [n.removeprefix("NVIDIA ") for n in names if n.removeprefix("NVIDIA ").startswith(DEVICE_NAMES)]
    return list(dict.fromkeys([*names, *bare]))


def placement(serving: Serving) -> dict[str, Any]:
    """Where the pod may run: machines with these GPUs, or those that were asked for by name."""
    found: dict[str, Any] = {
        "tolerations": [{"key": resource(serving), "operator": "Exists", "effect": "NoSchedule"}],
    }
    if (offer := serving.rented) is not None:
        found["nodeSelector"] = {INSTANCE_TYPE: offer.machine.name}
    elif serving.gpu.platform == "cuda" and not serving.choices.dra:
        labels = [name.replace(" ", "-") for name in products(serving)]
        term = {"matchExpressions": [{"key": "nvidia.com/gpu.product", "operator": "In", "values": labels}]}
        chosen = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        found["affinity"] = {"nodeAffinity": chosen}
    return found


def probes(serving: Serving) -> dict[str, Any]:
    """Port and probes of the container that serves."""
    get = {
        "httpGet": {"path": "/health", "port": "http"},
        "periodSeconds": HEALTH_PERIOD,
        "timeoutSeconds": HEALTH_TIMEOUT,
    }
    return {
        "ports": [{"name": "http", "containerPort": serving.port}],
        # Nothing else is probed before the first success: weights are downloaded and graphs captured until then.
        "startupProbe": {**get, "failureThreshold": -(-serving.start_seconds // HEALTH_PERIOD)},
        "readinessProbe": get,
        "livenessProbe": {**get, "failureThreshold": HEALTH_FAILURES},
    }


def hub_token() -> dict[str, Any]:
    """The variable with a token of the hub."""
    key = {"name": HUB_SECRET, "key": "token", "optional": True}
    return {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": key}}


def environment(serving: Serving) -> list[dict[str, Any]]:
    """The variables of the engine's container."""
    found = [hub_token()]
    if (variable := serving.key_variable()) is not None:
        found.append({"name": variable, "valueFrom": {"secretKeyRef": {"name": serving.name, "key": "api-key"}}})
    for name, folder in serving.starter.compiled.items():
        found.append({"name": name, "value": f"{serving.starter.cache}/{folder}"})
    return found


def resources(serving: Serving) -> dict[str, Any]:
    """What the container asks of its machine."""
    requests = {"cpu": str(serving.cores), "memory": f"{serving.memory_gib}Gi"}
    limits = {} if serving.choices.dra else {resource(serving): str(serving.gpus_per_node)}
    if serving.choices.rdma is not None and serving.nodes > 1:
        limits[serving.choices.rdma] = "1"
    found: dict[str, Any] = {"requests": requests, "limits": limits}
    if serving.choices.dra:
        found = {"requests": requests, "claims": [{"name": "gpu"}]}
    return found


def security(serving: Serving) -> dict[str, Any]:
    """What the container may do: nothing unusual beyond locking memory for RDMA between machines."""
    # Images run as root and write to a volume that may be another's, so their usual capabilities stay.
    found: dict[str, Any] = {"allowPrivilegeEscalation": False, "seccompProfile": {"type": "RuntimeDefault"}}
    if serving.nodes > 1:
        found["capabilities"] = {"add": ["IPC_LOCK"]}
    return found


def volumes(serving: Serving) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The pod's volumes, and where the container finds them."""
    mounts = [{"name": "shared-memory", "mountPath": "/dev/shm"}]
    shared = {"medium": "Memory", "sizeLimit": f"{SHARED_MEMORY_GIB}Gi"}
    found: list[dict[str, Any]] = [{"name": "shared-memory", "emptyDir": shared}]
    if serving.folder is not None:
        mounts.append({"name": "folder", "mountPath": serving.folder})
        found.append({"name": "folder", "hostPath": {"path": serving.folder, "type": "Directory"}})
    else:
        mounts.append({"name": "weights", "mountPath": serving.starter.cache})
        found.append({"name": "weights", "persistentVolumeClaim": {"claimName": serving.name}})
    return found, mounts


def marker(serving: Serving) -> str:
    """The file that says that the weights are all there."""
    return f"{serving.starter.cache}/.{serving.name}.complete"


def pod(serving: Serving, words: Sequence[str], *, serves: bool, waits: bool = False) -> dict[str, Any]:
    """The spec of a pod that runs one machine's part.

    Args:
        serving: the deployment.
        words: of the command, as Kubernetes takes them.
        serves: whether requests are answered here.
        waits: whether the weights are fetched by another.
    """
    found, mounts = volumes(serving)
    words = [*words, *(serving.key_words(f"$({serving.key_variable()})"))]
    container = {
        "name": serving.engine,
        "image": serving.image(),
        "command": list(words[:1]),
        "args": list(words[1:]),
        "env": environment(serving),
        **(probes(serving) if serves else {}),
        "resources": resources(serving),
        "securityContext": security(serving),
        "volumeMounts": mounts,
    }
    # Service links put VLLM_PORT and its like into the environment of a service named vllm..., which vLLM reads.
    spec: dict[str, Any] = {"enableServiceLinks": False, "automountServiceAccountToken": False, **placement(serving)}
    if serving.choices.dra:
        spec["resourceClaims"] = [{"name": "gpu", "resourceClaimTemplateName": serving.name}]
    if waits:
        script = f"until [ -e {marker(serving)} ]; do sleep 10; done"
        spec["initContainers"] = [
            {
                "name": "weights",
                "image": serving.image(),
                "command": ["/bin/sh", "-c", *literal([script])],
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                "securityContext": security(serving),
                "volumeMounts": [m for m in mounts if m["name"] == "weights"],
            }
        ]
    spec |= {"terminationGracePeriodSeconds": GRACE_SECONDS, "containers": [container], "volumes": found}
    return spec
