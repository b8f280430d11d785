"""What SGLang's own model classes allocate on a rank: its classes on torch's meta device, in a fake distributed world.

No weights, no GPU, no network. The package is unpacked, not installed; what only a GPU has (Triton, its kernels,
FlashInfer ...) is replaced by names that do nothing, and a compute capability is told where SGLang asks for one.

    python -m venv v && v/bin/pip install --no-deps torch==2.13.0 transformers==5.19.0 tokenizers msgspec ...
    v/bin/pip download --no-deps -d whl sglang==0.5.23 && unzip -q whl/sglang*.whl -d src -x '*.so'
    SGLANG_SRC=src v/bin/python tools/sglang_oracle.py OUT.jsonl 1,2,4,8 CONFIG.json ...

A line has the bytes of the parameters as they are created (before kernels repack them), the bytes that a token takes in
the pool, and the bytes of one request's state, on one rank; or what SGLang says where it refuses.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import json
import os
import signal
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

#: Of the GPU that is played: ORACLE_CAPABILITY=10.0 is a B200.
CAPABILITY = tuple(int(n) for n in os.environ.get("ORACLE_CAPABILITY", "9.0").split("."))
NAME = "NVIDIA H100 80GB HBM3"
MEMORY = 80 << 30
SECONDS = 180
POOL = 64 << 30

#: Packages that only a GPU, or a server that answers, has a use for.
ABSENT = frozenset(
    """
    triton cutlass cuda quack sgl_kernel sglang_kernel flashinfer deep_gemm deep_ep flash_attn tilelang
    tvm_ffi tvm triton_kernels xgrammar llguidance outlines outlines_core numba gguf IPython flash_mla
    torchvision torchaudio torchcodec av decord aiohttp uvloop zmq setproctitle xxhash zstandard
    soundfile timm datasets modelscope kernels openai openai_harmony anthropic interegular
    torch_memory_saver pybase64 blobfile msgpack watchfiles cupy nvshmem pynvml mooncake
    smg_grpc_servicer tiktoken mistral_common sentencepiece humming nvtx ray partial_json_parser
    prometheus_client uvicorn distro easydict deepseek_recipe tml_renderers llama_index cutlass_dsl
    nvidia flydsl aiter wave_lang helion
    """.split()  # noqa: SIM905  # one a line fills a page
)

#: Modules of SGLang itself that take no part in what a model holds.
UNUSED = ("sglang.srt.entrypoints", "sglang.srt.constrained", "sglang.srt.function_call", "sglang.srt.parser")


class Named(type):
    """The type of classes that have every name."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return NOTHING

    def __getitem__(cls, _: Any) -> Any:
        return cls


class Nothing(metaclass=Named):
    """A name that stands for anything, and does nothing."""

    __version__ = "99.0"
    __name__ = __qualname__ = "nothing"
    __module__ = "nothing"
    #: What Triton's target is asked for.
    backend = "cuda"

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return NOTHING

    def __call__(self, *arguments: Any, **__: Any) -> Any:
        # As a decorator it leaves functions and classes as they are.
        if len(arguments) == 1 and (isinstance(arguments[0], type) or callable(arguments[0])):
            return arguments[0]
        return NOTHING

    def __mro_entries__(self, bases: Any) -> tuple[()]:
        return ()

    def __getitem__(self, _: Any) -> Any:
        return NOTHING

    def __iter__(self) -> Any:
        return iter(())

    def __or__(self, _: Any) -> Any:
        return Any

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> bool:
        return False

    def __bool__(self) -> bool:
        return False

    def __floordiv__(self, _: Any) -> int:
        return 1

    def __rfloordiv__(self, _: Any) -> int:
        return 1

    def __int__(self) -> int:
        return 0

    def __index__(self) -> int:
        return 0

    def __init_subclass__(cls, **_: Any) -> None:
        pass

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.any_schema()

    __ror__ = __or__
    __hash__ = object.__hash__


NOTHING = Nothing()


