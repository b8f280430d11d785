"""Kubernetes: a Deployment for one machine, a LeaderWorkerSet for several, with a Service and a volume claim.

Deployment, Service and claim as in vLLM's docs/deployment/k8s.md; the LeaderWorkerSet as in
docs/deployment/frameworks/lws.md and kubernetes-sigs/lws, api/leaderworkerset/v1 (LWS_LEADER_ADDRESS,
LWS_WORKER_INDEX); the ResourceClaimTemplate as in kubernetes.io/docs/concepts/scheduling-eviction/
dynamic-resource-allocation and the classes and attributes of kubernetes-sigs/dra-driver-nvidia-gpu.
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy.pods import DOWNLOAD, HUB_SECRET, hub_token, literal, marker, pod, products, security, volumes
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, yaml_documents

#: As in `gpu-sizer deploy --as`.
NAME = "kubernetes"
#: Choices that it has a place for.
TAKES = ("namespace", "replicas", "dra", "rdma")

#: The two variables that a LeaderWorkerSet gives to its pods.
LEADER, INDEX = "$(LWS_LEADER_ADDRESS)", "$(LWS_WORKER_INDEX)"
#: Classes of devices that the vendors' drivers make.
CLASSES = {"cuda": "gpu.nvidia.com", "rocm": "gpu.amd.com"}


def _meta(serving: Serving, name: str | None = None, **more: Any) -> dict[str, Any]:
    where = {} if serving.choices.namespace is None else {"namespace": serving.choices.namespace}
    return {"name": name or serving.name, **where, **more}


def _shared(serving: Serving) -> bool:
    """Whether several pods read the claim."""
    return serving.nodes > 1 or serving.choices.replicas > 1


def _fetched(serving: Serving) -> bool:
    """Whether a job fetches the weights, before several pods would do so at once."""
    return _shared(serving) and serving.folder is None and serving.starter.downloads


def _claim(serving: Serving) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _meta(serving),
        "spec": {
            "accessModes": ["ReadWriteMany" if _shared(serving) else "ReadWriteOnce"],
            "resources": {"requests": {"storage": f"{serving.storage_gib}Gi"}},
        },
    }


def _job(serving: Serving) -> dict[str, Any]:
    found, mounts = volumes(serving)
    script = f'python3 -c "$1" "$2" "$3" && touch {marker(serving)}'
    left = "model*.safetensors" if serving.loads_consolidated else "consolidated*.safetensors"
    container = {
        "name": "download",
        "image": serving.image(),
        "command": ["/bin/sh", "-c", *literal([script, "sh", DOWNLOAD, serving.weights, left])],
        "env": [hub_token()],
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}},
        "securityContext": security(serving),
        "volumeMounts": [m for m in mounts if m["name"] == "weights"],
    }
    spec = {
        "restartPolicy": "OnFailure",
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [v for v in found if v["name"] == "weights"],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _meta(serving, f"{serving.name}-fetch"),
        "spec": {"backoffLimit": 10, "template": {"spec": spec}},
    }


def _claim_template(serving: Serving) -> dict[str, Any]:
    driver = CLASSES[serving.gpu.platform]
    request: dict[str, Any] = {"deviceClassName": driver, "count": serving.gpus_per_node}
    if serving.gpu.platform == "cuda" and serving.rented is None:
        names = ", ".join(f"'{name}'" for name in products(serving))
        request["selectors"] = [{"cel": {"expression": f"device.attributes['{driver}'].productName in [{names}]"}}]
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": _meta(serving),
        "spec": {"spec": {"devices": {"requests": [{"name": "gpu", "exactly": request}]}}},
    }


def _service(serving: Serving, labels: dict[str, str]) -> dict[str, Any]:
    port = {"name": "http", "port": serving.port, "targetPort": "http"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _meta(serving),
        "spec": {"selector": labels, "ports": [port]},
    }


def _deployment(serving: Serving, labels: dict[str, str]) -> dict[str, Any]:
    spec = pod(serving, literal(serving.in_container), serves=True, waits=_fetched(serving))
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _meta(serving, labels=labels),
        "spec": {
            "replicas": serving.choices.replicas,
            # The old pod gives its GPUs back first: there may be no others.
            "strategy": {"type": "Recreate"},
            "progressDeadlineSeconds": serving.start_seconds + 600,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def _leader_worker_set(serving: Serving, labels: dict[str, str]) -> dict[str, Any]:
    command, waits = literal(serving.in_container), _fetched(serving)
    leader = [*command, *serving.machine_words("0", LEADER)]
    worker = [*command, *serving.machine_words(INDEX, LEADER), *serving.starter.worker]
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": _meta(serving),
        "spec": {
            "replicas": serving.choices.replicas,
            "leaderWorkerTemplate": {
                "size": serving.nodes,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": {
                    "metadata": {"labels": labels},
                    "spec": pod(serving, leader, serves=True, waits=waits),
                },
                "workerTemplate": {"spec": pod(serving, worker, serves=False, waits=waits)},
            },
        },
    }


def _notes(serving: Serving) -> list[str]:
    """What has to be there, and what to know."""
    where = f" -n {serving.choices.namespace}" if serving.choices.namespace else ""
    notes = serving.header()
    if serving.folder is None:
        notes.append(
            f"A gated model needs a token: kubectl create secret generic {HUB_SECRET}{where} --from-literal=token=..."
        )
    else:
        notes.append("The folder is the machine's own (hostPath), which the baseline policy of pod security refuses.")
    if serving.key_variable() is not None:
        notes.append(
            f"Clients send a key: kubectl create secret generic {serving.name}{where} "
            '--from-literal=api-key="$(openssl rand -hex 24)"'
        )
    elif (note := serving.key_note()) is not None:
        notes.append(note)
    if serving.choices.dra:
        notes.append("Needs Kubernetes 1.34 and the vendor's driver for dynamic resource allocation.")
    elif serving.rented is None and serving.gpu.platform == "cuda":
        notes.append("Runs where NVIDIA's GPU feature discovery has labelled these GPUs (nvidia.com/gpu.product).")
    elif serving.rented is None:
        notes.append(
            f"Runs on any GPU of AMD's: where others are there, a nodeSelector names {serving.gpu.short_name}."
        )
    if serving.nodes > 1:
        notes.append("Needs the LeaderWorkerSet controller (https://lws.sigs.k8s.io) and storage for ReadWriteMany.")
        if serving.choices.rdma is None:
            notes.append("Without RDMA tensors go over TCP, slowly: --rdma rdma/ib, or as your device plugin names it.")
    elif _shared(serving):
        notes.append("Needs storage for ReadWriteMany, which the replicas share.")
    return notes


def render(serving: Serving) -> str:
    """The manifests, one YAML document each."""
    labels = {"app.kubernetes.io/name": serving.name, "app.kubernetes.io/managed-by": "gpu-sizer"}
    if serving.nodes == 1:
        workload = _deployment(serving, labels)
    else:
        labels["role"] = "leader"
        workload = _leader_worker_set(serving, labels)
    parts = [] if serving.folder is not None else [_claim(serving)]
    if serving.choices.dra:
        parts.append(_claim_template(serving))
    if _fetched(serving):
        parts.append(_job(serving))
    return comment(_notes(serving)) + yaml_documents([*parts, workload, _service(serving, labels)])
