"""Modal: an app with one web server, whose containers run on machines of Modal's.

As in modal.com/docs/examples/vllm_inference and modal.com/docs/guide/gpu; arguments as in the package ``modal``
(tests/deploy/modal.json has those of the version that was asked). The engine's image has a Python of its own, beside
which Modal puts the one that its runner takes.
"""

from __future__ import annotations

from gpu_sizer.deploy import box
from gpu_sizer.deploy.limits import engine_alone, hub_alone, one_machine
from gpu_sizer.deploy.serving import Serving
from gpu_sizer.deploy.text import comment, python_text, python_value, python_words
from gpu_sizer.errors import RequestError

#: As in `gpu-sizer deploy --as`.
NAME = "modal"
#: Choices that it has a place for.
TAKES = ("replicas",)
#: Our GPU ids and Modal's names (modal.com/docs/guide/gpu); of A10 one container has four at most, of others eight.
GPUS: dict[str, tuple[str, int]] = {
    "a10": ("A10", 4),
    "a10g": ("A10", 4),
    "a100-40gb": ("A100-40GB", 8),
    "a100-80gb": ("A100-80GB", 8),
    "b200": ("B200", 8),
    "h100-80gb": ("H100", 8),
    "h200": ("H200", 8),
    "l4": ("L4", 8),
    "l40s": ("L40S", 8),
    "rtx-pro-6000": ("RTX-PRO-6000", 8),
    "t4": ("T4", 8),
}
#: Python of Modal's runner.
PYTHON = "3.12"
#: Seconds without requests after which a container ends.
IDLE_SECONDS = 900


def render(serving: Serving) -> str:
    """The app."""
    # Programs of other engines start with the first python3 of the image, which is then Modal's.
    engine_alone(serving, "Modal", "vLLM")
    one_machine(serving, "Modal")
    hub_alone(serving, "Modal")
    if (known := GPUS.get(serving.gpu.id)) is None:
        raise RequestError(f"Modal has no {serving.gpu.name}; it has: {', '.join(GPUS)}", about="gpu")
    kind, most = known
    if serving.gpus_per_node > most:
        raise RequestError(f"a container of Modal has at most {most} {serving.gpu.name}, not {serving.gpus_per_node}")
    variable = serving.key_variable()
    name, tag = python_text(serving.name), python_text(serving.image())
    secrets = ""
    notes = [*serving.header(), "modal deploy FILE. Modal's address is reached by everybody."]
    if variable is not None:
        secrets = f"    secrets=[modal.Secret.from_name({name}, required_keys=[{python_text(variable)}])],\n"
        notes.append(
            f'Clients send a key: modal secret create {serving.name} {variable}="$(openssl rand -hex 24)"; '
            "HF_TOKEN=... beside it for a gated model."
        )
    elif (note := serving.key_note()) is not None:
        notes.append(note)
    notes.append(
        f"Containers end after {IDLE_SECONDS // 60} minutes without requests, and the next request waits for a start."
    )
    env = box.compiled(serving)
    variables = f"image = image.env({python_value(env)})\n" if env else ""
    at_once = serving.fit.settings.max_num_seqs or serving.fit.request.users
    return f"""{comment(notes)}
import subprocess

import modal

COMMAND = {python_words(serving.in_container)}

image = modal.Image.from_registry({tag}, add_python={python_text(PYTHON)}).entrypoint([])
{variables}weights = modal.Volume.from_name({name}, create_if_missing=True)
app = modal.App({name}, image=image)


@app.function(
    gpu={python_text(f"{kind}:{serving.gpus_per_node}")},
    cpu={serving.cores},
    memory={serving.memory_gib << 10},
    volumes={{{python_text(serving.starter.cache)}: weights}},
{secrets}    max_containers={serving.choices.replicas},
    scaledown_window={IDLE_SECONDS},
    # Of one request, and of a start: the weights may have to be downloaded.
    timeout={serving.start_seconds},
    startup_timeout={serving.start_seconds},
)
@modal.concurrent(max_inputs={at_once})
@modal.web_server(port={serving.port}, startup_timeout={serving.start_seconds})
def serve():
    subprocess.Popen(COMMAND)
"""
