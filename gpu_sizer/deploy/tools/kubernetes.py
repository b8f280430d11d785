"""Kubernetes: a Deployment for one machine, a LeaderWorkerSet for several, with a Service and a volume claim.

Deployment, Service, claim, probes and shared memory as in vLLM's docs/deployment/k8s.md; the LeaderWorkerSet as in
docs/deployment/frameworks/lws.md and kubernetes-sigs/lws, api/leaderworkerset/v1 (LWS_LEADER_ADDRESS,
LWS_WORKER_INDEX). ``nvidia.com/gpu`` and ``amd.com/gpu`` are the resources of the vendors' device plugins.
Kubernetes replaces ``$(NAME)`` in arguments, so ``$`` is doubled in everything else.
"""

from __future__ import annotations

from gpu_sizer.deploy.serving import SHARED_MEMORY_GIB, Serving
from gpu_sizer.deploy.text import comment, yaml_documents
from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: As in `gpu-sizer deploy --as`.
NAME = "kubernetes"

RESOURCES = {"cuda": "nvidia.com/gpu", "rocm": "amd.com/gpu"}
#: Seconds between probes.
PERIOD = 10
#: The two variables that a LeaderWorkerSet gives to its pods.
LEADER, INDEX = "$(LWS_LEADER_ADDRESS)", "$(LWS_WORKER_INDEX)"


def _resource(serving: Serving) -> str:
    if (name := RESOURCES.get(serving.gpu.platform)) is None:
        raise RequestError(f"Kubernetes files are written for NVIDIA and AMD GPUs, not for {serving.gpu.name}")
    return name


def _literal(words: Sequence[str]) -> list[str]:
    return [w.replace("$", "$$") for w in words]


def _probes(serving: Serving) -> dict[str, Any]:
    get = {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": PERIOD}
    return {
        "ports": [{"name": "http", "containerPort": serving.port}],
        # Nothing else is probed before the first success: weights are downloaded and graphs captured until then.
        "startupProbe": {**get, "failureThreshold": -(-serving.start_seconds // PERIOD)},
        "readinessProbe": get,
        "livenessProbe": {**get, "failureThreshold": 6},
    }


def _pod(serving: Serving, words: Sequence[str], *, serves: bool) -> dict[str, Any]:
    token = {"name": "hf-token", "key": "token", "optional": True}
    mounts = [
        {"name": "weights", "mountPath": serving.starter.cache},
        {"name": "shared-memory", "mountPath": "/dev/shm"},
    ]
    volumes: list[dict[str, Any]] = [
        {"name": "weights", "persistentVolumeClaim": {"claimName": serving.name}},
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": f"{SHARED_MEMORY_GIB}Gi"}},
    ]
    if serving.folder is not None:
        mounts.append({"name": "folder", "mountPath": serving.folder})
        volumes.append({"name": "folder", "hostPath": {"path": serving.folder, "type": "Directory"}})
    container = {
        "name": serving.engine,
        "image": serving.image(),
        "command": list(words[:1]),
        "args": list(words[1:]),
        "env": [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": token}}],
        **(_probes(serving) if serves else {}),
        "resources": {"limits": {_resource(serving): str(serving.gpus_per_node)}},
        "volumeMounts": mounts,
    }
    # Service links put VLLM_PORT and its like into the environment of a service named vllm..., which vLLM reads.
    return {"enableServiceLinks": False, "containers": [container], "volumes": volumes}


def _claim(serving: Serving) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": serving.name},
        "spec": {
            # Pods on several machines share it.
            "accessModes": ["ReadWriteOnce" if serving.nodes == 1 else "ReadWriteMany"],
            "resources": {"requests": {"storage": f"{serving.storage_gib}Gi"}},
        },
    }


def _service(serving: Serving, labels: dict[str, str]) -> dict[str, Any]:
    port = {"name": "http", "port": serving.port, "targetPort": "http"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": serving.name},
        "spec": {"selector": labels, "ports": [port]},
    }


def _deployment(serving: Serving, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": serving.name, "labels": labels},
        "spec": {
            "replicas": 1,
            # The old pod gives its GPUs back first: there may be no others.
            "strategy": {"type": "Recreate"},
            "progressDeadlineSeconds": serving.start_seconds + 600,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod(serving, _literal(serving.in_container), serves=True),
            },
        },
    }


def _leader_worker_set(serving: Serving, labels: dict[str, str]) -> dict[str, Any]:
    command = _literal(serving.in_container)
    leader = [*command, *serving.machine_words("0", LEADER)]
    worker = [*command, *serving.machine_words(INDEX, LEADER), *serving.starter.worker]
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": serving.name},
        "spec": {
            "replicas": 1,
            "leaderWorkerTemplate": {
                "size": serving.nodes,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": {"metadata": {"labels": labels}, "spec": _pod(serving, leader, serves=True)},
                "workerTemplate": {"spec": _pod(serving, worker, serves=False)},
            },
        },
    }


def render(serving: Serving) -> str:
    """The manifests, one YAML document each."""
    labels = {"app.kubernetes.io/name": serving.name, "app.kubernetes.io/managed-by": "gpu-sizer"}
    notes = [
        *serving.header(),
        "A gated model needs a token: kubectl create secret generic hf-token --from-literal=token=...",
    ]
    if serving.nodes == 1:
        workload = _deployment(serving, labels)
    else:
        labels["role"] = "leader"
        workload = _leader_worker_set(serving, labels)
        notes.append("Needs the LeaderWorkerSet controller (https://lws.sigs.k8s.io) and storage for ReadWriteMany.")
    return comment(notes) + yaml_documents([_claim(serving), workload, _service(serving, labels)])
