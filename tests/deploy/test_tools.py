"""Formats of further tools: valid by each tool's own schema, and the same deployment as the plan."""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from gpu_sizer import RequestError, estimate, size
from gpu_sizer.deploy.choices import Choices
from gpu_sizer.deploy.formats import FORMATS, TOOLS
from gpu_sizer.deploy.making import make_serving
from gpu_sizer.deploy.options import pairs, value, without
from gpu_sizer.deploy.units import unit_command, unit_word
from gpu_sizer.evidence.preflight import preflight
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.records import replace
from tests.deploy.running import options
from tests.deploy.test_hostile import NAMES

SCHEMAS = Path(__file__).parent / "schemas"
#: Written by tools/deploy_schemas.py out of the tools' own schemas.
WITH_SCHEMA = sorted(file.stem for file in SCHEMAS.glob("*.json"))
LINES = ("docker-run", "systemd", "quadlet")


@cache
def answer(name: str) -> Plan | Fit:
    if name == "one":
        return size("llama-3.1-8b", gpu="h100", context=8192, details=False)
    if name == "three":
        return size("mixtral-8x7b", gpu="a6000", details=False)
    if name == "amd":
        return size("llama-3.1-70b", gpu="mi300x", details=False)
    if name == "rented":
        return size("llama-3.1-8b", machine="g6.xlarge", context=8192, details=False)
    if name == "sglang":
        return size("llama-3.1-8b", gpu="h100", context=8192, engine="sglang", details=False)
    return size("llama-3.1-405b", gpu="h100", details=False)


ONE = ("one", "three", "amd", "rented", "sglang", "two")


@pytest.mark.parametrize("form", WITH_SCHEMA)
@pytest.mark.parametrize("case", ONE)
def test_a_file_is_valid_or_refused_with_what_would_do(form: str, case: str) -> None:
    schema = json.loads((SCHEMAS / f"{form}.json").read_text(encoding="utf-8"))
    try:
        documents = list(yaml.safe_load_all(answer(case).deploy(form)))
    except RequestError as error:
        assert re.search(r"one machine|alone|/dev/shm|NVIDIA's GPUs", str(error)), error
        return
    for document in documents:
        if document.get("kind") == "PersistentVolumeClaim":
            kubernetes_validate.validate(document, "1.34", strict=True)
        else:
            jsonschema.Draft202012Validator(schema).validate(document)


@pytest.mark.parametrize("form", WITH_SCHEMA)
def test_its_schema_refuses_a_misspelt_key(form: str) -> None:
    schema = json.loads((SCHEMAS / f"{form}.json").read_text(encoding="utf-8"))
    document = list(yaml.safe_load_all(answer("one").deploy(form)))[-1]
    top = document["spec"] if "spec" in document else next(v for v in document.values() if isinstance(v, dict))
    top["replicass"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(document)


def test_every_format_of_a_chart_or_resource_has_a_schema() -> None:
    others = {"ollama", "docker-compose", "kubernetes", "skypilot", "dstack", "slurm", "modal", "sagemaker"}
    assert {*WITH_SCHEMA, *LINES, *others} == {*TOOLS}


def test_the_page_offers_every_format() -> None:
    from gpu_sizer.page.site import page_html

    text = page_html("server").decode()
    offered = re.findall(r'value="([\w-]*)"', re.findall(r'<select id="format">(.*?)</select>', text, re.S)[0])
    commands = re.findall(r'data-form="([\w.-]+)"', text)
    assert offered == ["", *(f for f in FORMATS if f not in commands)]
    assert set(commands) < {*FORMATS}


def documents(form: str, case: str = "one", **choices: Any) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(answer(case).deploy(form, **choices)))


def test_the_pods_of_kserve_and_llm_d_run_the_command_with_keys_and_probes() -> None:
    expected = list(make_serving(answer("one"), Choices()).command)
    (_, service) = documents("kserve")
    predictor = service["spec"]["predictor"]
    (values,) = documents("llm-d")
    for container in (predictor["containers"][0], values["decode"]["containers"][0]):
        assert [*container["command"], *container["args"]] == expected
        assert {e["name"] for e in container["env"]} >= {"HF_TOKEN", "VLLM_API_KEY", "VLLM_CACHE_ROOT"}
        assert container["startupProbe"]["timeoutSeconds"] == 15
    pod = {
        k: v for k, v in predictor.items() if k not in ("minReplicas", "maxReplicas", "timeout", "deploymentStrategy")
    }
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": pod}
    kubernetes_validate.validate(manifest, "1.34", strict=True)


