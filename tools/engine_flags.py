"""Write gpu_sizer/engines/ENGINE/flags.yaml: the options of an engine's command line, by version.

Run by hand where releases of an engine are to be followed; it prints what changed:

    python tools/engine_flags.py vllm 0.34.0 --kept FOLDER
    python tools/engine_flags.py sglang 0.5.24 --kept FOLDER
    python tools/engine_flags.py tgi v3.3.7 --kept FOLDER --repository CLONE_OF_TEXT_GENERATION_INFERENCE
    python tools/engine_flags.py llama_cpp COMMIT --kept FOLDER --source README.md --of WHERE_IT_IS_FROM
    python tools/engine_flags.py tensorrt_llm 1.3.0 --kept FOLDER --source serve.py --of COMMIT

vLLM and SGLang are asked themselves: their wheel is unpacked into FOLDER, and their own parser run by
tools/engine_parsers.py in FOLDER/environment, a virtual environment that is made the first time (7 GB, no GPU). Of
the others the source is read that declares the options. What was read of every version is kept in
FOLDER/ENGINE/VERSION.json; without versions, the table is written again from what is kept there.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ENGINES = HERE.parent / "gpu_sizer" / "engines"
HEAD = """\
# The options of an engine's command line: since which version that was read, and until which ("0.8.5 to 0.20.0";
# null for one that all of them have). `switches` take no value, `aliases` are other spellings, `choices` are what a
# value may be since a version, `deprecated` are on their way out. Written by tools/engine_flags.py: do not edit.
"""
SOURCES = {
    "vllm": "https://pypi.org/project/vllm/ (its own parser: vllm/entrypoints, make_arg_parser)",
    "sglang": "https://pypi.org/project/sglang/ (its own parser: sglang/srt/server_args.py, add_cli_args)",
    "tgi": "https://github.com/huggingface/text-generation-inference (launcher/src/main.rs: Args)",
    "llama_cpp": "https://github.com/ggml-org/llama.cpp (tools/server/README.md)",
    "tensorrt_llm": "https://github.com/NVIDIA/TensorRT-LLM (tensorrt_llm/commands/serve.py: serve)",
}
#: Longest list of choices that is kept: longer ones (parsers of tools, kinds of backends) change with every release.
MOST_CHOICES = 32
#: What the parsers import of other packages, but for those that only GPUs use.
PACKAGES = HERE / "engine_environment.txt"


#: Endings of compiled files, which no parser needs.
BUILT = (".so", ".cubin", ".a", ".o")


def number(version: str) -> tuple[int, ...]:
    """All numbers of a version."""
    return tuple(map(int, re.findall(r"\d+", version)))


def environment(folder: Path) -> Path:
    """The interpreter that has what the engines import."""
    place = folder / "environment"
    if not place.exists():
        venv.create(place, with_pip=True)
        run = [str(place / "bin" / "pip"), "install", "-q", "-r", str(PACKAGES)]
        subprocess.run(run, check=True)
    return place / "bin" / "python"


def wheel(engine: str, version: str, folder: Path) -> tuple[Path, str]:
    """A wheel's sources, unpacked, and its name and hash."""
    place, told = folder / engine / version, folder / engine / f"{version}.sha256"
    if not told.exists() or not place.exists():
        down = folder / "wheels"
        options = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.12", "-q", "-d", str(down)]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, f"{engine}=={version}"], check=True)
        file = next(down.glob(f"{engine}-{version}-*.whl"))
        with zipfile.ZipFile(file) as packed:
            small = [
                i for i in packed.infolist() if i.file_size < 8 << 20 and not i.filename.endswith((".so", ".cubin"))
            ]
            packed.extractall(place, small)
        place.mkdir(parents=True, exist_ok=True)
        told.write_text(f"{file.name} sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}", encoding="utf-8")
        file.unlink()
    return place, told.read_text(encoding="utf-8")


def asked(engine: str, version: str, folder: Path, _: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The options that the engine's own parser tells."""
    place, told = wheel(engine, version, folder)
    run = [str(environment(folder)), str(HERE / "engine_parsers.py"), engine, str(place)]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine} {version}: {done.stderr[-2000:]}")
    return json.loads(done.stdout), told


