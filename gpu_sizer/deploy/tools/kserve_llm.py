"""KServe: an LLMInferenceService, which brings its own image of vLLM and a scheduler in front of it.

Fields as in charts/kserve-llmisvc-crd of kserve/kserve, v1alpha2. The image's script puts the arguments of the
container into a shell's ``eval`` (charts/kserve-runtime-configs/files/llmisvcconfigs/resources.yaml), so each is quoted
for one.
"""

from __future__ import annotations

import shlex
from typing import Any

from gpu_sizer.deploy.limits import engine_alone, hub_alone, one_machine, tame
from gpu_sizer.deploy.options import without
from gpu_sizer.deploy.pods import HUB_SECRET, literal, placement, resources
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, yaml_documents

#: As in `gpu-sizer deploy --as`.
NAME = "kserve-llm"
#: Choices that it has a place for.
TAKES = ("namespace", "replicas")
#: What the service's own fields say; of data parallelism it makes a LeaderWorkerSet of its own.
SAID = ("--port", "--tensor-parallel-size")


def render(serving: Serving) -> str:
    """The service."""
    tool = "KServe's LLMInferenceService"
    engine_alone(serving, tool, "vLLM")
    one_machine(serving, tool)
    hub_alone(serving, tool)
    name = tame(serving, tool)
    where = {} if serving.choices.namespace is None else {"namespace": serving.choices.namespace}
    container: dict[str, Any] = {
        "name": "main",
        "args": literal([shlex.quote(word) for word in without(serving.command, SAID)]),
        "env": [
            {
                "name": "HF_TOKEN",
                "valueFrom": {"secretKeyRef": {"name": HUB_SECRET, "key": "token", "optional": True}},
            }
        ],
        "resources": resources(serving),
    }
    if serving.choices.image is not None:
        container["image"] = serving.choices.image
    service = {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "metadata": {"name": serving.name, **where},
        "spec": {
            "model": {"uri": f"hf://{name}", "name": name},
            "replicas": serving.choices.replicas,
            "parallelism": {"tensor": serving.fit.layout.tensor_parallel_size},
            "router": {"route": {}, "gateway": {}, "scheduler": {}},
            "template": {**placement(serving), "containers": [container]},
        },
    }
    notes = [
        *serving.header(container=False),
        f"The image is KServe's own, with its own version of vLLM, not {serving.shown}: plan with that one (--engine).",
        "Its probes wait 10 minutes for a start: larger models take longer from slow storage.",
        "Its gateway is the place for keys of clients: the scheduler sends none to the engine.",
    ]
    return comment(notes) + yaml_documents([service])