def test_a_chart_that_writes_the_command_is_told_every_option() -> None:
    planned = dict(pairs(make_serving(answer("three"), Choices()).command))
    (values,) = documents("production-stack", "three")
    (model,) = values["servingEngineSpec"]["modelSpec"]
    config = model["vllmConfig"]
    named = {
        "--max-model-len": config["maxModelLen"],
        "--dtype": config["dtype"],
        "--tensor-parallel-size": config["tensorParallelSize"],
        "--max-num-seqs": config["maxNumSeqs"],
        "--gpu-memory-utilization": config["gpuMemoryUtilization"],
    }
    told = {**{k: (str(v),) for k, v in named.items()}, **dict(pairs(config["extraArgs"]))}
    assert told == {k: v for k, v in planned.items() if k != "--port"}
    assert (model["modelURL"], model["requestGPU"]) == ("mistralai/Mixtral-8x7B-v0.1", 3)
    (service,) = documents("kserve-llm", "three")
    spec = service["spec"]
    assert spec["parallelism"] == {"tensor": int(planned["--tensor-parallel-size"][0])}
    rest = {k: v for k, v in planned.items() if k not in ("--port", "--tensor-parallel-size")}
    assert dict(pairs(spec["template"]["containers"][0]["args"])) == rest


def test_ray_gets_the_arguments_by_their_names() -> None:
    made = make_serving(answer("two"), Choices())
    service = documents("kuberay", "two")[-1]
    (application,) = yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]
    (config,) = application["args"]["llm_configs"]
    kwargs = config["engine_kwargs"]
    for option, (text,) in pairs(made.command):
        if option != "--port":
            assert str(kwargs[option[2:].replace("-", "_")]) == text
    assert kwargs["distributed_executor_backend"] == "ray"
    group = service["spec"]["rayClusterConfig"]["workerGroupSpecs"][0]
    assert (group["replicas"], group["rayStartParams"]["num-gpus"]) == (2, "8")
    eager = estimate("mixtral-8x7b", gpu="h100", tensor_parallel_size=2, enforce_eager=True).deploy("kuberay")
    assert "enforce_eager: true" in eager


def test_ray_places_replicas_that_share_experts_by_an_application_of_their_own() -> None:
    """Ray 2.52: its builder asks for the ranks of a machine, and refuses scaling."""
    spread = {"tensor_parallel_size": 1, "data_parallel_size": 16, "expert_parallel": True}
    shared = estimate("deepseek-r1", gpu="h200", **spread)
    service = list(yaml.safe_load_all(shared.deploy("kuberay")))[-1]
    (application,) = yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]
    config = application["args"]["llm_config"]
    assert application["import_path"] == "ray.serve.llm:build_dp_openai_app"
    assert config["experimental_configs"] == {"dp_size_per_node": 8}
    assert config["engine_kwargs"]["data_parallel_size"] == 16
    assert "deployment_config" not in config
    with pytest.raises(RequestError, match="once"):
        shared.deploy("kuberay", replicas=2)
    apart = estimate("llama-3.1-8b", gpu="l40s", data_parallel_size=4, users=8, context=8192)
    service = list(yaml.safe_load_all(apart.deploy("kuberay", replicas=2)))[-1]
    (application,) = yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]
    (config,) = application["args"]["llm_configs"]
    assert "data_parallel_size" not in config["engine_kwargs"]
    assert config["deployment_config"]["autoscaling_config"]["min_replicas"] == 8


