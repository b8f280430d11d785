"""Values of vLLM's own chart (examples/deployment/chart-helm of vLLM 0.33.0: values.yaml, templates/deployment.yaml).

The chart gives its pods no shared memory beyond a container's 64 MiB, by which workers of several GPUs exchange
messages: it is for one GPU. Its claim is /data.
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy.limits import engine_alone, hub_alone, one_machine
from gpu_sizer.deploy.pods import HUB_SECRET, literal, placement, products
from gpu_sizer.deploy.serving import HEALTH_FAILURES, HEALTH_PERIOD, HEALTH_TIMEOUT, Serving
from gpu_sizer.deploy.text import comment, yaml_documents
from gpu_sizer.errors import RequestError

#: As in `gpu-sizer deploy --as`.
NAME = "helm-vllm"
#: Choices that it has a place for.
TAKES = ("replicas",)
#: Where the chart mounts its claim.
DATA = "/data"


def _secret(name: str, secret: str, key: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key, **more}}}


def render(serving: Serving) -> str:
    """The values."""
    tool = "vLLM's chart"
    engine_alone(serving, tool, "vLLM")
    one_machine(serving, tool)
    hub_alone(serving, tool)
    if serving.gpu.platform != "cuda":
        raise RequestError(f"{tool} asks for NVIDIA's GPUs, not for {serving.gpu.name}")
    if serving.gpus_per_node > 1:
        raise RequestError(
            f"{tool} mounts no /dev/shm, which {serving.gpus_per_node} GPUs need: production-stack and kubernetes do"
        )
    repository, _, tag = serving.image().rpartition(":")
    env = [_secret("HF_TOKEN", HUB_SECRET, "token", optional=True), {"name": "HF_HOME", "value": DATA}]
    if (variable := serving.key_variable()) is not None:
        env.append(_secret(variable, serving.name, "api-key"))
    env += [{"name": name, "value": f"{DATA}/{folder}"} for name, folder in serving.starter.compiled.items()]
    asked = {"cpu": serving.cores, "memory": f"{serving.memory_gib}Gi", "nvidia.com/gpu": serving.gpus_per_node}
    # The chart wants limits: room for loading, when all cores are busy and a part of the weights is in memory.
    most = {**asked, "cpu": 4 * serving.cores, "memory": f"{serving.memory_gib + serving.storage_gib}Gi"}
    probe = {
        "initialDelaySeconds": 5,
        "periodSeconds": HEALTH_PERIOD,
        "timeoutSeconds": HEALTH_TIMEOUT,
        "httpGet": {"path": "/health", "port": serving.port},
    }
    values = {
        "image": {"repository": repository, "tag": tag, "command": literal(serving.in_container), "env": env},
        "containerPort": serving.port,
        "servicePort": serving.port,
        "replicaCount": serving.choices.replicas,
        # The chart makes a new pod before the old one gives its GPUs back, unless it is told otherwise.
        "deploymentStrategy": {"type": "Recreate"},
        "resources": {"requests": asked, "limits": most},
        "gpuModels": [name.replace(" ", "-") for name in products(serving)],
        "tolerations": placement(serving)["tolerations"],
        "extraInit": {
            "modelDownload": {"enabled": False},
            "initContainers": [],
            "pvcStorage": f"{serving.storage_gib}Gi",
        },
        "readinessProbe": {**probe, "failureThreshold": 3},
        # It has no probe for the start, so this one waits until the weights are there.
        "livenessProbe": {
            **probe,
            "initialDelaySeconds": serving.start_seconds,
            "failureThreshold": HEALTH_FAILURES,
        },
        "labels": {"environment": serving.name, "release": serving.name},
    }
    notes = [
        *serving.header(),
        "helm upgrade --install NAME examples/deployment/chart-helm -f FILE, the chart in vLLM's repository.",
        f"A gated model needs a token: kubectl create secret generic {HUB_SECRET} --from-literal=token=...",
    ]
    if variable is not None:
        notes.append(
            f"Clients send a key: kubectl create secret generic {serving.name} "
            '--from-literal=api-key="$(openssl rand -hex 24)"'
        )
    elif (note := serving.key_note()) is not None:
        notes.append(note)
    return comment(notes) + yaml_documents([values])
