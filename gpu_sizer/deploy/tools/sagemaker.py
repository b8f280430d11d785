"""SageMaker: a script of boto3 that creates a model, the configuration of an endpoint, and the endpoint.

The image is AWS's own of vLLM, which makes an option of each variable that begins with ``SM_VLLM_`` and listens on the
port that SageMaker asks (https://aws.github.io/deep-learning-containers/vllm/configuration/). Fields as in botocore's
service model of ``sagemaker``.
"""

from __future__ import annotations

from gpu_sizer.cards.fleet import fleet
from gpu_sizer.deploy.limits import engine_alone, hub_alone, one_machine, tame
from gpu_sizer.deploy.options import pairs
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, python_value
from gpu_sizer.errors import RequestError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.cards.machine import Machine

#: As in `gpu-sizer deploy --as`.
NAME = "sagemaker"
#: Choices that it has a place for.
TAKES = ("replicas",)
#: Families of instances that SageMaker has, whole ones (botocore: ProductionVariantInstanceType).
FAMILIES = ("g4dn", "g5", "g6", "g6e", "g7", "g7e", "p3", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300")
#: Port on which SageMaker asks the container.
PORT = 8080
#: The longest that it waits for a container (botocore: ContainerStartupHealthCheckTimeoutInSeconds), and the least.
LONGEST_START, SHORTEST_START = 3600, 60
#: Longest value of a variable (botocore: EnvironmentValue), and longest name.
LONGEST_VALUE, LONGEST_NAME = 1024, 63
#: The machine image whose driver starts images of CUDA 12.9 and later.
AMI = "al2023-ami-sagemaker-inference-gpu-4-1"


def _offered(machine: Machine) -> bool:
    family, _, size = machine.name.partition(".")
    return family in FAMILIES and size != "metal"


def _instance(serving: Serving) -> Machine:
    """The instance: the machine that was named, or the smallest that holds the plan."""
    if (offer := serving.rented) is not None:
        if offer.provider != "aws" or not _offered(offer.machine):
            raise RequestError(f"SageMaker has no {offer.machine.name} of {offer.provider_name}", about="machine")
        return offer.machine
    fitting = [
        offer.machine
        for offer in fleet().of_gpu(serving.gpu.id)
        if offer.provider == "aws"
        and _offered(offer.machine)
        and offer.machine.gpu_count >= serving.gpus_per_node
        and (offer.machine.vcpus or 0) >= serving.cores
        and (offer.machine.memory_gib or 0) >= serving.memory_gib
    ]
    if not fitting:
        raise RequestError(f"SageMaker has no instance with {serving.gpus_per_node} x {serving.gpu.name}", about="gpu")
    return min(fitting, key=lambda m: (m.gpu_count, m.memory_gib or 0, m.name))


def _environment(serving: Serving, name: str) -> dict[str, str]:
    """The options as variables: a switch is ``true``."""
    variables = {"SM_VLLM_MODEL": name}
    for option, values in pairs(serving.command):
        if option == "--port":
            continue
        if not option.startswith("--") or len(values) > 1 or not option[2:].replace("-", "").isalnum():
            raise RequestError(f"SageMaker's image takes options with one value as variables, not {option}")
        text = values[0] if values else "true"
        # The image takes the words true and false for switches, and reads variables by lines.
        if (values and text.lower() in ("true", "false")) or len(text) > LONGEST_VALUE or not text.isprintable():
            raise RequestError(f"SageMaker's image cannot be told {option} {text[:40]}")
        variables[f"SM_VLLM_{option[2:].replace('-', '_').upper()}"] = text
    return variables


def calls(serving: Serving, image: str, name: str, instance: str) -> dict[str, dict[str, Any]]:
    """The three calls by the name of each, but for the role, the region and the token of who calls."""
    model = serving.name[:LONGEST_NAME]
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InitialInstanceCount": serving.choices.replicas,
        "InstanceType": instance,
        "InferenceAmiVersion": AMI,
        "ContainerStartupHealthCheckTimeoutInSeconds": max(SHORTEST_START, min(LONGEST_START, serving.start_seconds)),
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    container = {"Image": image, "Environment": _environment(serving, name)}
    return {
        "create_model": {"ModelName": model, "PrimaryContainer": container},
        "create_endpoint_config": {"EndpointConfigName": model, "ProductionVariants": [variant]},
        "create_endpoint": {"EndpointName": model, "EndpointConfigName": model},
    }


def render(serving: Serving) -> str:
    """The script."""
    tool = "SageMaker"
    engine_alone(serving, tool, "vLLM")
    one_machine(serving, tool)
    hub_alone(serving, tool)
    name = tame(serving, tool)
    container = serving.found_image("sagemaker")
    image = serving.choices.image or (container.name if container is not None else None)
    if image is None:
        raise RequestError(f"no image of {serving.shown} for SageMaker is known: name one (--image)")
    machine = _instance(serving)
    told = calls(serving, image, name, f"ml.{machine.name}")
    notes = [*serving.header(container=False), "ROLE_ARN=arn:aws:iam::... python FILE, with the package boto3."]
    if serving.choices.image is None and container is not None:
        notes += serving.image_notes(container)
    if machine.gpu_count > serving.gpus_per_node:
        notes.append(
            f"ml.{machine.name} has {machine.gpu_count} GPUs, of which {machine.gpu_count - serving.gpus_per_node} "
            "stay idle: it is the smallest with as many of these."
        )
    notes += [
        "HF_TOKEN in the environment goes along, for a gated model; it then stands in the model's description.",
        "Calls are signed with AWS's own keys, and the container asks for none.",
    ]
    if serving.start_seconds > LONGEST_START:
        notes.append(
            f"SageMaker waits {LONGEST_START // 60} minutes for a start at most, and loading may take "
            f"{serving.start_seconds // 60}: put the weights into S3 (ModelDataSource)."
        )
    if serving.port not in (8000, PORT):
        notes.append(f"The container listens on {PORT}, the only port that SageMaker asks.")
    parts = [
        f"{variable} = {python_value(told[call])}"
        for variable, call in (("MODEL", "create_model"), ("CONFIG", "create_endpoint_config"))
    ]
    endpoint = python_value(told["create_endpoint"])
    return (
        comment(notes)
        + "\nimport os\n\nimport boto3\n\n"
        + "\n".join(parts)
        + f"""
ENDPOINT = {endpoint}

client = boto3.client("sagemaker")
container = MODEL["PrimaryContainer"]
container["Image"] = container["Image"].replace("{{region}}", client.meta.region_name)
if "HF_TOKEN" in os.environ:
    container["Environment"]["HF_TOKEN"] = os.environ["HF_TOKEN"]
client.create_model(ExecutionRoleArn=os.environ["ROLE_ARN"], **MODEL)
client.create_endpoint_config(**CONFIG)
client.create_endpoint(**ENDPOINT)
print(ENDPOINT["EndpointName"])
"""
    )
