"""What a question may load: the budget of its start, in modules, since a clock would measure the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

#: Modules of ours that a question about a count loads at most: as many as it does, machines to rent included, and a
#: few to come. Five of them have the others load from one file.
OURS = 118
#: Modules of the standard library beyond those that an interpreter with json has anyway.
OTHERS = 12
#: What takes longer to load than a whole question may, or hides something that does.
HEAVY = {
    *("numpy", "pydantic", "pydantic_core", "rich", "typer", "click", "yaml", "matplotlib", "huggingface_hub"),
    *("dataclasses", "inspect", "typing", "pathlib", "datetime", "decimal", "difflib", "hashlib", "tempfile"),
    *("argparse", "ast", "asyncio", "importlib.metadata", "importlib.resources", "logging", "subprocess", "urllib"),
}
#: Rooms of which a question needs nothing.
FAR_ROOMS = ("arena", "deploy", "evidence", "importers", "reports")

LIST = """
import json, sys
print("\\n" + json.dumps(sorted(sys.modules)))
"""


def loaded(program: str) -> set[str]:
    """Modules in a process of its own after a program."""
    environment = {k: v for k, v in os.environ.items() if k not in ("GPU_SIZER_COMPILED", "PYTHONSTARTUP")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, env=environment, encoding="utf-8"
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What an interpreter loads for itself, in this environment."""
    return loaded(LIST)


@pytest.fixture(scope="module", params=["how many A6000s for Mixtral 8x7b", "how many H100s for llama 3 70b, 8 users"])
def extra(request: pytest.FixtureRequest, bare: set[str]) -> set[str]:
    """What a question loads beyond that, once the compiled catalogue is there."""
    program = f"from gpu_sizer.cli.entry import run\nrun([{request.param!r}])\n"
    loaded(program + LIST)
    return loaded(program + LIST) - bare


def test_a_question_loads_few_modules(extra: set[str]) -> None:
    ours = {m for m in extra if m.partition(".")[0] == "gpu_sizer"}
    assert len(ours) <= OURS, sorted(ours)
    assert len(extra - ours) <= OTHERS, sorted(extra - ours)


def test_a_question_loads_nothing_heavy(extra: set[str]) -> None:
    assert not extra & HEAVY
    assert not {m for m in extra if m.startswith(tuple(f"gpu_sizer.{room}" for room in FAR_ROOMS))}


def test_a_command_loads_no_other() -> None:
    program = "from gpu_sizer.cli.entry import run\nrun(['gpus', 'a6000'])\n"
    commands = {m for m in loaded(program + LIST) if m.startswith("gpu_sizer.cli.")}
    assert "gpu_sizer.cli.listings" in commands
    assert not commands & {
        f"gpu_sizer.cli.{name}" for name in ("arena", "article", "chart", "deploy", "sweep", "table")
    }


#: What the commands of daily work do without, beyond what typer loads for itself.
NOT_NEEDED = {"pydantic", "pydantic_core", "rich", "numpy", "yaml"}


@pytest.mark.parametrize(
    "command",
    [
        ["size", "mixtral-8x7b", "--gpu", "a6000", "--users", "2", "--utilization", "0.9"],
        ["fit", "mixtral-8x7b", "--gpu", "a6000", "--tp", "4", "--context", "8k"],
        ["models", "llama"],
        ["models", "--fits", "2xa6000"],
        ["what-fits", "--gpu", "a6000", "-n", "2"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_commands_load_no_validators(command: list[str]) -> None:
    program = f"from gpu_sizer.cli.entry import run\nassert run({command!r}) == 0\n"
    assert not loaded(program + LIST) & NOT_NEEDED