class NoModule(types.ModuleType):
    """A module that has every name."""

    __version__ = "99.0"
    __path__: list[str] = []  # noqa: RUF012  # as the import system wants it

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        # Others ask whether something is an instance of these.
        return Named(name, (Nothing,), {}) if name[0].isupper() else NOTHING


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules that are not there."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """A module of an absent package."""
        if name.partition(".")[0] not in ABSENT and not name.startswith(UNUSED):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: Any) -> Any:
        """An empty one."""
        return NoModule(spec.name)

    def exec_module(self, module: Any) -> None:
        """Nothing to run."""


def pretend() -> Any:
    """A world with a GPU by name only; returns torch."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", CUDA_VISIBLE_DEVICES="", TOKENIZERS_PARALLELISM="0")
    sys.path.insert(0, os.environ["SGLANG_SRC"])
    import torch
    import torch._dynamo
    import torch._inductor.codecache
    import torch.utils.flop_counter
    import transformers
    from transformers.utils import import_utils

    del transformers, import_utils
    sys.meta_path.insert(0, Absent())
    version = importlib.metadata.version

    def known_version(name: str) -> str:
        try:
            return version(name)
        except importlib.metadata.PackageNotFoundError:
            return "99.0"

    importlib.metadata.version = known_version

    class Properties:
        name = NAME
        major, minor = CAPABILITY
        total_memory = MEMORY
        multi_processor_count = 132
        warp_size = 32
        shared_memory_per_block_optin = 232448
        gcnArchName = ""  # torch's own name

    def always(value: Any) -> Any:
        return lambda *_, **__: value

    cuda = torch.cuda
    cuda.get_device_properties = always(Properties)
    cuda.get_device_capability = always(CAPABILITY)
    cuda.get_device_name = always(NAME)
    cuda.device_count = always(8)
    cuda.current_device = always(0)
    cuda.is_available = always(True)
    cuda.mem_get_info = always((MEMORY, MEMORY))
    cuda.memory_allocated = cuda.memory_reserved = always(0)
    cuda.Stream = cuda.Event = Nothing
    for name in ("current_stream", "default_stream", "stream"):
        setattr(cuda, name, always(NOTHING))
    for name in ("synchronize", "empty_cache", "set_device", "_lazy_init", "init"):
        setattr(cuda, name, always(None))
    torch.version.cuda = "13.0"
    torch.get_device_module = always(NOTHING)
    torch._C._cuda_getCurrentRawStream = always(0)  # a build without CUDA has none
    # Kernels exist by name; none is called on the meta device.
    namespace = type(torch.ops.aten)

    class Kernels(namespace):  # type: ignore[misc,valid-type]
        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                if name.startswith("__"):
                    raise
                return NOTHING

    # ... and need no stand-ins for tracing.
    torch.library.register_fake = lambda *_, **__: lambda function: function
    for name in ("sgl_kernel", "sglang", "flashinfer", "torchvision"):
        getattr(torch.ops, name).__class__ = Kernels
    return torch


def on_meta() -> Any:
    """What turns every tensor that is made on the GPU into one without memory."""
    import torch
    from torch.overrides import TorchFunctionMode

    class OnMeta(TorchFunctionMode):
        def __torch_function__(self, function: Any, _: Any, values: Any = (), options: Any = None) -> Any:
            options = dict(options or {})
            device = options.get("device")
            if device is not None and (isinstance(device, int) or "cuda" in str(device)):
                options["device"] = "meta"
            moved = tuple(
                "meta" if isinstance(v, str | torch.device) and str(v).startswith("cuda") else v for v in values
            )
            if getattr(function, "__name__", "") == "cuda":
                return moved[0]
            return function(*moved, **options)

    return OnMeta()


