"""Questions as strangers put them: by kind what was once misread, left out without a word, or refused."""

from __future__ import annotations

import pytest

from gpu_sizer.errors import GpuSizerError, RequestError, UnknownGpuError, UnknownModelError
from gpu_sizer.queries.answers import Answer, Answers, ask

#: A question, and what the sentence that says what was understood begins with.
UNDERSTOOD = [
    # Figures behind an article count what stands behind them, and name no GPU.
    ("for a 30 person team which gpu for qwen3 14b", "GPUs for Qwen3 14B, cheapest first at 40,960 tokens, 30 users"),
    ("i have a 40 gb gpu, does llama 3 8b fit", "whether Llama 3 8B fits on 1 × A100 PCIe 40 GB"),
    ("mixtral on an A 100 80GB", "fewest A100 SXM4 80 GB for Mixtral 8x7B at 32,768 tokens, 1 user"),
    ("how many h100 for llama 3 70 b", "fewest H100 SXM5 80 GB for Llama 3 70B"),
    # An amount of memory bounds the GPUs that are sought, and stands for one where the model is to fit.
    ("best 16gb card for gpt-oss-20b", "GPUs of 16 GB for gpt-oss-20b, cheapest first"),
    ("cheapest gpu with at least 40gb for llama 3.3 70b", "GPUs of at least 40 GB for Llama 3.3 70B Instruct"),
    ("what gpu under 24gb can run qwen3 14b awq", "GPUs of at most 24 GB for Qwen3 14B"),
    ("qwen3 8b 12gb vram", "whether Qwen3 8B fits on 1 × RTX A2000 12GB"),
    ("i have 12gb vram, can i run gemma 3 12b q4_k_m", "whether Gemma 3 12B fits on 1 × RTX A2000 12GB"),
    ("how many 24 gb cards for qwen3 32b", "fewest A10 for Qwen3 32B"),
    ("how much vram does qwen3 8b need", "memory for Qwen3 8B at"),
    ("3090 24gb vram llama 3 8b", "fewest GeForce RTX 3090 for Llama 3 8B"),
    # Users that are asked for without a verb; users that are told are not.
    ("users at 8k on 2 h100 for qwen3 32b", "most users for Qwen3 32B on 2 × H100 SXM5 80 GB at 8,192 tokens"),
    ("concurrency of llama 3.1 8b on l4 at 2k", "most users for Llama 3.1 8B on 1 × L4 at 2,048 tokens"),
    ("gb200 nvl72 deepseek r1 users", "most users for DeepSeek-R1 on 72 × GB200"),
    ("how fast is qwen3 8b on 2 h100 with 16 users", "speed of Qwen3 8B on 2 × H100 SXM5 80 GB at 1,280 tokens, 16"),
    # The words of a name ask for nothing: no longest context of an M4 Max.
    ("m4 max 128gb gpt-oss-120b tokens per second", "fewest M4 Max 128 GB for gpt-oss-120b"),
    # Machines of several GPUs, and providers before them.
    ("glm-4.6 on multi-node 2x8 h100", "whether GLM-4.6 fits on 16 × H100 SXM5 80 GB"),
    ("2 x 4x3090 mixtral", "whether Mixtral 8x7B fits on 8 × GeForce RTX 3090 at 32,768 tokens, 1 user"),
    ("mixtral 8x7 on 2x4090", "whether Mixtral 8x7B fits on 2 × GeForce RTX 4090"),
    # A prompt and its answer are no number of GPUs; a version is that of the engine before it.
    ("llama 3.1 8b 1k/200 h100, 100 rps", "fewest H100 SXM5 80 GB for Llama 3.1 8B at 1,224 tokens"),
    ("llama 3.1 8b 2048/512 64 users l40s", "fewest L40S for Llama 3.1 8B at 2,560 tokens, 64 users"),
    ("running deepseek r1 24/7 on 8 h200", "whether DeepSeek-R1 fits on 8 × H200 SXM 141 GB at 163,840 tokens"),
    ("sglang 0.4.6 qwen3 8b l4", "fewest L4 for Qwen3 8B at 40,960 tokens, 1 user; with SGLang 0.4.6"),
    # The labels of a list count nothing; its lines do.
    ("mixtral on GPU 0: NVIDIA RTX A6000 GPU 1: NVIDIA RTX A6000", "whether Mixtral 8x7B fits on 2 × RTX A6000"),
    ("gpu 0: 3090, qwen3 14b q4", "fewest GeForce RTX 3090 for Qwen3 14B"),
    # A greeting is no beginning.
    ("hey guys, can my 3080 10gb run mistral nemo at q5?", "whether Mistral Nemo fits on 1 × GeForce RTX 3080"),
    # A notebook of code is no laptop, nor is a GPU beside one a part of it.
    ("llama 3 8b in a jupyter notebook on a 4090", "fewest GeForce RTX 4090 for Llama 3 8B"),
    ("egpu 3090 on my laptop for gemma 3 27b q4", "fewest GeForce RTX 3090 for Gemma 3 27B"),
    ("my laptop and a server with 2x 3090: mixtral q4?", "whether Mixtral 8x7B fits on 2 × GeForce RTX 3090"),
    ("can my notebook with a 4090 run qwen3 14b q4", "whether Qwen3 14B fits on 1 × GeForce RTX 4090 Laptop GPU"),
]


@pytest.mark.parametrize(("question", "understood"), UNDERSTOOD, ids=[q for q, _ in UNDERSTOOD])
def test_a_stranger_is_understood(question: str, understood: str) -> None:
    said = ask(question)
    assert isinstance(said, Answer)
    assert said.understood.startswith(understood)
    assert not {word for told in said.ignored for word in told.split()} - {"egpu", "jupyter"}


