"""A format of tables and a file for a tool are one module each: copied into the package, they are found."""

from __future__ import annotations

import pytest

from tests.recipes import RUN, Package, steps

TABLE = ["--models", "llama-3-8b", "--gpu", "a6000", "--columns", "name,gpus"]
DEPLOY = ["deploy", "llama-3-8b", "--gpu", "a6000", "--as"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """What the commands answer in a package with the two templates."""
    package = Package(tmp_path_factory.mktemp("package"))
    package.add("adoc.py", "reports/tables/formats/adoc.py")
    package.add("nomad.py", "deploy/tools/nomad.py")
    commands = {
        "table": ["table", *TABLE, "--format", "adoc"],
        "file": ["table", *TABLE, "-o", "table.adoc"],
        "models": ["models", "llama-3-8b", "--format", "adoc"],
        "table help": ["table", "--help"],
        "unknown": ["table", *TABLE, "--format", "odt"],
        "deploy": [*DEPLOY, "nomad"],
        "deploy help": ["deploy", "--help"],
        "unknown tool": [*DEPLOY, "nomads"],
    }
    found: dict[str, list[object]] = package.run(
        f"{RUN}\nfound = {{k: out(*words) for k, words in {commands!r}.items()}}\n"
        "found['written'] = [0, open('table.adoc', encoding='utf-8').read(), '']\nprint(json.dumps(found))"
    )
    return found


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("table", "|Llama 3 8B |1 \n|==="),
        ("written", "|Llama 3 8B |1 \n|==="),
        ("models", "|===\n|"),
        ("table help", "adoc, csv, html"),
        ("deploy", 'job "vllm-meta-llama-3-8b-'),
        ("deploy help", "modal, nomad, ollama"),
    ],
)
def test_they_are_found(answers: dict[str, list[object]], command: str, text: str) -> None:
    code, out, told = answers[command]
    assert code == 0, told
    assert text in (" ".join(str(out).split()) if "help" in command else str(out))


def test_refusals_name_them(answers: dict[str, list[object]]) -> None:
    assert "adoc" in str(answers["unknown"][2])
    assert "nomad" in str(answers["unknown tool"][2])


@pytest.mark.parametrize(
    ("heading", "template"), [("Add a format of tables", "adoc.py"), ("Add a file for a tool", "nomad.py")]
)
def test_the_recipes_name_the_templates(heading: str, template: str) -> None:
    assert f"tests/recipes/{template}" in steps(heading)
