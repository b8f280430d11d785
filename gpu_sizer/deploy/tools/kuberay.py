"""KubeRay: a RayService that serves by ``ray.serve.llm`` (ray-operator/config/samples/ray-service.llm-serve.yaml).

``engine_kwargs`` are vLLM's own arguments by the names of its options. The image holds the Ray and the vLLM that it was
built with.
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy.limits import engine_alone
from gpu_sizer.deploy.options import pairs, value
from gpu_sizer.deploy.pods import HUB_SECRET, hub_token, placement, resource, volumes
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, yaml_documents

#: As in `gpu-sizer deploy --as`.
NAME = "kuberay"
#: Choices that it has a place for.
TAKES = ("namespace", "replicas")
#: The image of KubeRay's own sample, and the Ray in it.
IMAGE, RAY = "rayproject/ray-llm:2.52.0-py311-cu128", "2.52.0"
#: Options of the HTTP server, which is Ray's here.
OF_THE_SERVER = ("--port", "--host", "--api-key")


def _kwargs(serving: Serving) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for option, values in pairs(serving.command):
        if option not in OF_THE_SERVER:
            key = option.lstrip("-").replace("-", "_")
            if key.startswith("no_enable_"):
                found[key.removeprefix("no_")] = False
            else:
                found[key] = value(values[0]) if values else True
    if serving.nodes > 1:
        found["distributed_executor_backend"] = "ray"
    return found


def _group(serving: Serving) -> dict[str, Any]:
    found, mounts = volumes(serving)
    gpus = {resource(serving): str(serving.gpus_per_node)}
    container = {
        "name": "ray-worker",
        "image": serving.choices.image or IMAGE,
        "env": [hub_token()],
        "resources": {
            "requests": {"cpu": str(serving.cores), "memory": f"{serving.memory_gib}Gi"},
            "limits": gpus,
        },
        "volumeMounts": mounts,
    }
    workers = serving.nodes * serving.choices.replicas
    return {
        "groupName": "gpus",
        "replicas": workers,
        "minReplicas": workers,
        "maxReplicas": workers,
        "rayStartParams": {"num-gpus": str(serving.gpus_per_node)},
        "template": {"spec": {**placement(serving), "containers": [container], "volumes": found}},
    }


def render(serving: Serving) -> str:
    """The claim and the service."""
    engine_alone(serving, "KubeRay", "vLLM")
    where = {} if serving.choices.namespace is None else {"namespace": serving.choices.namespace}
    replicas = serving.choices.replicas
    application = {
        "name": "llms",
        "import_path": "ray.serve.llm:build_openai_app",
        "route_prefix": "/",
        "args": {
            "llm_configs": [
                {
                    "model_loading_config": {"model_id": serving.weights, "model_source": serving.weights},
                    "engine_kwargs": _kwargs(serving),
                    "deployment_config": {"autoscaling_config": {"min_replicas": replicas, "max_replicas": replicas}},
                }
            ]
        },
    }
    head = {
        "name": "ray-head",
        "image": serving.choices.image or IMAGE,
        "resources": {"requests": {"cpu": "2", "memory": "8Gi"}, "limits": {"memory": "8Gi"}},
        "ports": [{"name": "serve", "containerPort": 8000}, {"name": "dashboard", "containerPort": 8265}],
    }
    service = {
        "apiVersion": "ray.io/v1",
        "kind": "RayService",
        "metadata": {"name": serving.name, **where},
        "spec": {
            "serveConfigV2": yaml_documents([{"applications": [application]}]),
            "rayClusterConfig": {
                "rayVersion": RAY,
                "headGroupSpec": {
                    "rayStartParams": {"num-cpus": "0", "num-gpus": "0"},
                    "template": {"spec": {"containers": [head]}},
                },
                "workerGroupSpecs": [_group(serving)],
            },
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": serving.name, **where},
        "spec": {
            "accessModes": ["ReadWriteOnce" if serving.nodes * replicas == 1 else "ReadWriteMany"],
            "resources": {"requests": {"storage": f"{serving.storage_gib}Gi"}},
        },
    }
    notes = [
        *serving.header(container=False),
        f"A gated model needs a token: kubectl create secret generic {HUB_SECRET} --from-literal=token=...",
        f"The image's vLLM is its own, not {serving.shown}: plan with that one (--engine vllm@...), or name an image.",
        "Ray asks its clients for no key: let nobody else reach port 8000.",
    ]
    parts = [service] if serving.folder is not None else [claim, service]
    return comment(notes) + yaml_documents(parts)
