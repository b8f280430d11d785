"""The quantities and options in a question: lengths, users, data types, engine, utilisation, layouts."""

from __future__ import annotations

from gpu_sizer.errors import RequestError
from gpu_sizer.queries.words import is_decimal, word_set
from gpu_sizer.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.queries.sentence import Sentence

#: Words that stand between a keyword and its number.
LINKS = word_set("of is = size at up to length len window a an the about around roughly with value set be per")
LENGTHS = word_set(
    "context contexts ctx token tokens tok toks window length len long sequence sequences seq seqlen prompt prompts"
    " input inputs conversation conversations document documents"
)
_LENGTH_FIRST = word_set("context contexts ctx length len window prompt prompts sequence seqlen tokens")
_IN = frozenset(("in", "input", "inputs", "prompt", "prompts"))
_OUT = word_set("out output outputs generated generation completion completions response answer answers")
USERS = word_set(
    "user users request requests people persons clients client sessions session customers chats streams developers devs"
    " employees colleagues students readers callers agents queries streams conversations"
)
_AT_ONCE = word_set("concurrent simultaneous parallel active concurrently simultaneously")
_LOAD_FIRST = word_set("batch concurrency users requests bs")
_TOGETHER = (("at", "once"), ("at", "a", "time"), ("at", "the", "same", "time"), ("in", "parallel"))
GPU_NOUNS = word_set("gpu gpus card cards accelerator accelerators graphics")
NODE_NOUNS = word_set("node nodes machine machines server servers box boxes host hosts")
_AT_MOST = frozenset(("max", "maximum", "most", "to", "than", "limit", "within"))
_ENGINES = {
    ("vllm",): "vllm",
    ("sglang",): "sglang",
    ("sg", "lang"): "sglang",
    ("tensorrt", "llm"): "tensorrt_llm",
    ("tensor", "rt", "llm"): "tensorrt_llm",
    ("trt", "llm"): "tensorrt_llm",
    ("trtllm",): "tensorrt_llm",
    ("tensorrtllm",): "tensorrt_llm",
    ("tensorrt",): "tensorrt_llm",
    ("tgi",): "tgi",
    ("text", "generation", "inference"): "tgi",
    ("hugging", "face", "transformers"): "transformers",
    ("huggingface", "transformers"): "transformers",
    ("hf", "transformers"): "transformers",
    ("transformers",): "transformers",
    ("llama", "cpp"): "llama_cpp",
    ("llamacpp",): "llama_cpp",
    ("ollama",): "llama_cpp",
}
_DTYPES = {
    "bf16": "bfloat16",
    "bfloat16": "bfloat16",
    "fp16": "float16",
    "float16": "float16",
    "f16": "float16",
    "fp32": "float32",
    "float32": "float32",
    "fp8": "float8",
    "float8": "float8",
    "f8": "float8",
    "e4m3": "float8",
    "mxfp4": "mxfp4",
    "mxfp8": "mxfp8",
    "nvfp4": "nvfp4",
    "fp4": "nvfp4",
    "int4": "int4-group128",
    "w4a16": "int4-group128",
    "awq": "int4-group128",
    "gptq": "int4-group128",
    "4bit": "int4-group128",
    "int8": "int8",
    "8bit": "int8",
    "w8a8": "int8",
}
_DTYPE_PHRASES = {
    ("4", "bit"): "int4-group128",
    ("8", "bit"): "int8",
    ("16", "bit"): "bfloat16",
    ("half", "precision"): "float16",
    ("single", "precision"): "float32",
    ("float", "8"): "float8",
    ("bfloat", "16"): "bfloat16",
    ("float", "16"): "float16",
    ("fp", "8"): "float8",
    ("fp", "16"): "float16",
    ("bf", "16"): "bfloat16",
}
_CACHE = frozenset(("kv", "cache", "kvcache"))
_PARALLEL = word_set("parallel parallelism parallelization size degree only alone just of =")
_NOT = word_set("no without not avoid never")


@dataclass(slots=True)
class Options:
    """What a question says beside names and intent; null where it is silent. ``context`` is as typed."""

    context: tuple[str, ...] = ()
    users: int | None = None
    engine: str | None = None
    weights_dtype: str | None = None
    kv_cache_dtype: str | None = None
    utilization: float | None = None
    layouts: str | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    max_gpus: int | None = None
    gpu_count: int | None = None
    nodes: int | None = None
    sizes: dict[str, int] = field(default_factory=dict)


