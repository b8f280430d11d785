"""Write tests/deploy/schemas/NAME.json: the part of a tool's own schema for the keys that gpu_sizer writes.

Run by hand where a format gets new keys or a tool a new version; a clone of each tool's repository lies in FOLDER:

    python tools/deploy_schemas.py --repositories FOLDER [NAME...]

A key that the tool does not know is left out here, and the tests then refuse it: nothing is allowed beside what the
tool's own schema has.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from gpu_sizer import estimate, size

OUT = Path(__file__).parent.parent / "tests" / "deploy" / "schemas"
#: By name of a format: repository, file, and the version of a custom resource in it.
SOURCES: dict[str, tuple[str, str, str | None]] = {
    "kserve": ("kserve/kserve", "charts/kserve-crd/templates/serving.kserve.io_inferenceservices.yaml", "v1beta1"),
    "kserve-llm": ("kserve/kserve", "config/crd/full/llmisvc/serving.kserve.io_llminferenceservices.yaml", "v1alpha2"),
    "kuberay": ("ray-project/kuberay", "helm-chart/kuberay-operator/crds/ray.io_rayservices.yaml", "v1"),
    "dynamo": (
        "ai-dynamo/dynamo",
        "deploy/operator/config/crd/bases/nvidia.com_dynamographdeployments.yaml",
        "v1beta1",
    ),
    "llm-d": ("llm-d-incubation/llm-d-modelservice", "charts/llm-d-modelservice/values.schema.json", None),
    "llama-swap": ("mostlygeek/llama-swap", "config-schema.json", None),
    "production-stack": ("vllm-project/production-stack", "helm/values.schema.json", None),
    "helm-vllm": ("vllm-project/vllm", "examples/deployment/chart-helm/values.schema.json", None),
}
#: Values of charts.
CHARTS = ("llm-d", "production-stack", "helm-vllm")
KEPT = ("type", "enum", "pattern", "minimum", "maximum", "minLength", "maxLength")


def schema_of(folder: Path, name: str) -> tuple[dict[str, Any], str]:
    """A tool's schema, and the commit that it is of."""
    repository, file, version = SOURCES[name]
    git = ["git", "-C", str(folder / repository)]
    text = subprocess.run([*git, "show", f"HEAD:{file}"], capture_output=True, text=True, check=True).stdout
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    if version is None:
        return json.loads(text), commit
    versions = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["spec"]["versions"]
    return next(v for v in versions if v["name"] == version)["schema"]["openAPIV3Schema"], commit


def pruned(schema: dict[str, Any], instances: Sequence[Any], is_chart: bool) -> dict[str, Any]:
    """The part of a schema that instances use; what they have beside it is not allowed."""
    found = {key: schema[key] for key in KEPT if key in schema}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    objects = [i for i in instances if isinstance(i, dict)]
    lists = [i for i in instances if isinstance(i, list)]
    if objects and ("properties" in schema or "additionalProperties" in schema):
        known = schema.get("properties", {})
        used = sorted({key for i in objects for key in i})
        inner = {k: [i[k] for i in objects if k in i] for k in used if k in known}
        found["properties"] = {k: pruned(known[k], held, is_chart) for k, held in inner.items()}
        # Values of a chart have its defaults beside them.
        found["required"] = [] if is_chart else [k for k in schema.get("required", ()) if k in known]
        rest = schema.get("additionalProperties", False)
        if is_chart and "additionalProperties" not in schema:
            # A chart's schema is silent of keys that its templates read: what is written of them is recorded as it is.
            found["properties"] |= {k: {} for k in used if k not in known}
        values = [v for i in objects for k, v in i.items() if k not in known]
        found["additionalProperties"] = pruned(rest, values, is_chart) if isinstance(rest, dict) else bool(rest)
    if lists and isinstance(schema.get("items"), dict):
        found["items"] = pruned(schema["items"], [item for i in lists for item in i], is_chart)
    return found


def samples(name: str) -> list[Any]:
    """What the format writes, in many ways."""
    texts = []
    for options in ({}, {"api_key": False}, {"image": "example.org/x:1"}):
        texts.append(size("llama-3.1-8b", gpu="h100", context=8192).deploy(name, **options))
    one = "helm-vllm"
    texts.append(size("llama-3.1-8b", machine="g6.xlarge", context=8192).deploy(name))
    if name != one:
        texts.append(size("mixtral-8x7b", gpu="a6000").deploy(name))
    if name not in (one, "dynamo"):
        texts.append(size("llama-3.1-70b", gpu="mi300x").deploy(name))
    if name == "dynamo":
        texts.append(size("llama-3.1-405b", gpu="h100").deploy(name, rdma="rdma/ib"))
    if name == "kuberay":
        texts.append(size("llama-3.1-405b", gpu="h100").deploy(name, replicas=2))
        texts.append(estimate("mixtral-8x7b", gpu="h100", tensor_parallel_size=2, enforce_eager=True).deploy(name))
    if name in ("kserve", "kuberay", "kserve-llm", "dynamo"):
        texts.append(size("llama-3.1-8b", gpu="h100", context=8192).deploy(name, namespace="team", replicas=2))
    if name in ("kserve", "llama-swap"):
        texts.append(size("llama-3.1-8b", gpu="h100", context=8192).deploy(name, weights="/models/x"))
    if name == "llm-d":
        texts.append(size("llama-3.1-8b", gpu="h100", context=8192).deploy(name, dra=True))
    documents = [d for text in texts for d in yaml.safe_load_all(text)]
    return [d for d in documents if d.get("kind") != "PersistentVolumeClaim"]


def main() -> None:
    """Writes the schemas that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(SOURCES))
    parser.add_argument("--repositories", type=Path, required=True)
    given = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    for name in given.names:
        schema, commit = schema_of(given.repositories, name)
        repository, file, version = SOURCES[name]
        of = f" ({version})" if version else ""
        where = f"The part of https://github.com/{repository}/blob/{commit}/{file}{of} for the keys that are written."
        found = {"$comment": where, **pruned(schema, samples(name), name in CHARTS)}
        (OUT / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(name, len(json.dumps(found)))


if __name__ == "__main__":
    main()
