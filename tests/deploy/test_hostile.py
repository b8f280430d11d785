"""Hostile names stay names: in shells, in YAML, and in what reads the YAML."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpu_sizer.deploy.formats import deploy
from gpu_sizer.deploy.text import comment, shell_words, slug, yaml_documents
from gpu_sizer.planning.plan import Plan
from gpu_sizer.records import replace
from tests.deploy.running import RUN, started
from tests.deploy.test_formats import answer

NAMES = [
    'it\'s "quoted"',
    "$(touch pwned) `touch pwned`",
    "x; touch pwned #",
    "x\n- evil: true\ntouch pwned\n#SBATCH --nodes=99",
    "{{ evil }} ${{ secrets.TOKEN }} $${{ run.args }} %{x}",
    "$HOME ${HOME} $$ $$$ $(LWS_GROUP_SIZE) ${HF_TOKEN:?}",
    "a: &b [c] !!python/object:os.system *d | > 'e' # f",
    "<script>alert(1)</script>&amp;",
    "\u2028next\u0085line\ttab\\n \\",
    "no",
    "1e3",
    "0x10",
    "~",
]


def named(case: str, name: str) -> Plan:
    plan = answer(case)
    assert isinstance(plan, Plan)
    card = replace(plan.request.model, hub_id=name, name=name, id=name)
    return replace(plan, request=replace(plan.request, model=card))


@pytest.mark.parametrize("form", ["vllm", *RUN])
@pytest.mark.parametrize("case", ["mixtral", "llama"])
@pytest.mark.parametrize("name", NAMES)
def test_the_engine_gets_the_name_and_nothing_else_runs(case: str, form: str, name: str, tmp_path: Path) -> None:
    text = deploy(named(case, name), form)
    plain = deploy(answer(case), form)
    for rank in range(2 if case == "llama" else 1):
        words, usual = started(form, text, tmp_path, rank), started(form, plain, tmp_path, rank)
        assert words[:3] == ["vllm", "serve", name]
        assert words[3:] == usual[3:]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin", "words"], "something else ran"


@pytest.mark.parametrize("form", ["docker-compose", "kubernetes", "skypilot", "dstack"])
@pytest.mark.parametrize("name", NAMES)
def test_no_name_adds_or_changes_a_key(form: str, name: str) -> None:
    def keys(value: object) -> object:
        if isinstance(value, dict):
            return {k: keys(v) for k, v in value.items()}
        return [keys(v) for v in value] if isinstance(value, list) else type(value)

    text, plain = deploy(named("llama", name), form), deploy(answer("llama"), form)
    assert [keys(d) for d in yaml.safe_load_all(text)] == [keys(d) for d in yaml.safe_load_all(plain)]


@pytest.mark.parametrize("name", NAMES)
def test_dstack_finds_nothing_to_replace(name: str) -> None:
    (command,) = yaml.safe_load(deploy(named("llama", name), "dstack"))["commands"]
    assert "${{" not in command
    assert "$$" not in command


@pytest.mark.parametrize("name", NAMES)
def test_sbatch_reads_no_option_out_of_a_name(name: str) -> None:
    lines = deploy(named("llama", name), "slurm").splitlines()
    first_command = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    assert sum(line.startswith("#SBATCH --nodes") for line in lines[:first_command]) == 1
    assert lines[first_command] == "set -eu"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=5))
@example(["--", "--\n", "-", "--port", "\\\n"])
def test_any_words_survive_the_shell(words: list[str]) -> None:
    command = shell_words(["printf", "%s\\0", *words])
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=20)
    assert done.stdout.decode().split("\0")[:-1] == words


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("\n\x85")
@example("a\r\nb\u2028c")
def test_any_text_survives_yaml_and_comments(text: str) -> None:
    document = {"key": text, "list": [text, {"deep": text}]}
    written = comment([text]) + yaml_documents([document])
    assert list(yaml.safe_load_all(written)) == [document]
    assert len(comment([text]).splitlines()) == 1


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_slug_is_a_dns_label(text: str) -> None:
    name = slug(text)
    assert 1 <= len(name) <= 63
    assert name[0].isalpha()
    assert name[-1] != "-"
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
