"""A setting is one field: what is declared in ``load.py`` is seen by every interface."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gpu_sizer import RequestError, estimate, size
from gpu_sizer import load as declared
from gpu_sizer.load import LIMITS, LOAD, OPTIONS, Load, Settings, checked
from gpu_sizer.records import fields

SOURCE = Path(declared.__file__)

#: What somebody writes who adds a setting: one field, before the last.
ADDED = """    mirrors: int | None = setting(None, "Copies of the cache. Default: none.", most=8)
"""
#: Where it has to be seen, by a program in which it was added to the text of ``load.py`` and nowhere else.
PROGRAM = """
import contextlib, io, json, sys, types
from pathlib import Path

source, added = sys.argv[1:]
text = Path(source).read_text(encoding="utf-8")
last = "    hybrid_kv: bool = setting("
assert text.count(last) == 1
module = types.ModuleType("gpu_sizer.load")
module.__file__ = source
sys.modules["gpu_sizer.load"] = module
exec(compile(text.replace(last, added + last), source, "exec"), module.__dict__)

from gpu_sizer import api, ask, size
from gpu_sizer.cli.entry import run
from gpu_sizer.deploy.terraform import read_query, result
from gpu_sizer.errors import RequestError
from gpu_sizer.evidence.identify import identify_gpu, identify_model
from gpu_sizer.evidence.records import record_from
from gpu_sizer.evidence.replay import request_of
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.prepared import prepared
from gpu_sizer.reports.tables.build import build_table
from gpu_sizer.reports.tables.spec import make_spec, spec_yaml
from gpu_sizer.server.calls import CALLS
from gpu_sizer.server.http import create_app

COMMANDS = [
    ["size"], ["fit"], ["explain"], ["context"], ["users"], ["memory"], ["what-fits"], ["which-gpu"], ["compare"],
    ["table"], ["sweep"], ["article"], ["deploy"], ["arena", "frontier"],
    ["chart", "demand"], ["chart", "memory"], ["chart", "context"], ["chart", "matrix"],
]
seen = {}
for command in COMMANDS:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        run([*command, "--help"])
    seen[f"help of {' '.join(command)}"] = "--mirrors" in out.getvalue() and "Copies of the cache." in out.getvalue()
with contextlib.redirect_stdout(io.StringIO()) as out:
    code = run(["size", "llama-3-8b", "--gpu", "h100", "--context", "8k", "--mirrors", "2", "--json"])
seen["command"] = code == 0 and json.loads(out.getvalue())["assumptions"]["mirrors"] == 2
for name in ("SizeBody", "FitBody", "DeployBody"):
    schema = create_app().openapi()["components"]["schemas"][name]["properties"].get("mirrors", {})
    bounds = {"type": "integer", "minimum": 1, "maximum": 8}
    seen[f"HTTP {name}"] = bounds in schema.get("anyOf", ()) and schema["description"].startswith("Copies")
for name in ("size", "fit", "deploy"):
    seen[f"MCP {name}"] = "mirrors" in CALLS[name].body.model_json_schema()["properties"]
body = CALLS["size"].body(model="llama-3-8b", gpu="h100", context=8192, mirrors=2)
seen["HTTP answer"] = CALLS["size"].run(body).body["assumptions"]["mirrors"] == 2
spec = make_spec({"models": "llama-3-8b", "gpus": "h100", "context": "8k", "mirrors": 2})
seen["table spec"] = spec.load == {"mirrors": 2} and "mirrors: 2" in spec_yaml(spec)
grid = build_table(spec, api.catalogue())
seen["table"] = "mirrors 2" in grid.assumed and grid.facts["mirrors"] == 2
query = {"model": "llama-3-8b", "gpu": "h100", "context": "8k", "mirrors": "2"}
# It is seen there, and no server is started without it before its command says it.
try:
    seen["Terraform"] = not result(read_query(json.dumps(query)))
except RequestError as error:
    seen["Terraform"] = str(error) == "no option of vLLM says mirrors 2"
seen["question"] = "; mirrors 2" in ask("how many h100 for llama 3 8b at 8k with mirrors 2").understood
plan = size("llama-3-8b", gpu="h100", context=8192, mirrors=2)
seen["call"] = plan.request.load.mirrors == plan.settings.mirrors == plan.model_dump()["assumptions"]["mirrors"] == 2
seen["default is silent"] = "mirrors" not in size("llama-3-8b", gpu="h100").model_dump()["assumptions"]
values = {"id": "1", "model": "meta-llama/Meta-Llama-3-8B", "gpu": "NVIDIA L4", "tp": 1, "mirrors": 2}
record, cards = record_from(values, "here"), api.catalogue()
asked = request_of(record, identify_model(record, cards), identify_gpu(record, cards)[0], "vllm")
seen["record"] = asked.load.mirrors == record.model_dump()["mirrors"] == 2
try:
    size("llama-3-8b", gpu="h100", mirrors=9)
