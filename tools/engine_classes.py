"""Write gpu_sizer/engines/ENGINE/classes.yaml: since which release, and until which, an engine has a class for a model.

Run by hand where releases of an engine are to be followed (pip's index is asked, and no engine is installed):

    python tools/engine_classes.py vllm sglang transformers --kept FOLDER
    python tools/engine_classes.py tgi --kept FOLDER --repository CLONE_OF_TEXT_GENERATION_INFERENCE

What is read of a release is one file, kept in FOLDER/ENGINE/RELEASE.txt: of vLLM the registry of its classes
(``model_executor/models/registry.py`` of the source distribution), of SGLang the ``EntryClass`` of each module of
``srt/models`` (of the wheel), of transformers its automatic classes (``models/auto/modeling_auto.py`` of the wheel). Of
TGI the tags of its repository are read: its own types of models, and the transformers that each tag locks.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ENGINES = Path(__file__).parent.parent / "gpu_sizer" / "engines"
REPOSITORY = "https://github.com/huggingface/text-generation-inference"
#: Registries of vLLM's that hold no models that generate text by themselves.
ASIDE = re.compile(
    r"EMBEDDING|CROSS_ENCODER|SPECULATIVE|TRANSFORMERS_BACKEND|TRANSFORMERS_MODELS|PREVIOUSLY|OOT|REWARD|CLASSIFICATION|LATE_INTERACTION|ROCM|VLLM"
)
GENERATES = re.compile(r"CAUSAL_LM|IMAGE_TEXT_TO_TEXT|VISION_2_SEQ|MULTIMODAL_LM")
#: Types of TGI's own that transformers has no class for.
OWN = {"baichuan": ["BaichuanForCausalLM", "BaiChuanForCausalLM"]}
HEAD = """\
# Since which release, and until which, an engine has a class of its own for a model ("0.4.3 to 0.28.0"; null for one
# that every release that was read has). Written by tools/engine_classes.py: do not edit.
"""


def number(version: str) -> tuple[int, ...]:
    """All numbers of a version, that of a later build of the same release included."""
    return tuple(map(int, re.findall(r"\d+", version)))


def pip(*arguments: str, folder: str | None = None) -> str:
    """What pip prints; ``folder`` is where it unpacks."""
    place = os.environ | ({"TMPDIR": folder} if folder else {})
    return subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, env=place).stdout


def releases(package: str, first: str) -> list[str]:
    """Final releases from one on, the oldest first."""
    listed = re.search(r"Available versions: (.*)", pip("index", "versions", package))
    assert listed is not None, f"no index of {package}"
    found = [v for v in listed[1].split(", ") if re.fullmatch(r"[\d.]+(\.post\d+)?", v) and number(v) >= number(first)]
    return sorted(found, key=number)


def source_file(package: str, version: str, *paths: str) -> str:
    """The first of some files of a source distribution, whose build is given up: it is only unpacked."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--no-clean", "--no-cache-dir")
        pip("download", *options, f"{package}=={version}", folder=folder)
        for path in paths:
            for file in Path(folder).glob(f"*/*/{path}"):
                return file.read_text(encoding="utf-8")
    for _, text in wheel_files(package, version, lambda name: name in paths):
        return text
    raise SystemExit(f"{package} {version} has none of {paths}")


def wheel_files(package: str, version: str, wanted: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """The wanted files of a wheel."""
    with tempfile.TemporaryDirectory() as folder:
        pip("download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "-d", folder, f"{package}=={version}")
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            for name in sorted(filter(wanted, wheel.namelist())):
                yield name, wheel.read(name).decode()


def vllm(version: str) -> str:
    models = "vllm/model_executor/models"
    return source_file("vllm", version, f"{models}/registry.py", f"{models}/__init__.py")


def vllm_classes(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = target.id if isinstance(target, ast.Name) else ""
            if name.endswith("MODELS") and not ASIDE.search(name):
                found |= {k.value for k in node.value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)}
    return found


def entries(module: str) -> list[str]:
    """The classes that a module of SGLang's names as its entries."""
    found = []
    for node in ast.parse(module).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "EntryClass" for t in node.targets):
            found += [n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)]
    return found


def sglang(version: str) -> str:
    modules = wheel_files("sglang", version, lambda name: "/srt/models/" in name and name.endswith(".py"))
    return "".join(f"{name.partition('/srt/models/')[2]} {' '.join(entries(text))}\n" for name, text in modules)


def sglang_classes(text: str) -> set[str]:
    return {name for line in text.splitlines() for name in line.split()[1:]}


def transformers(version: str) -> str:
    name = "transformers/models/auto/modeling_auto.py"
    return next(text for _, text in wheel_files("transformers", version, name.__eq__))


def types(text: str) -> dict[str, set[str]]:
    """The classes of each type of model that transformers loads by itself."""
    found: dict[str, set[str]] = {}
    for node in ast.parse(text).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and GENERATES.search(node.targets[0].id)
        ):
            for pair in (n.elts for n in ast.walk(node.value) if isinstance(n, ast.Tuple) and len(n.elts) == 2):
                kind, *names = [c.value for p in pair for c in ast.walk(p) if isinstance(c, ast.Constant)]
                found.setdefault(kind, set()).update(names)
    return found


def transformers_classes(text: str) -> set[str]:
    return set().union(*types(text).values())