def build(folder: str, tp: int) -> dict[str, Any]:
    """The line of one configuration at one size."""
    import torch
    import torch.distributed as dist
    from sglang.srt import runtime_context
    from sglang.srt.configs.load_config import LoadConfig
    from sglang.srt.configs.model_config import ModelConfig
    from sglang.srt.distributed import parallel_state
    from sglang.srt.model_loader import loader
    from sglang.srt.server_args import ServerArgs
    from torch.testing._internal.distributed.fake_pg import FakeStore

    arguments = ServerArgs(
        model_path=folder,
        tp_size=tp,
        device="cuda",
        load_format="dummy",
        skip_tokenizer_init=True,
        trust_remote_code=False,
    )
    ranks = runtime_context.SpawnRanks(world_rank=0, gpu_id=0, dp_rank=None)
    runtime_context.publish(arguments, role="scheduler", ranks=ranks)
    new_group = dist.new_group

    def fake_group(members: Any = None, *_: Any, **options: Any) -> Any:
        options.pop("backend", None)
        options.pop("pg_options", None)
        return new_group(members, backend="fake")

    dist.new_group = torch.distributed.new_group = fake_group
    make = parallel_state.init_model_parallel_group

    def quiet_group(*values: Any, **options: Any) -> Any:
        options.update(
            use_pynccl=False, use_custom_allreduce=False, use_mscclpp=False, use_torch_symm_mem_allreduce=False,
            use_message_queue_broadcaster=False,
        )  # fmt: skip
        return make(*values, **options)

    parallel_state.init_model_parallel_group = quiet_group
    dist.init_process_group(backend="fake", rank=0, world_size=tp, store=FakeStore())
    parallel_state.init_distributed_environment(
        world_size=tp, rank=0, local_rank=0, distributed_init_method="env://", backend="fake"
    )
    parallel_state.initialize_model_parallel(backend="fake")
    from sglang.srt.layers import dp_attention

    dp_attention.initialize_dp_attention(server_args=arguments)
    from sglang.srt.layers.moe import initialize_moe_config

    # Which kernels run the experts decides in which shape and type they are made.
    initialize_moe_config()
    config = ModelConfig.from_server_args(arguments)
    with contextlib.suppress(Exception):
        from sglang.srt.distributed.bootstrap import init_layer_runtime

        init_layer_runtime(model_config=config)

    load = LoadConfig(load_format="dummy")
    quantization = loader._get_quantization_config(config, load)  # as the loader does
    torch.set_default_dtype(config.dtype)
    with torch.device("meta"):
        model = loader._initialize_model(config, load, quantization)
    seen: set[int] = set()
    parts: dict[str, int] = {}
    for name, p in model.named_parameters(remove_duplicate=True):
        # Orders of groups go after loading where groups are in order (compressed_tensors_wNa16_moe.py).
        if id(p) not in seen and "g_idx" not in name:
            seen.add(id(p))
            part = next((w for w in ("experts", "visual", "vision", "embed_tokens", "lm_head") if w in name), "layers")
            parts[part] = parts.get(part, 0) + p.numel() * p.element_size()
    buffers = sum(b.numel() * b.element_size() for b in model.buffers())
    line = {
        "model_class": type(model).__name__,
        "weight_bytes": sum(parts.values()),
        "buffer_bytes": buffers,
        "parts": parts,
    }
    return line | cache_of(arguments, config, model)


