"""Every format of three deployments: valid by its own tool's rules, and the same deployment as the plan."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from gpu_sizer import DoesNotFitError, RequestError, estimate, size
from gpu_sizer.deploy.choices import Choices
from gpu_sizer.deploy.formats import deploy
from gpu_sizer.deploy.making import make_serving, weights_named
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.errors import GpuSizerError
from gpu_sizer.evidence.preflight import preflight
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.plan import Fit, Plan
from gpu_sizer.records import replace
from tests.deploy.running import RUN, options, pods, started, workload_of

KUBERNETES = "1.34"


@cache
def answer(name: str) -> Plan | Fit:
    """The deployments of the issue, an AMD one, and one with replicas over two machines."""
    if name == "mixtral":
        return size("mixtral-8x7b", gpu="a6000")
    if name == "llama":
        return size("llama-3.1-405b", gpu="h100")
    if name == "gpt-oss":
        return size("gpt-oss-120b", gpu="h100", max_num_seqs=128)
    if name == "amd":
        return size("llama-3-70b", gpu="mi300x")
    return estimate(
        "mixtral-8x7b", gpu="h100", tensor_parallel_size=4, data_parallel_size=4, expert_parallel=True, users=8
    )


CASES = ("mixtral", "llama", "gpt-oss", "amd", "replicas")
every = pytest.mark.parametrize(
    ("case", "form"), [(case, form) for case in CASES for form in ("vllm", *RUN)], ids=lambda value: str(value)
)


def serving(case: str) -> Serving:
    return make_serving(answer(case), Choices())


def documents(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def test_the_three_deployments_are_what_they_are_asked_to_be() -> None:
    assert (serving("mixtral").nodes, serving("mixtral").gpus_per_node) == (1, 3)
    assert (serving("llama").nodes, serving("llama").gpus_per_node) == (2, 8)
    assert (serving("gpt-oss").nodes, serving("gpt-oss").gpus_per_node) == (1, 1)


@every
def test_what_starts_is_the_plan(case: str, form: str, tmp_path: Path) -> None:
    made = serving(case)
    layout, s, text = made.fit.layout, made.fit.settings, deploy(answer(case), form)
    assert made.fit.fits
    assert layout.gpu_count == made.nodes * made.gpus_per_node >= (answer(case).gpu_count or 0)
    for rank in range(made.nodes):
        words = started(form, text, tmp_path, rank)
        told = options(words)
        assert words[:3] == ["vllm", "serve", made.weights]
        assert told.get("--tensor-parallel-size") == str(layout.tensor_parallel_size)
        assert told.get("--pipeline-parallel-size") == str(layout.pipeline_parallel_size)
        assert told.get("--data-parallel-size", "1") == str(layout.data_parallel_size)
        assert ("--enable-expert-parallel" in told) == layout.expert_parallel
        assert told["--max-model-len"] == str(s.context)
        assert told["--max-num-seqs"] == str(s.max_num_seqs)
        assert told["--max-num-batched-tokens"] == str(s.max_num_batched_tokens)
        assert float(told["--gpu-memory-utilization"]) == s.gpu_memory_utilization
        assert told["--dtype"] == "bfloat16"
        if made.nodes > 1:
            several = (told["--nnodes"], told["--node-rank"], told["--master-addr"], "--headless" in told)
            assert several == (str(made.nodes), str(rank), "first", rank > 0)
        else:
            assert "--nnodes" not in told


def gpus_of(form: str, text: str) -> tuple[int, int]:
    """Machines and GPUs of each, as the format asks for them."""
    if form == "slurm":
        asked = dict(line.removeprefix("#SBATCH --").split("=") for line in text.splitlines() if "#SBATCH" in line)
        return int(asked["nodes"]), int(asked["gpus-per-node"])
    parts = documents(text)
    top = parts[0]
    if form == "skypilot":
        (count,) = set(top["resources"]["accelerators"].values())
        return top.get("num_nodes", 1), count
    if form == "dstack":
        return top.get("nodes", 1), top["resources"]["gpu"]["count"]
    limits = [p["containers"][0]["resources"]["limits"] for p in pods(parts)]
    assert all(limit == limits[0] for limit in limits)
    ((name, count),) = limits[0].items()
    assert name in ("nvidia.com/gpu", "amd.com/gpu")
    group = workload_of(parts)["spec"].get("leaderWorkerTemplate", {"size": 1})
    return group["size"], int(count)


@pytest.mark.parametrize("form", sorted({*RUN} - {"docker-compose"}))
@pytest.mark.parametrize("case", CASES)
def test_machines_and_gpus_are_those_of_the_plan(case: str, form: str) -> None:
    """Compose's file and a bare command are one machine's."""
    made = serving(case)
    assert gpus_of(form, deploy(answer(case), form)) == (made.nodes, made.gpus_per_node)


@pytest.mark.parametrize("case", CASES)
def test_compose_files_pass_the_specification(case: str) -> None:
    schema = json.loads(
        (resources.files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8")
    )
    (document,) = documents(deploy(answer(case), "docker-compose"))
    jsonschema.validators.validator_for(schema)(schema).validate(document)
    service = document["services"]["vllm"]
    if case == "amd":
        assert service["devices"] == ["/dev/kfd", "/dev/dri"]
    else:
        assert service["deploy"]["resources"]["reservations"]["devices"][0]["count"] == serving(case).gpus_per_node


#: The fields of a LeaderWorkerSet that are used, from kubernetes-sigs/lws, api/leaderworkerset/v1; pods are checked
#: by Kubernetes' own schema.
LEADER_WORKER_SET = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "leaderworkerset.x-k8s.io/v1"},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["leaderWorkerTemplate"],
            "properties": {
                "replicas": {"type": "integer", "minimum": 0},
                "leaderWorkerTemplate": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["workerTemplate"],
                    "properties": {
                        "size": {"type": "integer", "minimum": 1},
                        "restartPolicy": {"enum": ["RecreateGroupOnPodRestart", "None"]},
                        "leaderTemplate": {"type": "object"},
                        "workerTemplate": {"type": "object"},
                    },
                },
            },
        },
    },
}


@pytest.mark.parametrize("case", CASES)
def test_manifests_pass_the_schemas_of_kubernetes(case: str) -> None:
    parts = documents(deploy(answer(case), "kubernetes"))
    kinds = [p["kind"] for p in parts]
    several = serving(case).nodes > 1
    assert kinds == ["PersistentVolumeClaim", *(["Job", "LeaderWorkerSet"] if several else ["Deployment"]), "Service"]
    for part in parts:
        if part["kind"] == "LeaderWorkerSet":
            jsonschema.validate(part, LEADER_WORKER_SET)
            for spec in pods(parts):
                pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": spec}
                kubernetes_validate.validate(pod, KUBERNETES, strict=True)
        else:
            kubernetes_validate.validate(part, KUBERNETES, strict=True)
    leader = pods(parts)[0]["containers"][0]
    assert leader["startupProbe"]["httpGet"]["path"] == "/health"
    spec = workload_of(parts)["spec"]
    labels = (spec.get("template") or spec["leaderWorkerTemplate"]["leaderTemplate"])["metadata"]
    assert parts[-1]["spec"]["selector"].items() <= labels["labels"].items(), "the service finds its pod"
    (claim,) = (v["persistentVolumeClaim"] for v in pods(parts)[0]["volumes"] if "persistentVolumeClaim" in v)
    assert parts[0]["metadata"]["name"] == claim["claimName"]


@pytest.mark.parametrize("case", CASES)
def test_tasks_pass_the_schema_of_skypilot(case: str) -> None:
    schemas = json.loads((Path(__file__).parent / "skypilot.json").read_text(encoding="utf-8"))
    (task,) = documents(deploy(answer(case), "skypilot"))
    jsonschema.validate(task, schemas["task"])
    jsonschema.validate(task["service"], schemas["service"])
    jsonschema.validate(task["resources"], schemas["resources"])


@pytest.mark.parametrize("case", CASES)
def test_dstack_configurations_pass_its_schemas(case: str) -> None:
    """Its schemas of a service and of a task (``model_json_schema`` of dstack 0.22.5)."""
    schemas = json.loads((Path(__file__).parent / "dstack.json").read_text(encoding="utf-8"))
    (document,) = documents(deploy(answer(case), "dstack"))
    kind = "task" if serving(case).nodes > 1 else "service"
    assert document["type"] == kind
    jsonschema.validators.validator_for(schemas[kind])(schemas[kind]).validate(document)


def test_a_dstack_service_has_its_port_and_model_and_a_task_its_nodes() -> None:
    (one,), (two,) = (documents(deploy(answer(c), "dstack")) for c in ("mixtral", "llama"))
    common = {"type", "name", "image", "env", "commands", "volumes", "resources"}
    assert set(one) == common | {"port", "model", "probes"}
    assert set(two) == common | {"ports", "nodes"}


def test_tuned_settings_are_deployed_on_fewer_gpus() -> None:
    plan = size("llama-3.1-405b", gpu="h100", max_gpus=12)
    assert not plan.fits
    assert plan.tuned is not None
    with pytest.raises(DoesNotFitError):
        plan.deploy("vllm")
    made = make_serving(plan, Choices(tuned=True))
    told = options(made.command)
    assert {k: told[f"--{k.replace('_', '-')}"] for k in plan.tuned.settings} == {
        k: str(v) for k, v in plan.tuned.settings.items()
    }


def test_a_layout_that_was_told_is_deployed_with_the_settings_that_let_it_start() -> None:
    told = estimate("qwen3.8-27b", gpu="rtx-pro-6000", context=8192)
    assert not told.fits
    assert told.tuned is not None
    assert told.tuned.settings == {"max_num_seqs": 512}
    assert told.to_dict()["tuned"]["settings"] == {"max_num_seqs": 512}
    with pytest.raises(DoesNotFitError):
        told.deploy("vllm")
    assert options(make_serving(told, Choices(tuned=True)).command)["--max-num-seqs"] == "512"
    fine = estimate("llama-3-8b", gpu="rtx-pro-6000")
    assert fine.tuned is None
    with pytest.raises(RequestError, match="no lower settings"):
        fine.deploy("vllm", tuned=True)


def test_the_release_that_was_named_is_what_is_loaded() -> None:
    card = answer("llama").request.model
    assert weights_named(card, "llama-3.1-405b") == card.hub_id
    assert weights_named(card, "meta-llama/Llama-3.1-405B-Instruct") == "meta-llama/Llama-3.1-405B-Instruct"
    assert (weights_named(card, "llama 3.1 405b instruct") or "").endswith("405B-Instruct")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"form": "helm"}, "unknown format"),
        ({"port": 0}, "port"),
        ({"port": 70000}, "port"),
        ({"weights": "--trust-remote-code"}, "begin with a hyphen"),
        ({"weights": "a\nb"}, "one line"),
        ({"image": ""}, "one line"),
        ({"tuned": True}, "no tuned settings"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], reason: str) -> None:
    form = changes.pop("form", "docker-compose")
    with pytest.raises(RequestError, match=reason):
        deploy(answer("mixtral"), form, **changes)


def test_what_an_engine_or_a_tool_cannot_do_is_refused_not_guessed() -> None:
    old = size("llama-3.1-405b", gpu="h100", engine="vllm@0.11", details=False)
    with pytest.raises(RequestError, match="Ray cluster"):
        old.deploy("vllm")
    what_if = size("llama-3-8b", gpu="h100", weights_dtype="float8-tensor", details=False)
    with pytest.raises(RequestError, match="checkpoint"):
        what_if.deploy("vllm")
    assert "RedHatAI/some-fp8" in what_if.deploy("vllm", weights="RedHatAI/some-fp8")
    with pytest.raises(RequestError, match="SkyPilot's catalogue"):
        size("llama-3-8b", gpu="a2", context=2048, details=False).deploy("skypilot")
    uneven = estimate("llama-3.1-405b", gpu="h100", pipeline_parallel_size=13)
    with pytest.raises(RequestError, match="evenly"):
        uneven.deploy("slurm")


def test_float16_where_the_gpu_has_no_bfloat16() -> None:
    made = make_serving(size("mistral-7b-v0.1", gpu="t4", context=4096, details=False), Choices())
    assert options(made.command)["--dtype"] == "float16"


def test_a_cache_type_that_was_asked_for_is_passed_on() -> None:
    made = make_serving(size("llama-3-8b", gpu="h100", kv_cache_dtype="fp8", details=False), Choices())
    assert options(made.command)["--kv-cache-dtype"] == "fp8"


def test_every_gpu_named_for_a_tool_is_one_of_the_catalogue() -> None:
    from gpu_sizer.cards.catalogue import catalogue
    from gpu_sizer.deploy.tools.dstack import GPUS
    from gpu_sizer.deploy.tools.skypilot import ACCELERATORS

    known = {gpu.id for gpu in catalogue().gpus.all()}
    assert {*GPUS, *ACCELERATORS} <= known


def test_errors_are_the_projects_own() -> None:
    with pytest.raises(GpuSizerError):
        size("llama-3.1-405b", gpu="t4", max_gpus=2, details=False).deploy("vllm")


def test_the_layout_deployed_is_the_plans_where_machines_hold_it() -> None:
    plan = size("deepseek-v3", gpu="gb200", context=14835, users=2, gpu_memory_utilization=0.306, max_gpus=16)
    assert plan.layout == Layout(1, 16)
    made = make_serving(plan, Choices())
    assert (made.fit.layout, made.nodes, made.gpus_per_node) == (plan.layout, 4, 4)
    assert "--pipeline-parallel-size 16" in deploy(plan, "vllm")


def test_another_layout_than_the_plans_is_told() -> None:
    plan = size("llama-3-8b", gpu="rtx-a6000", users=24, context=2048, max_num_seqs=24)
    sixes = estimate(
        "llama-3-8b", gpu="rtx-a6000", pipeline_parallel_size=6, data_parallel_size=4, users=24, context=2048
    )
    odd = replace(plan, memory=sixes.memory)
    text = deploy(odd, "vllm")
    assert f"# Machines of 4 cannot share the plan's layout evenly ({sixes.layout.describe()})." in text
    assert make_serving(odd, Choices()).fit.layout != sixes.layout
    more = size("llama-3.1-405b", gpu="h100", context=8192)
    assert more.gpu_count not in (None, 8, 16)
    assert f"# {more.gpu_count} GPUs would do ({more.layout.describe() if more.layout else ''})" in deploy(more, "vllm")


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("qwen3.6-27b", {"speculative": "mtp:3", "prefix_caching": True, "language_model_only": True}),
        ("llama-3.1-70b", {"speculative": "draft:llama-3.1-8b:5", "prefix_caching": False}),
        ("llama-3-8b", {"disable_custom_all_reduce": True}),
        ("llama-3-8b", {"lora": "4x32", "cpu_offload_gib": 2.5}),
    ],
)
def test_options_that_take_memory_are_said_and_read_back(model: str, options: dict[str, Any]) -> None:
    plan = size(model, gpu="h100", context=8192, max_num_seqs=16, details=False, **options)
    read = preflight(plan.deploy("vllm"))
    draft = {"speculative": "draft:meta-llama/Meta-Llama-3.1-8B:5"} if "draft:" in str(options) else {}
    assert {name: read.options.get(name) for name in options} == {**options, **draft}
    assert not read.takes_memory
    compose = plan.deploy("docker-compose")
    assert {name: preflight(compose).options.get(name) for name in options} == {**options, **draft}
