"""KubeRay: a RayService that serves by ``ray.serve.llm`` (ray-operator/config/samples/ray-service.llm-serve.yaml).

``engine_kwargs`` are vLLM's own arguments by the names of its options. Replicas that share experts are an application
of a kind of its own (ray/serve/llm: build_dp_openai_app of Ray 2.52, whose serving_patterns/data_parallel/builder.py
asks for the ranks of a machine, and dp_server.py for no scaling); other replicas are Ray's.
The image holds the Ray and the vLLM that it was built with.
"""

from __future__ import annotations

from typing import Any

from gpu_sizer.deploy.limits import engine_alone
from gpu_sizer.deploy.options import pairs, value
from gpu_sizer.deploy.pods import HUB_SECRET, hub_token, placement, resource, volumes
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, yaml_documents
from gpu_sizer.errors import RequestError

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
    layout = serving.fit.layout
    if not layout.expert_parallel:
        found.pop("data_parallel_size", None)
    if layout.gpu_count // layout.data_parallel_size > serving.gpus_per_node:
        found["distributed_executor_backend"] = "ray"
    return found


def _application(serving: Serving) -> dict[str, Any]:
    """The application, with what its builder takes.

    Raises:
        RequestError: replicas of several that share experts.
    """
    layout, replicas = serving.fit.layout, serving.choices.replicas
    config: dict[str, Any] = {
        "model_loading_config": {"model_id": serving.weights, "model_source": serving.weights},
        "engine_kwargs": _kwargs(serving),
    }
    found: dict[str, Any] = {"name": "llms", "import_path": "ray.serve.llm:build_openai_app", "route_prefix": "/"}
    if layout.expert_parallel and layout.data_parallel_size > 1:
        if replicas > 1:
            raise RequestError("Ray serves replicas that share experts once: deploy without --replicas")
        config["experimental_configs"] = {"dp_size_per_node": layout.data_parallel_size // serving.nodes}
        return {**found, "import_path": "ray.serve.llm:build_dp_openai_app", "args": {"llm_config": config}}
    servers = replicas * layout.data_parallel_size
    config["deployment_config"] = {"autoscaling_config": {"min_replicas": servers, "max_replicas": servers}}
    return {**found, "args": {"llm_configs": [config]}}


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
            "serveConfigV2": yaml_documents([{"applications": [_application(serving)]}]),
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