def llama_cpp(version: str) -> str:
    """The classes that the converter of the llama.cpp registers which llama-cpp-python brings along."""
    with tempfile.TemporaryDirectory() as folder:
        options = ("--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--no-clean", "--no-cache-dir")
        pip("download", *options, f"llama-cpp-python=={version}", folder=folder)
        modules = Path(folder).glob("*/*/vendor/llama.cpp/conversion/*.py")
        found = [
            c for m in modules for c in re.findall(r"ModelBase\.register\(([^)]*)\)", m.read_text(encoding="utf-8"))
        ]
    return " ".join(sorted({name for call in found for name in re.findall(r'"([^"]+)"', call)}))


def llama_cpp_classes(text: str) -> set[str]:
    return set(text.split())


READERS: dict[str, tuple[str, Callable[[str], str], Callable[[str], set[str]]]] = {
    "vllm": ("0.4.1", vllm, vllm_classes),
    "sglang": ("0.3.0", sglang, sglang_classes),
    "transformers": ("4.30.0", transformers, transformers_classes),
    # Its builds have no distribution of their own: one release is read, and no class has a beginning.
    "llama_cpp": ("0.3.36", llama_cpp, llama_cpp_classes),
}


def read(engine: str, kept: Path) -> dict[str, str]:
    """What is read of each release; a release is downloaded once."""
    first, get, _ = READERS[engine]
    found = {}
    for version in releases(engine, first) if engine != "llama_cpp" else [first]:
        file = kept / engine / f"{version}.txt"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(get(version), encoding="utf-8")
            print(engine, version, file=sys.stderr)
        found[version] = file.read_text(encoding="utf-8")
    return found


def tgi(kept: Path, repository: Path) -> dict[str, set[str]]:
    """The classes that each tag of TGI loads: of its own types of models, and of the transformers that it locks."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True).stdout

    texts = {number(v): t for v, t in read("transformers", kept).items()}
    by_type = types(texts[max(texts)])
    found = {}
    for tag in sorted(git("tag").split(), key=number):
        if number(tag) < (1, 0):
            continue
        lock = git("show", f"{tag}:server/uv.lock") or git("show", f"{tag}:server/poetry.lock")
        locked = re.search(r'name = "transformers"\nversion = "([\d.]+)"', lock)
        if locked is None:
            continue
        nearest = max(n for n in texts if n <= max(number(locked[1]), min(texts)))
        own = set(re.findall(r'"(\w+)"', git("show", f"{tag}:server/text_generation_server/models/__init__.py")))
        found[tag.removeprefix("v")] = transformers_classes(texts[nearest]).union(
            *(by_type.get(kind, ()) for kind in own), *(names for kind, names in OWN.items() if kind in own)
        )
    return found


def spans(classes: dict[str, set[str]]) -> dict[str, str | None]:
    """By class, the first release that has it, and the last of one that the newest no longer has."""
    order, found = sorted(classes, key=number), {}
    for name in sorted(set().union(*classes.values())):
        having = [v for v in order if name in classes[v]]
        first, last = having[0], having[-1]
        since = "" if first == order[0] else first
        found[name] = (f"{since or first} to {last}" if last != order[-1] else since) or None
    return found


def write(engine: str, classes: dict[str, set[str]], source: str, otherwise: str, never: Iterable[str] = ()) -> None:
    order = sorted(classes, key=number)
    lines = [f"source: {source}", f'first: "{order[0]}"', f'newest: "{order[-1]}"']
    lines += [f"otherwise: {otherwise}", "classes:"]
    table = spans(classes) | dict.fromkeys(never, "never")
    for name in sorted(table):
        told = table[name]
        lines.append(f"  {name}: " + ("null" if told is None else told if told == "never" else f'"{told}"'))
    (ENGINES / engine / "classes.yaml").write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{engine}: {len(table)} classes, {len(order)} releases")


SOURCES = {
    "vllm": (
        "https://pypi.org/project/vllm/ (vllm/model_executor/models/registry.py)",
        "it may load it by transformers' class or by the repository's own code, which is not known here",
    ),
    "sglang": (
        "https://pypi.org/project/sglang/ (EntryClass of sglang/srt/models)",
        "it may load it by transformers' class, which is not known here",
    ),
    "transformers": (
        "https://pypi.org/project/transformers/ (transformers/models/auto/modeling_auto.py)",
        "it takes the code of the model's own repository",
    ),
    "llama_cpp": (
        "https://pypi.org/project/llama-cpp-python/ (vendor/llama.cpp/conversion)",
        "its converter (llama-cpp-python 0.3.36) does not know it, and whether a later build does is not known here",
    ),
    "tgi": (
        f"{REPOSITORY} (server/text_generation_server/models/__init__.py, and the transformers of its lock file)",
        "it may load it by the repository's own code, which is not known here",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="+", choices=SOURCES)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--repository", type=Path)
    arguments = parser.parse_args()
    for engine in arguments.engines:
        if engine == "tgi":
            found, newest = tgi(arguments.kept, arguments.repository), read("transformers", arguments.kept)
            # Later classes of transformers are in no release of an engine whose releases have ended.
            later = set().union(*map(transformers_classes, newest.values())) - set().union(*found.values())
            write(engine, found, *SOURCES[engine], never=later)
        else:
            names = READERS[engine][2]
            write(engine, {v: names(t) for v, t in read(engine, arguments.kept).items()}, *SOURCES[engine])


if __name__ == "__main__":
    main()