#: A question, and what its first line says.
FIRST = [
    ("requests per second of llama 3.1 8b on l40s", "requests a second, with"),
    ("qwen3 32b ttft under 500ms on h100 with 20 users", "Whether a limit on latency is kept is not judged"),
    ("qwen3 32b ttft under 500ms on h100 with 20 users", "the first token comes after about"),
    ("latency p95 2s for mistral small 24b on a100", "Whether a limit on latency is kept is not judged"),
    ("1x h100 vs 2x l40s price for llama 3.1 8b", "The fewest of each are priced, not the numbers that are told"),
    ("which 33gb gpu for qwen3 14b", "No GPU of the catalogue has 33 GB: those of any memory are listed"),
]


@pytest.mark.parametrize(("question", "said"), FIRST, ids=[f"{q}: {s}" for q, s in FIRST])
def test_what_is_asked_is_in_the_first_line(question: str, said: str) -> None:
    found = ask(question)
    assert isinstance(found, Answer)
    assert said in found.headline


def test_a_choice_is_among_gpus_of_the_memory_that_was_told() -> None:
    listed = ask("which 48gb gpu is cheapest for qwen3 32b fp8").model_dump()["options"]
    assert listed
    assert {"a40", "l40s"} <= {o["gpu"] for o in listed}
    assert not {"rtx-a4000", "h100-80gb"} & {o["gpu"] for o in listed}


@pytest.mark.parametrize(
    ("question", "gpus"),
    [
        ("does kimi k2 fit on 8 mi300x? and on 8 mi325x?", ["mi300x", "mi325x"]),
        ("does kimi k2 fit on 8 mi300x and on 16 h100", ["mi300x", "h100-80gb"]),
    ],
)
def test_gpus_that_are_asked_about_one_after_the_other_are_no_mixture(question: str, gpus: list[str]) -> None:
    found = ask(question)
    assert isinstance(found, Answers)
    assert [a.model_dump()["gpu"] for a in found.answers] == gpus


@pytest.mark.parametrize(
    ("question", "understood"),
    [
        ("2x 3090 or 4x 3090 for llama 3.3 70b q4", "whether Llama 3.3 70B Instruct fits on {} × GeForce RTX 3090"),
        ("how much faster is 2x 3090 than 4x 3090 for qwen3 8b", "speed of Qwen3 8B on {} × GeForce RTX 3090"),
    ],
)
def test_numbers_of_one_gpu_are_each_answered(question: str, understood: str) -> None:
    found = ask(question)
    assert isinstance(found, Answers)
    assert [a.understood.startswith(understood.format(n)) for a, n in zip(found.answers, (2, 4), strict=True)] == [1, 1]


def test_types_are_each_tried_in_the_memory_that_was_told() -> None:
    found = ask("llama 3.1 8b Q4_K_M vs Q8_0 on 8gb")
    assert isinstance(found, Answers)
    assert [a.intent for a in found.answers if isinstance(a, Answer)] == ["fit", "fit"]


def test_machines_are_compared_once() -> None:
    found = ask("p5.48xlarge vs p4de.24xlarge for llama 3.1 405b fp8")
    assert [t.headline.count("AWS") for t in (found.told() if isinstance(found, Answers) else [found.told()])] == [2]


def test_how_low_to_quantize_asks_for_a_file_that_fits() -> None:
    found = ask("how low do i have to quantize deepseek v3 to fit 8 a100 80gb")
    assert isinstance(found, Answers)
    assert found.sought


REFUSED = [
    ("128gb mac studio glm 4.5 air 4bit", UnknownGpuError, "which one? Apple's Mac Studio is sized by its chip"),
    ("48gb mac qwen3 32b", UnknownGpuError, "which one? Apple's Mac is sized by its chip"),
    # The desktop's GPU of that name has another memory: a yes for it would be none for the laptop's.
    ("does qwen3 4b fit on a laptop 3060", UnknownGpuError, "unknown GPU '3060 laptop'"),
    ("can a 3070 laptop run gemma 3 12b q4", UnknownGpuError, "unknown GPU '3070 laptop'"),
    ("laptop with rtx 5000 ada, qwen3 8b", UnknownGpuError, "unknown GPU 'rtx 5000 ada laptop'"),
    # Models that turn texts into vectors are told as what they are, not taken for their namesakes.
    ("bge-m3 on t4", RequestError, "only language models are sized"),
    ("qwen3-embedding-8b how much vram", RequestError, "only language models are sized"),
    ("snowflake-arctic-embed on l4", RequestError, "only language models are sized"),
    ("jina embeddings v3 vram", RequestError, "only language models are sized"),
    # A name that is none is said, where only its family or nothing of it is known.
    ("qwen3 omni 30b", UnknownModelError, "unknown model 'qwen3 omni 30b'"),
    ("qwn3 32b on 3090s how many", UnknownModelError, "unknown model 'qwn3 32b'; did you mean qwen3-32b"),
    ("rwkv 7 on 3060", RequestError, "for which model? 'rwkv 7' is none that is known"),
]


@pytest.mark.parametrize(("question", "kind", "said"), REFUSED, ids=[q for q, _, _ in REFUSED])
def test_what_is_not_known_is_refused_by_its_name(question: str, kind: type[GpuSizerError], said: str) -> None:
    with pytest.raises(kind) as error:
        ask(question)
    assert said in str(error.value)