def read_engine(s: Sentence, o: Options) -> None:
    """``with sglang``, ``vllm@0.11``, ``vLLM v0.11``."""
    for phrase, name in _ENGINES.items():
        for i in s.free():
            if not s.starts(i, phrase):
                continue
            after = i + len(phrase)
            s.take(i, after)
            o.engine = name
            j = s.skip(after, ("version", "v"))
            word = s.at(j).removeprefix("v")
            marked = j > after or "@" in s.words[j].before or word != s.at(j) if word else False
            if "." in word and is_decimal(word) and (marked or name == "vllm"):
                s.take(after, j + 1)
                o.engine = f"{name}@{word}"
            return


def read_layouts(s: Sentence, o: Options) -> None:
    """``tensor parallel only``, ``no pipeline``, ``tp=4 pp=2``."""
    wanted: dict[str, bool] = {}
    for kind, names in (
        ("tensor", ("tensor", "tp")),
        ("pipeline", ("pipeline", "pipelines", "pipelining", "pp")),
        ("data", ("data", "dp", "replicas")),
    ):
        for i in list(s.free()):
            word = s.at(i)
            letters = word.rstrip("0123456789")
            if letters not in names or (word == "data" and s.at(i + 1) not in _PARALLEL):
                continue
            stop = s.skip(i + 1, _PARALLEL)
            if letters != word and letters in ("tp", "pp", "dp"):
                o.sizes[kind] = int(word[len(letters) :][:6])
                s.take(i, stop)
            elif (number := s.number_at(stop)) is not None and s.at(stop + 1) not in GPU_NOUNS | USERS:
                o.sizes[kind] = number
                s.take(i, stop + 1)
            elif s.at(i - 1) == "way" and (number := s.number_at(i - 2)) is not None:
                o.sizes[kind] = number
                s.take(i - 2, stop)
            elif word != "replicas":
                start = i
                while s.at(start - 1) in ("only", "pure", "purely", "just", "with", "using", "a", "any", "use"):
                    start -= 1
                wanted[kind] = s.at(start - 1) not in _NOT
                s.take(start - (not wanted[kind]), stop)
    if o.sizes:
        return
    if wanted.get("pipeline") is False or (wanted.get("tensor") and not wanted.get("pipeline")):
        o.layouts = "tensor"
    elif wanted.get("tensor") is False or (wanted.get("pipeline") and not wanted.get("tensor")):
        o.layouts = "pipeline"


def read_utilization(s: Sentence, o: Options) -> None:
    """``utilization 0.9``, ``at 90% utilisation``, ``90 % of the memory``."""
    named = s.find([("utilization",), ("utilisation",), ("util",)])
    for i in s.free():
        word, percent = s.at(i), s.at(i + 1) == "%"
        if not is_decimal(word) or not (percent or (named and abs(named[0] - i) <= 4 and "." in word)):
            continue
        value = float(word)
        o.utilization = value / 100 if percent else value
        s.take(i, i + 1 + percent)
        break
    if named is not None:
        start = named[0]
        while s.at(start - 1) in ("gpu", "memory", "vram"):
            start -= 1
        s.take(start, named[1])


def read_dtypes(s: Sentence, o: Options) -> None:
    """``in fp8``, ``bf16 weights``, ``with an fp8 kv cache``."""
    for i in list(s.free()):
        found = _DTYPES.get(s.at(i))
        stop = i + 1
        for phrase, name in _DTYPE_PHRASES.items():
            if s.starts(i, phrase):
                found, stop = name, i + len(phrase)
        if found is None:
            continue
        before = s.skip(i - 1, ("in", "at", "of", "as", "to", "dtype", "type", "precision", "with", "is", "="), -1)
        if s.at(stop) in _CACHE or s.at(before) in _CACHE:
            o.kv_cache_dtype = "float8" if found == "float8" else found
        else:
            o.weights_dtype = found
        s.take(i, stop)


def read_settings(s: Sentence, o: Options) -> None:
    """The engine's own flags, as in ``max-num-seqs 64``."""
    for phrase, name in (
        (("max", "num", "seqs"), "max_num_seqs"),
        (("max", "num", "batched", "tokens"), "max_num_batched_tokens"),
    ):
        if (place := s.find([phrase])) is not None:
            j = s.skip(place[1], LINKS)
            if (number := s.number_at(j)) is not None:
                setattr(o, name, number)
                s.take(place[0], j + 1)


