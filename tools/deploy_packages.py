"""Write tests/deploy/modal.json and sagemaker.json: what two packages take of the Python files that gpu_sizer writes.

Run by hand where these formats get new keys, or the packages a new version, in an environment that has both:

    python -m venv FOLDER && FOLDER/bin/pip install -e . botocore modal
    FOLDER/bin/python tools/deploy_packages.py

Beforehand the files of many plans are held to the packages themselves: Modal loads each as an app, botocore's own
validator looks at each call, with the patterns, lengths and choices of its service model. CI holds them to what is
written here.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import botocore.validate
import modal

from gpu_sizer import GpuSizerError, size

OUT = Path(__file__).parent.parent / "tests" / "deploy"
#: What an app calls, and the arguments that it may give.
CALLED = {
    "App": modal.App.__init__,
    "App.function": modal.App.function,
    "Image.from_registry": modal.Image.from_registry,
    "Image.entrypoint": modal.Image.entrypoint,
    "Image.env": modal.Image.env,
    "Volume.from_name": modal.Volume.from_name,
    "Secret.from_name": modal.Secret.from_name,
    "concurrent": modal.concurrent,
    "web_server": modal.web_server,
}
OPERATIONS = {
    "create_model": "CreateModel",
    "create_endpoint_config": "CreateEndpointConfig",
    "create_endpoint": "CreateEndpoint",
}
#: Limits that botocore's validator leaves to the service, as JSON Schema calls them.
LIMITS = {"string": {"min": "minLength", "max": "maxLength"}, "integer": {"min": "minimum", "max": "maximum"}}


def texts(form: str) -> Iterator[tuple[str, str]]:
    """Files of many plans, each with its name."""
    for gpu in ("l4", "a10g", "t4", "l40s", "a100-80gb", "h100", "h200", "b200", "rtx-pro-6000", "v100-16gb"):
        for model in ("llama-3.1-8b", "mixtral-8x7b", "gpt-oss-120b", "kimi-k2", "qwen3-32b"):
            for options in ({}, {"api_key": False}, {"replicas": 3}, {"extra": ("--enable-prefix-caching",)}):
                try:
                    yield f"{model} {gpu} {options}", size(model, gpu=gpu, context=4096).deploy(form, **options)
                except GpuSizerError:
                    continue


def calls_of(text: str) -> dict[str, dict[str, Any]]:
    """The calls that a script makes of boto3, which is not asked."""
    made: dict[str, dict[str, Any]] = {}

    class Client:
        meta = types.SimpleNamespace(region_name="eu-west-1")

        def __getattr__(self, name: str) -> Any:
            return lambda **told: made.update({name: told})

    sys.modules["boto3"] = types.ModuleType("boto3")
    sys.modules["boto3"].client = lambda service: Client()  # type: ignore[attr-defined]
    os.environ["ROLE_ARN"] = "arn:aws:iam::123456789012:role/endpoints"
    exec(compile(text, "sagemaker", "exec"), {"print": lambda *words: None})
    return made


def faults(shape: Any, value: Any, where: str) -> Iterator[str]:
    """What of a value breaks the service model's own limits, at the pattern of every string."""
    if shape.type_name == "structure":
        for key, inner in value.items():
            yield from faults(shape.members[key], inner, f"{where}.{key}")
    elif shape.type_name == "list":
        for inner in value:
            yield from faults(shape.member, inner, where)
    elif shape.type_name == "map":
        for key, inner in value.items():
            yield from faults(shape.key, key, where)
            yield from faults(shape.value, inner, f"{where}.{key}")
    else:
        told = shape.metadata
        if told.get("enum") and value not in told["enum"]:
            yield f"{where}: {value} is none of {len(told['enum'])}"
        size_of = len(value) if isinstance(value, str) else value
        if not told.get("min", size_of) <= size_of <= told.get("max", size_of):
            yield f"{where}: {size_of}"
        if told.get("pattern") and not re.fullmatch(told["pattern"], str(value)):
            yield f"{where}: {value!r} is not {told['pattern']}"


def schema(shape: Any, values: list[Any]) -> dict[str, Any]:
    """The part of a shape that values use, as JSON Schema; nothing is allowed beside it."""
    kind = {"structure": "object", "map": "object", "list": "array"}.get(shape.type_name, shape.type_name)
    found: dict[str, Any] = {"type": kind}
    if shape.type_name == "structure":
        used = sorted({k for v in values for k in v})
        found["properties"] = {k: schema(shape.members[k], [v[k] for v in values if k in v]) for k in used}
        found |= {"required": list(shape.required_members), "additionalProperties": False}
    elif shape.type_name == "list":
        found["items"] = schema(shape.member, [inner for v in values for inner in v])
    elif shape.type_name == "map":
        found["propertyNames"] = schema(shape.key, [k for v in values for k in v])
        found["additionalProperties"] = schema(shape.value, [i for v in values for i in v.values()])
    else:
        told = shape.metadata
        if told.get("enum"):
            found["enum"] = [e for e in told["enum"] if not e.startswith("ml.") or re.match(r"ml\.[gp]\d", e)]
        if told.get("pattern"):
            found["pattern"] = f"^(?:{told['pattern']})$"
        found |= {name: told[k] for k, name in LIMITS.get(shape.type_name, {}).items() if k in told}
    return found


def sagemaker() -> dict[str, Any]:
    """The recorded part of the service model, after botocore has seen every call."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    seen: dict[str, list[Any]] = {name: [] for name in OPERATIONS}
    count = 0
    for name, text in texts("sagemaker"):
        count += 1
        for call, told in calls_of(text).items():
            shape = model.operation_model(OPERATIONS[call]).input_shape
            report = botocore.validate.ParamValidator().validate(told, shape)
            assert not report.has_errors(), (name, report.generate_report())
            assert not (wrong := list(faults(shape, told, call))), (name, wrong)
            seen[call].append(told)
    print(f"SageMaker: {count} files, {3 * count} calls valid by botocore {botocore.__version__}")
    shapes = {c: schema(model.operation_model(o).input_shape, seen[c]) for c, o in OPERATIONS.items()}
    return {
        "$comment": f"The part of botocore {botocore.__version__}'s service model of sagemaker ({model.api_version}), "
        "licensed under the Apache License 2.0, for the keys that gpu_sizer writes.",
        **shapes,
    }


def modal_arguments() -> dict[str, Any]:
    """The arguments of each call, after Modal has loaded every app."""
    count = 0
    for name, text in texts("modal"):
        scope: dict[str, Any] = {"__name__": "app"}
        # Modal asks for the module of a function, which lies nowhere here.
        sys.modules["app"] = types.ModuleType("app")
        file = Path(sys.argv[0]).parent / "app.py"
        exec(compile(text, str(file), "exec"), scope)
        assert isinstance(scope["serve"], modal.Function), name
        count += 1
    print(f"Modal: {count} apps loaded by modal {modal.__version__}")
    told = {n: [p for p in inspect.signature(f).parameters if p != "self"] for n, f in CALLED.items()}
    return {
        "$comment": f"The arguments of what an app calls, of modal {importlib.metadata.version('modal')} "
        "(Apache License 2.0).",
        **told,
    }


def main() -> None:
    """Checks, and writes what CI holds the formats to."""
    for name, found in (("sagemaker", sagemaker()), ("modal", modal_arguments())):
        (OUT / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    subprocess.run(["git", "diff", "--stat", str(OUT)], check=False)


if __name__ == "__main__":
    main()