def of_launcher(engine: str, version: str, folder: Path, given: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The fields of TGI's ``Args``, each of which clap makes an option of."""
    show = ["git", "-C", given.repository, "show", f"{version}:launcher/src/main.rs"]
    text = subprocess.run(show, capture_output=True, text=True, check=True).stdout
    commit = ["git", "-C", given.repository, "rev-parse", f"{version}^{{commit}}"]
    told = subprocess.run(commit, capture_output=True, text=True, check=True).stdout.strip()
    body = text[text.index("struct Args {") :]
    found: dict[str, Any] = {}
    for attribute, name, kind in re.findall(
        r"#\[clap\((.*?)\)\]\s+(?:///.*\s+)*(\w+): ([\w<>:]+),", body[: body.index("\n}\n")], re.S
    ):
        entry = found[f"--{name.replace('_', '-')}"] = {"value": kind != "bool", "name": name}
        for short in re.findall(r"short(?: = '(\w)')?", attribute):
            found[f"-{short or name[0]}"] = entry
        for other in re.findall(r'alias(?:es)? = "([\w-]+)"', attribute):
            found[f"--{other}"] = entry
    return found, f"commit {told}"


def of_table(engine: str, version: str, folder: Path, given: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The options in the tables of llama-server's page, which llama.cpp writes from its own parser."""
    found: dict[str, Any] = {}
    for cell, words in re.findall(r"^\| `(-.+?)` \| (.*)$", given.source.read_text(encoding="utf-8"), re.M):
        spelt = [part.strip() for part in cell.replace("\\|", "|").split(",") if part.strip().startswith("-")]
        names = [part.split()[0] for part in spelt]
        entry: dict[str, Any] = {"value": " " in spelt[-1], "name": max(names, key=len)}
        if told := re.search(r"allowed values: ([\w, ]+?)<br", words):
            entry["choices"] = told[1].split(", ")
        elif inner := re.search(r"[{\[]([a-z]+(?:[,|][a-z]+)+)[}\]]", spelt[-1]):
            entry["choices"] = re.split(r"[,|]", inner[1])
        for name in names:
            # A switch and its opposite stand in one row.
            found[name] = entry if not name.startswith("--no-") else {"value": False, "name": name}
    return found, given.of


def of_click(engine: str, version: str, folder: Path, given: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """The options of trtllm-serve's command ``serve``, out of what declares them in its source.

    The hash is of that part alone, from the first decorator up to the function's own line: of the rest nothing is read.
    """
    text = given.source.read_text(encoding="utf-8")
    part = text[text.index('@click.command("serve")') : text.index("def serve(")]
    (function,) = ast.parse(f"{part}def serve(): ...").body
    assert isinstance(function, ast.FunctionDef)
    found: dict[str, Any] = {}
    for call in function.decorator_list:
        if not isinstance(call, ast.Call) or ast.unparse(call.func) != "click.option":
            continue
        told = {k.arg: k.value for k in call.keywords}
        names = [ast.literal_eval(a) for a in call.args]
        names = [n for n in names if n.startswith("-")]
        entry: dict[str, Any] = {"value": "is_flag" not in told, "name": names[0]}
        # Choices that are written out, and other words for them; those of a registry are not in the source.
        kind = told.get("type")
        if isinstance(kind, ast.Call) and isinstance(kind.args[0] if kind.args else None, ast.List):
            entry["choices"] = [word for a in kind.args for word in ast.literal_eval(a)]
        found |= dict.fromkeys(names, entry)
    return found, f"{given.of} sha256:{hashlib.sha256(part.encode()).hexdigest()} (its declarations)"


READERS: dict[str, Callable[..., tuple[dict[str, Any], str]]] = {
    "vllm": asked,
    "sglang": asked,
    "tgi": of_launcher,
    "llama_cpp": of_table,
    "tensorrt_llm": of_click,
}


def main_spelling(spellings: list[str]) -> str:
    """Of several spellings the one that is told: the longest that is no opposite."""
    positive = [s for s in spellings if not s.startswith("--no-")] or spellings
    return max(positive, key=lambda s: (s.startswith("--"), len(s), s))


def way(spelling: str) -> str:
    """Whether an option turns something on or off: such pairs share a name and mean opposite things."""
    return next((w for w in ("--no-", "--disable-", "--enable-") if spelling.startswith(w)), "")


def spans(had: list[str], every: list[str]) -> str | None:
    """Since which version, and until which."""
    if had == every or (had[0] == every[0] and had[-1] == every[-1]):
        return None
    since = "" if had[0] == every[0] else had[0]
    until = "" if had[-1] == every[-1] else had[-1]
    return f"{since or had[0]} to {until}" if until else since


def table(read: dict[str, tuple[dict[str, Any], str]], engine: str) -> dict[str, Any]:
    """The content of flags.yaml."""
    versions = sorted(read, key=number)
    options: dict[str, list[str]] = {}
    aliases: dict[str, str] = {}
    switches, deprecated = set(), set()
    choices: dict[str, dict[str, list[str]]] = {}
    for version in versions:
        found = read[version][0]
        together: dict[str, list[str]] = {}
        for spelling, told in found.items():
            options.setdefault(spelling, []).append(version)
            together.setdefault(f"{told['name']} {way(spelling)} {told['value']}", []).append(spelling)
        for spellings in together.values():
            main = main_spelling(spellings)
            told = found[main]
            (switches.discard if told["value"] else switches.add)(main)
            if told.get("deprecated") and version == versions[-1]:
                deprecated.add(main)
            for other in spellings:
                if other != main:
                    aliases[other] = main
                    # Older versions may have had it as the main one.
                    switches.discard(other)
                    choices.pop(other, None)
            known = sorted(set(told.get("choices") or ()) - {"None"})
            known = known if len(known) <= MOST_CHOICES else []
            if known != list(choices.get(main, {"": []}).values())[-1]:
                choices.setdefault(main, {})[version] = known
    return {
        "source": SOURCES[engine],
        "read": {version: read[version][1] for version in versions},
        "options": {name: spans(had, versions) for name, had in sorted(options.items())},
        "aliases": {a: m for a, m in sorted(aliases.items()) if a in options},
        "switches": sorted(switches - aliases.keys()),
        "deprecated": sorted(deprecated),
        "choices": {k: v for k, v in sorted(choices.items()) if k not in aliases and any(v.values())},
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs between two tables, a line each."""
    lines = []
    for part in ("read", "options", "choices"):
        old, new = before.get(part, {}), after[part]
        lines += [f"{part}: + {k} {new[k] or ''}".rstrip() for k in new if k not in old]
        lines += [f"{part}: - {k}" for k in old if k not in new]
        lines += [f"{part}: {k}: {old[k]} -> {new[k]}" for k in new if k in old and old[k] != new[k]]
    return lines


def main() -> None:
    """Reads the versions that are named, and writes the table of all that are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=READERS)
    parser.add_argument("versions", nargs="*")
    parser.add_argument("--kept", type=Path, required=True, help="folder for what is read")
    parser.add_argument("--repository", help="clone of the engine's repository (TGI)")
    parser.add_argument("--source", type=Path, help="the file that declares the options (llama.cpp, TensorRT-LLM)")
    parser.add_argument("--of", help="the commit or archive of that file")
    given = parser.parse_args()
    folder = given.kept / given.engine
    folder.mkdir(parents=True, exist_ok=True)
    for version in given.versions:
        found, told = READERS[given.engine](given.engine, version, given.kept, given)
        (folder / f"{version.removeprefix('v')}.json").write_text(json.dumps([found, told]), encoding="utf-8")
    read = {f.stem: tuple(json.loads(f.read_text(encoding="utf-8"))) for f in folder.glob("*.json")}
    file = ENGINES / given.engine / "flags.yaml"
    before = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    after = table(read, given.engine)
    text = yaml.safe_dump(after, sort_keys=False, width=118, default_flow_style=None)
    file.write_text(HEAD + text, encoding="utf-8")
    print("\n".join(changed(before, after)) or "nothing changed")


if __name__ == "__main__":
    main()
