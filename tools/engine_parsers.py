"""Print the options of an engine's own command line as JSON, out of its unpacked wheel; no GPU, nothing is served.

Run by tools/engine_flags.py with the interpreter of an environment that has what the engine imports (see there):

    ENVIRONMENT/bin/python tools/engine_parsers.py vllm|sglang UNPACKED_WHEEL

Compiled modules and packages that only GPUs use are replaced by stand-ins, since a parser needs none of them.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import json
import os
import sys
import types
from typing import Any

#: What is not at hand, or does not load without a GPU, by engine.
ABSENT = {
    "vllm": (
        *("vllm._C", "vllm._moe_C", "vllm._core_C", "vllm._rocm_C", "vllm._C_stable_libtorch", "vllm._C_utils"),
        *("vllm._moe_C_stable_libtorch", "vllm._qutlass_C", "vllm._flashmla_C", "vllm._flashmla_extension_C"),
        *("vllm.cumem_allocator", "vllm.vllm_flash_attn._vllm_fa2_C", "vllm.vllm_flash_attn._vllm_fa3_C"),
    ),
    "sglang": (
        *("sglang.srt.utils.custom_op", "sgl_kernel", "flashinfer", "deep_gemm", "IPython", "sglang.kernels"),
        *("torch_memory_saver", "pybase64", "modelscope", "av", "decord", "soundfile", "orjson", "outlines", "nvtx"),
    ),
}


class Anything:
    """A decorator that changes nothing, with arguments or without, and a list without entries."""

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What is decorated, or itself."""
        return arguments[0] if arguments and callable(arguments[0]) else self

    def __iter__(self) -> Any:
        return iter(())


class StandIn(types.ModuleType):
    """A module that has everything."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stand-ins before anything else."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """A stand-in's specification; null for real modules."""
        if any(name == n or name.startswith(f"{n}.") for n in self.names):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """The stand-in."""
        made = StandIn(spec.name)
        made.__path__ = []
        return made

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing has to be run."""


def forgiving() -> None:
    """Older releases register types of configurations that transformers has itself by now."""
    import transformers

    transformers.AutoConfig.register = lambda *a, **k: None


def vllm() -> argparse.ArgumentParser:
    """The parser of ``vllm serve``, on vLLM's CPU platform."""
    import torch

    torch.cuda.is_available = lambda: False
    forgiving()
    try:
        import vllm.platforms as platforms
        from vllm.platforms.cpu import CpuPlatform

        platforms._current_platform = platforms.current_platform = CpuPlatform()
    except ImportError:
        pass
    try:
        from vllm.utils.argparse_utils import FlexibleArgumentParser
    except ImportError:
        from vllm.utils import FlexibleArgumentParser
    make_arg_parser = None
    for room in ("common", "launchers", "openai"):
        try:
            make_arg_parser = __import__(f"vllm.entrypoints.{room}.cli_args", fromlist=["x"]).make_arg_parser
            break
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("vllm.entrypoints"):
                raise
    assert make_arg_parser is not None, "no parser where it was in the releases known so far"
    made: argparse.ArgumentParser = make_arg_parser(FlexibleArgumentParser(prog="vllm serve"))
    # Newer releases check the type of the cache behind the parser, since a platform may bring further ones.
    cache = made._option_string_actions["--kv-cache-dtype"]
    if not cache.choices:
        from typing import get_args

        from vllm.config.cache import CacheDType

        cache.choices = get_args(CacheDType)
    return made


def sglang() -> argparse.ArgumentParser:
    """The parser of ``sglang.launch_server``."""
    import triton.runtime.cache as cache

    forgiving()
    # Older releases ask triton for names that are gone.
    for name in ("default_cache_dir", "default_dump_dir", "default_override_dir"):
        setattr(cache, name, getattr(cache, name, str))
    import sglang.srt.server_args as arguments

    arguments._real_kv_hash_modes = list
    made = argparse.ArgumentParser(prog="sglang.launch_server")
    arguments.ServerArgs.add_cli_args(made)
    return made


def described(parser: argparse.ArgumentParser) -> dict[str, Any]:
    """By spelling of an option: whether it takes a value, what it may be, and whether it is on its way out."""
    found: dict[str, Any] = {}
    for spelling, action in sorted(parser._option_string_actions.items()):
        if action.dest == "help":
            continue
        told: dict[str, Any] = {"value": action.nargs != 0, "name": action.dest}
        if isinstance(action, argparse.BooleanOptionalAction):
            told["value"] = False
        if action.choices:
            told["choices"] = [str(c) for c in action.choices]
        if "deprecated" in f"{type(action).__name__} {action.help or ''}".lower()[:120]:
            told["deprecated"] = True
        found[spelling] = told
    return found


def main() -> None:
    """Prints one JSON object."""
    engine, source = sys.argv[1:3]
    os.environ.update(HF_HUB_OFFLINE="1", VLLM_LOGGING_LEVEL="ERROR", VLLM_PLUGINS="", VLLM_NO_USAGE_STATS="1")
    sys.path.insert(0, source)
    sys.meta_path.insert(0, Finder(ABSENT[engine]))
    out, sys.stdout = sys.stdout, sys.stderr  # the engines print as they are imported
    parser = {"vllm": vllm, "sglang": sglang}[engine]()
    print(json.dumps(described(parser)), file=out)


if __name__ == "__main__":
    main()
