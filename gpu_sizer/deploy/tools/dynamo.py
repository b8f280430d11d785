"""NVIDIA Dynamo: a DynamoGraphDeployment of a frontend and of workers, whose images and probes are Dynamo's own.

Fields as in deploy/operator/config/crd/bases/nvidia.com_dynamographdeployments.yaml of ai-dynamo/dynamo, v1beta1, and
its examples/backends/vllm/deploy/v1beta1/agg.yaml. The operator waits two hours for a worker's start
(deploy/operator/internal/dynamo/component_worker.go) and tells pods on several machines of one another
(backend_vllm.go: injectMpDistributedLaunchFlags).
"""

from __future__ import annotations

from gpu_sizer.deploy.limits import engine_alone, hub_alone, tame
from gpu_sizer.deploy.options import without
from gpu_sizer.deploy.pods import HUB_SECRET, hub_token, literal, placement, resource, resources, security
from gpu_sizer.deploy.serving import GRACE_SECONDS, SHARED_MEMORY_GIB, Serving
from gpu_sizer.deploy.text import comment, yaml_documents
from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: As in `gpu-sizer deploy --as`.
NAME = "dynamo"
#: Choices that it has a place for.
TAKES = ("namespace", "replicas", "rdma")
#: The release of Dynamo, and the vLLM in its image (package: ai-dynamo 1.6.1, its extra ``vllm``).
RELEASE, VLLM = "1.6.1", "0.31.0"
IMAGE = f"nvcr.io/nvidia/ai-dynamo/vllm-runtime:{RELEASE}"
#: Where the claim is mounted; the image's user is not root, and its group may write to volumes.
MODELS = "/opt/models"
#: Options of vLLM's own HTTP server, which Dynamo's frontend replaces.
OF_SERVER = ("--port", "--host")


def _claim(serving: Serving, where: dict[str, str]) -> dict[str, Any]:
    shared = serving.nodes > 1 or serving.choices.replicas > 1
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": serving.name, **where},
        "spec": {
            "accessModes": ["ReadWriteMany" if shared else "ReadWriteOnce"],
            "resources": {"requests": {"storage": f"{serving.storage_gib}Gi"}},
        },
    }


def _worker(serving: Serving, image: str, name: str) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": image,
        "command": ["python3", "-m", "dynamo.vllm"],
        "args": literal(["--model", name, *without(serving.command, OF_SERVER)]),
        "env": [
            hub_token(),
            {"name": "HF_HOME", "value": MODELS},
            *({"name": k, "value": f"{MODELS}/{folder}"} for k, folder in serving.starter.compiled.items()),
        ],
        "resources": resources(serving),
        "securityContext": security(serving),
        "volumeMounts": [{"name": "weights", "mountPath": MODELS}],
    }
    spec = {
        **placement(serving),
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "containers": [container],
        "volumes": [{"name": "weights", "persistentVolumeClaim": {"claimName": serving.name}}],
    }
    return {
        "name": "worker",
        "type": "worker",
        "replicas": serving.choices.replicas,
        **({"multinode": {"nodeCount": serving.nodes}} if serving.nodes > 1 else {}),
        "sharedMemorySize": f"{SHARED_MEMORY_GIB}Gi",
        "podTemplate": {"spec": spec},
    }


def render(serving: Serving) -> str:
    """The claim of the weights and the graph."""
    engine_alone(serving, "Dynamo", "vLLM")
    hub_alone(serving, "Dynamo")
    name = tame(serving, "Dynamo")
    if resource(serving) != "nvidia.com/gpu":
        raise RequestError(f"Dynamo's images are for NVIDIA's GPUs, not for {serving.gpu.name}")
    if serving.nodes > 1 and serving.fit.layout.data_parallel_size > 1:
        raise RequestError(
            "Dynamo's operator lays replicas over machines by itself: plan one (--dp 1), and say --replicas"
        )
    where = {} if serving.choices.namespace is None else {"namespace": serving.choices.namespace}
    image = serving.choices.image or IMAGE
    front = {"name": "main", "image": image, "command": ["python3", "-m", "dynamo.frontend"], "env": [hub_token()]}
    graph = {
        "apiVersion": "nvidia.com/v1beta1",
        "kind": "DynamoGraphDeployment",
        "metadata": {"name": serving.name, **where},
        "spec": {
            "backendFramework": "vllm",
            "components": [
                {
                    "name": "Frontend",
                    "type": "frontend",
                    "replicas": 1,
                    "podTemplate": {"spec": {"containers": [front]}},
                },
                _worker(serving, image, name),
            ],
        },
    }
    notes = [
        *serving.header(container=False),
        "kubectl apply -f FILE, in a cluster with Dynamo's operator; its frontend answers on port 8000.",
        f"A gated model needs a token: kubectl create secret generic {HUB_SECRET} --from-literal=token=...",
        "The frontend asks its clients for no key: let a gateway do it, or nobody else reach it.",
    ]
    if serving.choices.image is None and serving.version != VLLM:
        line = ".".join(VLLM.split(".")[:2])
        notes.append(
            f"The image is Dynamo {RELEASE}'s, with vLLM {VLLM}, not {serving.shown}: plan with that one "
            f"(--engine vllm@{line})."
        )
    if serving.choices.extra:
        notes.append("Options after -- go to dynamo.vllm, which takes the engine's, not those of vLLM's HTTP server.")
    return comment(notes) + yaml_documents([_claim(serving, where), graph])