def cache_of(arguments: Any, config: Any, model: Any) -> dict[str, Any]:
    """Bytes of a token, by the pool's own configurator, and of a request's state; or why it has none."""
    from sglang.srt.configs.hybrid_arch import mambaish_config
    from sglang.srt.distributed.parallel_state import get_pp_group
    from sglang.srt.mem_cache.kv_cache_configurator import KVCacheConfigurator
    from sglang.srt.mem_cache.kv_cache_dtype import configure_kv_cache_dtype
    from sglang.srt.model_executor.model_runner_components.layer_setup import resolve_layer_indices
    from sglang.srt.model_executor.pool_configurator import create_memory_pool_configurator
    from sglang.srt.runtime_context import get_model, get_schedule
    from sglang.srt.speculative.spec_info import SpeculativeAlgorithm

    try:
        name, dtype = configure_kv_cache_dtype(
            server_args_kv_cache_dtype=get_model().kv_cache_dtype,
            model=model,
            model_dtype=config.dtype,
            is_draft_worker=False,
            is_dflash=False,
            speculative_draft_attention_backend="",
        )
        layers = resolve_layer_indices(model=model, model_config=config, is_draft_worker=False)
        configurator = KVCacheConfigurator(
            device="cuda",
            gpu_id=0,
            attn_dp_size=1,
            pp_size=1,
            pp_group=get_pp_group(),
            model=model,
            model_config=config,
            server_args=arguments,
            kv_cache_dtype=dtype,
            kv_cache_dtype_str=name or get_model().kv_cache_dtype,
            model_dtype=config.dtype,
            page_size=get_schedule().page_size,
            sliding_window_size=getattr(config, "sliding_window_size", None),
            spec_algorithm=SpeculativeAlgorithm.from_string(None),
            is_draft_worker=False,
            post_capture_kv_active=False,
            spec_aux_config=Nothing(),
            is_hybrid_swa=config.is_hybrid_swa,
            is_hybrid_swa_compress=getattr(config, "is_hybrid_swa_compress", False),
            use_mla_backend=config.attention_arch.name == "MLA",
            layer_info=layers,
            forward_stream=None,
            req_to_token_pool=None,
            token_to_kv_pool_allocator=None,
            memory_pool_config=None,
        )
        pool = create_memory_pool_configurator(configurator)
        held = pool.calculate_pool_sizes(POOL, get_schedule().page_size or 1)
        found: dict[str, Any] = {
            "kv_cache_dtype": str(dtype).removeprefix("torch."),
            "page_size": get_schedule().page_size,
            "pool": type(pool).__name__,
            "token_bytes": getattr(pool, "_cell_size", None),
            "at_64gib": held.max_total_num_tokens,
        }
        if held.swa_max_total_num_tokens:
            found |= {
                "full_at_64gib": held.full_max_total_num_tokens,
                "windowed_at_64gib": held.swa_max_total_num_tokens,
            }
            found["windows_ratio"] = get_schedule().swa_full_tokens_ratio
        if (states := mambaish_config(config)) is not None:
            found["state_bytes"] = states.mamba2_cache_params.mamba_cache_per_req
        return found
    except Exception as error:
        if os.environ.get("ORACLE_TRACE"):
            import traceback

            traceback.print_exc()
        return {"cache_error": f"{type(error).__name__}: {str(error)[:200]}"}


def one(config: Path, tp: int) -> dict[str, Any]:
    """A line, made in a process of its own."""
    line: dict[str, Any] = {"hf_id": config.stem.replace("__", "/", 1), "tp": tp}
    if CAPABILITY != (9, 0):
        line["capability"] = ".".join(map(str, CAPABILITY))
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reader)
        signal.alarm(SECONDS)
        try:
            folder = tempfile.mkdtemp(prefix="oracle_")
            read = json.loads(config.read_text(encoding="utf-8"))
            read.pop("auto_map", None)
            (Path(folder) / "config.json").write_text(json.dumps(read), encoding="utf-8")
            with on_meta():
                found = build(folder, tp)
        except BaseException as error:
            if os.environ.get("ORACLE_TRACE"):
                import traceback

                traceback.print_exc()
            found = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        os.write(writer, json.dumps(found).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return line | (json.loads(text) if text else {"error": f"no answer in {SECONDS} s"})


def main(out: str, sizes: str, *configs: str) -> None:
    """Appends the lines that are not there yet."""
    target = Path(out)
    done = set()
    if target.exists():
        lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
        done = {(line["hf_id"], line["tp"]) for line in lines if "error" not in line}
    pretend()
    # All model classes, once for the processes that are forked from this one.
    for module in ("sglang.srt.server_args", "sglang.srt.model_loader.loader", "sglang.srt.models.registry"):
        importlib.import_module(module)
    with target.open("a", encoding="utf-8") as file:
        for name in configs:
            for tp in (int(size) for size in sizes.split(",")):
                config = Path(name)
                if (config.stem.replace("__", "/", 1), tp) in done:
                    continue
                line = one(config, tp)
                file.write(json.dumps(line) + "\n")
                file.flush()
                print(line["hf_id"], tp, line.get("weight_bytes"), line.get("error", "")[:200], flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