except Exception as error:
    seen["bounds"] = str(error) == "mirrors must be from 1 to 8, not 9"
held = prepared(make_request(api.load_model("llama-3-8b"), api.load_gpu("h100")))
before = len(held._needs), len(held._reserves)
size("llama-3-8b", gpu="h100", context=8192, mirrors=3, details=False)
seen["cache keys"] = len(held._needs) > before[0] and len(held._reserves) > before[1]
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen() -> dict[str, bool]:
    """Where a new field is seen."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(SOURCE), ADDED], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, bool] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_setting_is_one_field(seen: dict[str, bool]) -> None:
    assert len(seen) > 30
    assert [place for place, shown in seen.items() if not shown] == []


def typed(name: str) -> dict[str, str]:
    """The keys of a typed dictionary of ``load.py``, and their types as written."""
    tree = ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8")))
    found = next(n for n in tree if isinstance(n, ast.ClassDef) and n.name == name)
    return {
        n.target.id: ast.unparse(n.annotation)
        for n in found.body
        if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
    }


@pytest.mark.parametrize(("name", "settings"), [("LoadOptions", LOAD), ("SizeOptions", LIMITS)])
def test_arguments_are_typed_as_the_settings(name: str, settings: tuple[declared.Setting, ...]) -> None:
    keys = typed(name)
    assert list(keys) == [s.name for s in settings]
    for s in settings:
        null = s.default is None
        assert keys[s.name] == f"{s.kind}{' | str' if s.tokens else ''}{' | None' if null else ''}", s.name


def test_settings_are_a_load_whose_defaults_are_resolved() -> None:
    assert [f.name for f in fields(Settings)] == [f.name for f in fields(Load)]
    plan = size("mixtral-8x7b", gpu="a6000", users=4)
    assert isinstance(plan.settings, Load)
    assert {s.name for s in LOAD if s.by_gpu and getattr(plan.settings, s.name) is None} == set()


def test_every_setting_says_what_it_is() -> None:
    for s in OPTIONS.values():
        assert s.doc.endswith("."), s.name
        assert (s.default is not None) or "Default:" in s.doc, s.name
        assert s.name in size.__doc__  # type: ignore[operator]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"contxt": 8192}, "unknown option 'contxt'; did you mean 'context'?"),
        ({"utilization": 0.9}, "unknown option 'utilization'; did you mean 'gpu_memory_utilization'?"),
        ({"users": 0}, "users must be from 1 to 1,000,000, not 0"),
        ({"users": True}, "users must be a whole number, not True"),
        ({"max_num_seqs": "64"}, "max_num_seqs must be a whole number, not '64'"),
        ({"gpu_memory_utilization": 1.5}, "utilization must be above 0 and at most 1, not 1.5"),
        ({"gpu_memory_utilization": float("nan")}, "utilization must be above 0 and at most 1, not nan"),
        ({"gpu_memory_utilization": "0.9"}, "utilization must be above 0 and at most 1, not '0.9'"),
        ({"layouts": "rows"}, "layouts must be one of any, tensor, pipeline, not 'rows'"),
        ({"hybrid_kv": 1}, "hybrid_kv must be true or false, not 1"),
        ({"kv_cache_dtype": 8}, "kv_cache_dtype must be a text, not 8"),
        ({"context": "many"}, "context must be a number of tokens such as 8192 or 32k, not 'many'"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], message: str) -> None:
    for call in (size, estimate):
        with pytest.raises(RequestError) as error:
            call("llama-3-8b", gpu="h100", **options)
        assert str(error.value) == message


def test_a_length_may_be_written_as_people_write_it() -> None:
    assert size("llama-3-8b", gpu="h100", context="8k").request.context == 8192
    assert checked({"context": None}) == {}


def test_a_null_is_the_default() -> None:
    nothing: Any = dict.fromkeys(OPTIONS)
    assert size("llama-3-8b", gpu="h100", **nothing).model_dump() == size("llama-3-8b", gpu="h100").model_dump()


def test_an_engine_says_which_settings_it_leaves_aside() -> None:
    asked: Any = {"context": 8192, "enforce_eager": True, "block_size": 32, "gpu_memory_utilization": 0.9}
    taken = size("llama-3-8b", gpu="h100", details=False, **asked)
    assert not [w for w in taken.warnings if "leaves it aside" in w]
    assert taken.explain().count("; without CUDA graphs; block_size 32") == 1
    left = size("llama-3-8b", gpu="h100", engine="llama.cpp", details=False, **asked)
    aside = [w.rpartition(": ")[2] for w in left.warnings if "leaves it aside" in w]
    assert aside == ["utilization 0.9", "without CUDA graphs", "block_size 32"]
    assert "CUDA graphs" not in left.explain().partition("Assumed:")[2].partition("\n")[0]