def test_vllms_chart_is_for_one_gpu() -> None:
    with pytest.raises(RequestError, match="mounts no /dev/shm"):
        answer("three").deploy("helm-vllm")
    (values,) = documents("helm-vllm")
    assert values["image"]["command"] == list(make_serving(answer("one"), Choices()).command)
    limits = values["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == 1


def test_docker_runs_the_command_in_the_image() -> None:
    for case in ("one", "three", "amd", "sglang"):
        made = make_serving(answer(case), Choices())
        words = shlex.split(answer(case).deploy("docker-run").replace("\\\n", " "), comments=True)
        assert words[:3] == ["docker", "run", "--detach"]
        image = words.index(made.image())
        assert [words[image - 1], *words[image + 1 :]] == list(made.in_container)
        told = options(words[:image])
        assert told["--publish"] == "127.0.0.1:8000:8000"
        if case == "amd":
            assert "/dev/kfd" in words
        else:
            assert told["--gpus"] == str(made.gpus_per_node)
        read = preflight(answer(case).deploy("docker-run"))
        assert (read.model, int(read.options["context"])) == (made.weights, made.fit.settings.context)
    several = answer("two").deploy("docker-run")
    assert "--network host" in several
    assert "${VLLM_API_KEY:?" in several


def exec_words(text: str, key: str) -> list[str]:
    """The words of a unit's command, as systemd.syntax(7) reads them."""
    line = re.search(rf"^{key}=((?:.*\\\n)*.*)$", text, re.M)
    assert line is not None
    joined = line[1].replace("\\\n", " ")
    words = []
    for quoted, bare in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', joined):
        raw = re.sub(r"\\(x[0-9a-f]{2}|.)", lambda m: ESCAPES.get(m[1]) or chr(int(m[1][1:], 16)), quoted or bare)
        # Bytes above ASCII are written one by one.
        plain = raw.encode("latin-1").decode() if re.search(r"\\x[89a-f]", quoted) else raw
        words.append(plain.replace("%%", "%").replace("$$", "$"))
    return words


ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


@pytest.mark.parametrize("case", ["one", "three", "sglang"])
def test_units_run_the_command(case: str) -> None:
    made = make_serving(answer(case), Choices())
    unit = answer(case).deploy("systemd")
    key = ["--api-key", "${API_KEY}"] if case == "sglang" else []
    assert exec_words(unit, "ExecStart") == ["/usr/bin/env", *made.command, *key]
    container = answer(case).deploy("quadlet")
    program = re.search(r"^Entrypoint=(.*)$", container, re.M)
    assert program is not None
    assert [program[1], *exec_words(container, "Exec")] == list(made.in_container)
    assert container.count("AddDevice=nvidia.com/gpu=") == made.gpus_per_node
    # Every directive is one that the unit's section has.
    for text in (unit, container):
        for line in re.sub(r"\\\n", " ", text).splitlines():
            name = line.partition("=")[0]
            assert line == "" or line.startswith(("#", "[")) or name in DIRECTIVES, line


#: systemd.unit(5), systemd.service(5), systemd.exec(5) and podman-systemd.unit(5) of Podman 5.
DIRECTIVES = {
    *("Description", "Wants", "After", "Type", "DynamicUser", "StateDirectory", "Environment", "EnvironmentFile"),
    *("ExecStart", "Restart", "RestartSec", "TimeoutStopSec", "LimitMEMLOCK", "WantedBy", "SupplementaryGroups"),
    *("Image", "ContainerName", "AddDevice", "GroupAdd", "SeccompProfile", "SecurityLabelDisable", "ShmSize", "Ulimit"),
    *("Network", "AddCapability", "PublishPort", "Mount", "Volume", "HealthCmd", "HealthInterval", "HealthTimeout"),
    *("HealthRetries", "HealthStartPeriod", "StopTimeout", "Entrypoint", "Exec", "TimeoutStartSec"),
}


def test_llama_swap_and_ollama_start_what_was_planned() -> None:
    (config,) = documents("llama-swap")
    ((name, model),) = config["models"].items()
    words = shlex.split(model["cmd"])
    assert words[words.index("--port") + 1] == "${PORT}"
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert name == make_serving(answer("one"), Choices()).name
    plan = size("llama-3.1-8b", gpu="rtx-4090", context=32768, engine="llama.cpp", details=False)
    text = plan.deploy("ollama", weights="org/model-GGUF:BF16")
    assert "FROM hf.co/org/model-GGUF:BF16\n" in text
    read = preflight(text)
    assert int(read.options["context"]) == 32768
    assert "PARAMETER num_batch 512\n" in text
    assert "FROM /models/a.gguf\n" in plan.deploy("ollama", weights="/models/a.gguf")
    with pytest.raises(RequestError, match="alone"):
        answer("one").deploy("ollama")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", [*WITH_SCHEMA, *LINES, "ollama"])
def test_hostile_names_stay_names_or_are_refused(form: str, name: str) -> None:
    plan = answer("one")
    card = replace(plan.request.model, hub_id=name, name=name, id=name)
    hostile = replace(plan, request=replace(plan.request, model=card))
    try:
        text = hostile.deploy(form)
    except RequestError as error:
        assert re.search(r"plain names|on one line|alone", str(error)), error
        return
    if form == "docker-run":
        words = shlex.split("\n".join(line for line in text.split("\n") if not line.startswith("# ")))
        assert words[words.index("serve") + 1] == name
    elif form == "systemd":
        assert exec_words(text, "ExecStart")[3] == name
    elif form == "quadlet":
        assert exec_words(text, "Exec")[1] == name
    else:
        assert any(name in v for v in strings(list(yaml.safe_load_all(text))))
        plain = list(yaml.safe_load_all(plan.deploy(form)))
        assert shape(list(yaml.safe_load_all(text))) == shape(plain)


def strings(value_: Any) -> list[str]:
    if isinstance(value_, dict):
        return [s for v in value_.values() for s in strings(v)]
    if isinstance(value_, list):
        return [s for v in value_ for s in strings(v)]
    if isinstance(value_, str) and value_.startswith("applications:"):
        return strings(yaml.safe_load(value_))
    words = shlex.split(value_) if isinstance(value_, str) and value_.startswith("vllm serve") else [str(value_)]
    return [form for word in words for form in (word, word.replace("$$", "$"))]


def shape(value_: Any) -> Any:
    """Keys and types; a model's own name as a key is llama-swap's."""
    if isinstance(value_, dict):
        return [(k if "vllm-" not in k else "", shape(v)) for k, v in value_.items()]
    return [shape(v) for v in value_] if isinstance(value_, list) else type(value_)


def test_options_are_read_as_pairs() -> None:
    words = ["serve", "org/x", "--a", "1", "--b", "-c", "x", "y", "--d=2", "--e", "-1"]
    found = [("--a", ("1",)), ("--b", ()), ("-c", ("x", "y")), ("--d", ("2",)), ("--e", ("-1",))]
    assert pairs(words) == found
    assert without(words, ["--a", "-c"]) == ["--b", "--d", "2", "--e", "-1"]
    assert [value(t) for t in ("1", "0.5", "0x1", "1e3", "007", "auto")] == [1, 0.5, "0x1", "1e3", "007", "auto"]


@pytest.mark.parametrize("word", [*NAMES, "", "%h", "a b", "$X", '"', "\\", "\n"])
def test_a_word_of_a_unit_is_read_back(word: str) -> None:
    assert exec_words(f"ExecStart={unit_command(['x', word, 'y'])}\n", "ExecStart") == ["x", word, "y"]
    assert "\n" not in unit_word(word)


def test_kubernetes_asks_for_devices_by_a_claim() -> None:
    parts = documents("kubernetes", "three", dra=True)
    template = next(p for p in parts if p["kind"] == "ResourceClaimTemplate")
    (asked,) = template["spec"]["spec"]["devices"]["requests"]
    assert asked["exactly"]["count"] == 3
    assert "NVIDIA RTX A6000" in asked["exactly"]["selectors"][0]["cel"]["expression"]
    for part in parts:
        kubernetes_validate.validate(part, "1.34", strict=True)
    spec = next(p for p in parts if p["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert spec["resourceClaims"] == [{"name": "gpu", "resourceClaimTemplateName": template["metadata"]["name"]}]
    assert "nvidia.com/gpu" not in json.dumps(spec["containers"][0]["resources"])


def test_replicas_wait_for_the_job_that_fetches_the_weights() -> None:
    parts = documents("kubernetes", "one", replicas=3)
    kinds = [p["kind"] for p in parts]
    assert kinds == ["PersistentVolumeClaim", "Job", "Deployment", "Service"]
    for part in parts:
        kubernetes_validate.validate(part, "1.34", strict=True)
    spec = parts[2]["spec"]
    assert spec["replicas"] == 3
    job, wait = parts[1]["spec"]["template"]["spec"]["containers"][0], spec["template"]["spec"]["initContainers"][0]
    (done,) = set(re.findall(r"/root/\S+\.complete", json.dumps(job) + json.dumps(wait)))
    assert done.startswith("/root/.cache/huggingface/")
    assert parts[0]["spec"]["accessModes"] == ["ReadWriteMany"]


def test_machines_that_talk_by_rdma_ask_for_its_devices() -> None:
    plain, fast = documents("kubernetes", "two"), documents("kubernetes", "two", rdma="rdma/ib")
    assert "rdma/ib" not in json.dumps(plain)
    assert json.dumps(fast).count('"rdma/ib": "1"') == 2
    assert "IPC_LOCK" in json.dumps(plain)


def test_machines_named_stand_in_each_format_that_has_a_place_for_them() -> None:
    for form in ("dynamo", "kserve", "kserve-llm", "kuberay", "llm-d", "production-stack"):
        text = answer("rented").deploy(form)
        assert "g6.xlarge" in text.split("\n", 3)[3], form