def read_gpu_nouns(s: Sentence, o: Options) -> None:
    """``8 gpus``, ``at most 16 cards``, ``two nodes``, ``a single server``."""
    for i in list(s.free()):
        number = s.number_at(i)
        if number is None:
            continue
        j = s.skip(i + 1, ("x", "of", "way"), most=2)
        if s.at(j) in GPU_NOUNS and s.at(j + 1) not in ("memory", "ram"):
            if s.at(i - 1) in _AT_MOST:
                o.max_gpus = number
            else:
                o.gpu_count = number
            s.take(i, j)
        elif s.at(j) in NODE_NOUNS and j == i + 1:
            o.nodes = number
            s.take(i, j + 1)
    if o.nodes is None and (place := s.find([("dgx",), ("hgx",)])) is not None:
        before = s.skip(place[0] - 1, ("nvidia",), -1)
        if (number := s.number_at(before)) is not None or s.at(before) in ("a", "an", "the"):
            o.nodes = number or 1
            s.take(before, place[1])
    if o.nodes is None and s.find([("same", "node"), ("same", "machine"), ("within", "a", "node")]):
        o.nodes = 1


def read_users(s: Sentence, o: Options) -> None:
    """``32 concurrent users``, ``batch of 8``, ``concurrency 16``, ``8 at once``."""
    for i in list(s.free()):
        word = s.at(i)
        number = _plain(word) if s.number_at(i) is None else s.number_at(i)
        if number is not None:
            j = s.skip(i + 1, _AT_ONCE)
            together = next((p for p in _TOGETHER if s.starts(j, p)), ())
            if s.at(j) in USERS or j > i + 1 or together:
                o.users = number
                s.take(i, j + (len(together) or s.at(j) in USERS))
        elif word in _LOAD_FIRST and s.at(i):
            j = s.skip(i + 1, LINKS)
            if (number := s.number_at(j)) is not None:
                o.users = number
                s.take(i, j + 1)


def _plain(text: str) -> int | None:
    """``2k`` as a plain count."""
    digits, power = text[:-1], {"k": 1000, "m": 1_000_000}.get(text[-1:])
    return round(float(digits) * power) if power and is_decimal(digits) and len(digits) < 9 else None


def read_context(s: Sentence, o: Options) -> None:
    """``at 8k``, ``32K tokens``, ``a 1M context``, ``context of 4096``, ``2k in and 500 out``."""
    lengths: list[tuple[str, str]] = []
    for i in list(s.free()):
        word = s.at(i)
        suffixed = s.words[i].tokens is not None if word else False
        if suffixed and word.endswith("m") and float(word[:-1]) > 16:
            continue
        if not suffixed and not is_decimal(word):
            continue
        after = s.skip(i + 1, LENGTHS)
        before = s.skip(i - 1, LINKS, -1)
        named = after > i + 1 or s.at(after) in _IN | _OUT
        first = s.at(before) in _LENGTH_FIRST
        loose = s.at(i - 1) in ("at", "with") and is_decimal(word) and float(word) >= 512
        if suffixed or named or first or loose or (s.words[i].before.strip() == "@" and float(word) >= 512):
            part = "out" if _OUT & {s.at(after), s.at(i - 1)} else "in"
            lengths.append((word, part))
            s.take(i, after + (s.at(after) in _IN | _OUT))
            if first and not named:
                s.take(before, i)
    if len(lengths) > 1 and {part for _, part in lengths} != {"in", "out"}:
        if len({text for text, _ in lengths}) > 1:
            error = RequestError(
                f"two lengths in one question: {lengths[0][0]} or {lengths[1][0]} tokens?",
                about="context",
                suggestions=[text for text, _ in lengths[:3]],
            )
            error.kind = "ambiguous"
            raise error
        del lengths[1:]
    o.context = tuple(text for text, _ in lengths)


def read_options(s: Sentence, o: Options) -> None:
    """All that stands in the words which no name took."""
    read_settings(s, o)
    read_layouts(s, o)
    read_utilization(s, o)
    read_dtypes(s, o)
    read_gpu_nouns(s, o)
    read_users(s, o)
    read_context(s, o)
