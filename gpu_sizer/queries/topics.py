"""What a question mentions that no answer covers, or that says nothing of a model's memory: one table of topics.

A topic is *refused* where the question is about nothing else, *told* in the answer's first line where it bears on what
was decided, *noted* below where it does not, and *idle* where it says nothing.
"""

from __future__ import annotations

from gpu_sizer.cards.families import is_size
from gpu_sizer.errors import RequestError
from gpu_sizer.queries.patterns import found
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from gpu_sizer.queries.sentence import Sentence

    Treatment = Literal["refused", "told", "noted", "idle"]

#: The topic of the machine's own memory, where a question asks how much of it.
HOST = "system memory"
#: The topic of speculative decoding, where a question does not tell what drafts.
DRAFTS = "drafts"


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject by its words.

    ``says`` is a sentence without its full stop; ``example`` a question that has it.
    """

    name: str
    pattern: str
    treatment: Treatment
    says: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """What an answer must say that it leaves out; in its first line where it bears on what was decided."""

    text: str
    first: bool = False
    topic: str = ""


TOPICS: tuple[Topic, ...] = (
    Topic(
        "training",
        "train|training|retrain|finetune|finetuning|pretrain|pretraining|posttrain|posttraining|rlhf|sft|qlora|grpo,"
        " fine tune|tuning, pre train|training, post training, full finetune, continued pretraining",
        "refused",
        "training and fine-tuning are not sized, only serving: ask how many GPUs it takes to serve",
        "can I finetune llama 3 8b with qlora on a 3090",
    ),
    Topic(
        "other models",
        "sdxl, sd3, sd 1.5|3|3.5, stable diffusion, flux, flux.1, flux.2, comfyui, comfy, midjourney, diffusion,"
        " hunyuan3d, hunyuanvideo, hunyuan3d 2|2.0|2.1, wan2.1|wan2.2, wan 2.1|2.2|2.5, whisper, tts, text to"
        " speech|image|video, speech to text, image|video|music|audio generation, lora training, controlnet,"
        " animatediff, ltx, trellis, sora, dall e, bark tts, xtts, kokoro, embedding|embeddings model|models,"
        " embedding|embeddings 0.6b|4b|7b|8b|v2|v3|v4, bge|jina|nomic|gte|e5|mxbai|arctic|cohere|voyage"
        " embed|embedding|embeddings, bge m3, e5|mxbai small|base|large,"
        " reranker|rerankers|reranking, yolo, sam2, qwen image, z image, hidream, cogvideox, mochi 1, parler,"
        " musicgen, rvc",
        "refused",
        "only language models are sized, not models of images, video, 3D, speech or embeddings",
        "how much vram for sdxl at 1024x1024",
    ),
    Topic(
        "no GPU",
        "cpu only, no gpu|gpus, without gpu|gpus, without a gpu, only cpu|cpus, on cpu|cpus, cpu inference",
        "refused",
        "only GPUs are sized, not models that run on a processor alone",
        "cpu only llama 3 8b",
    ),
    Topic(
        DRAFTS,
        "speculative|speculation, speculative decoding|model|config|tokens, draft|drafter, draft model,"
        " eagle|eagle2|eagle3|medusa|mtp|ngram, decoding",
        "told",
        "speculative decoding is not counted here: --speculative mtp:N or draft:MODEL:N counts what drafts",
        "mixtral on 2 a100 with speculative decoding",
    ),
    Topic(
        "pasted errors",
        "requires more system memory, memory tried to allocate, no available memory for the cache blocks, seq len #"
        " is larger than, larger than the maximum number of tokens, outofmemoryerror, cuda out of memory, failed to"
        " allocate, insufficient memory, fails on|with|to|at, fails|failed|failing, crashes|crashed|crashing, runs"
        " out of memory, wont start, cannot start, gets oom",
        "noted",
        "`gpu-sizer check-log FILE` reads the log of a start-up and says what it lacks; a shorter"
        " context, a higher share of the memory or an fp8 KV cache leaves more room",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB",
    ),
    Topic(
        "odd bits",
        "2|3|5|6 bit, 2bit|3bit|5bit|6bit",
        "told",
        "weights of two, three, five or six bits are sized by the type of their file alone, such as Q5_K_M",
        "mistral 7b in 5 bit on a 3060",
    ),
    Topic(
        "bits a weight",
        "# bpw, bpw, # bits per weight",
        "told",
        "bits a weight (bpw) name no format that is sized here: weights are as released unless a format is named",
        "llama 3 70b at 4.5bpw on two 3090s",
    ),
    Topic(
        "loading",
        "take|takes to load|download|start|boot, load|loading|download|startup|boot time|times, cold start|starts",
        "told",
        "how long loading takes is not estimated here",
        "how long does llama 3 8b take to load on an l4",
    ),
    Topic(
        "buying",
        "should i|we buy|purchase, to buy|purchase, vs|versus|or buy, buy vs|versus|or, worth buying",
        "told",
        "what GPUs cost to buy is not known here, only what it costs to rent them",
        "which gpu should i buy for qwen3 32b",
    ),
    Topic(
        "other engines",
        "exllama|exllamav2|exllamav3|tabbyapi|mlx|mlc|lmdeploy|aphrodite|ctranslate2|openvino|deepspeed,"
        " exl2|exl3 engine",
        "told",
        "an engine is named that is not modelled here: the answer is by another's rules",
        "llama 3 8b with exllamav2 on a 3090",
    ),
    Topic(
        "QAT",
        "qat, quantization aware training",
        "told",
        "QAT names no type of weights: say that of the release, such as q4_0 or int4",
        "gemma 3 27b qat on an rtx 4090",
    ),
    Topic(
        HOST,
        "how much|many system|host|cpu|main ram|memory, how much|many ddr4|ddr5, how much|many gb of|system"
        " system|host|cpu|ram, system|host|cpu ram|memory requirement|requirements|needed|required,"
        " enough|sufficient system|host|cpu ram|memory",
        "told",
        "what the GPUs do not hold of that has to lie in system memory: --n-gpu-layers and --n-cpu-moe (llama.cpp),"
        " --cpu-offload-gib (vLLM) plan with it",
        "how much system ram do i need for deepseek r1",
    ),
    Topic(
        "offload",
        "offload|offloading|offloaded, cpu offload|offloading, swap, cpu ram|memory, system ram|memory, host"
        " ram|memory, main memory, ddr4|ddr5, ram|memory ddr4|ddr5, cpu, offloaded to cpu|ram, to cpu ram,"
        " ktransformers, cpu only, partly|partially in ram, experts in|to ram|cpu",
        "told",
        "nothing is offloaded here, weights and caches are on the GPUs: --cpu-offload-gib N (vLLM), --n-gpu-layers or"
        " --n-cpu-moe (llama.cpp) say what stays off them",
        "gpt-oss-120b on a 3090 with the experts offloaded to the cpu",
    ),
    Topic(
        "prefix cache",
        "prefix cache|caching, prompt cache|caching, shared prefix|prefixes, radix cache, cache hit|hits",
        "told",
        "what a prefix cache saves is not counted: every request has its whole length",
        "llama 3 70b on h100, 64 users with prefix caching",
    ),
    Topic(
        "slices",
        "half|quarter|third of a|an|one|the|my, half a|an, 1 2|3|4|7|8 of, mig, mig slice|slices, vgpu|vgpus,"
        " fractional gpu|gpus, gpu slice|slices, time slicing",
        "refused",
        "a slice of a GPU is sized by its profile: name it, as in a100-80gb-3g.40gb (`gpu-sizer gpus mig` lists them)",
        "llama 3 8b on an A100 with MIG",
    ),
    Topic(
        "disaggregation",
        "disaggregated, disaggregation, prefill decode disaggregation, pd disaggregation",
        "told",
        "prefill and decode on GPUs of their own are not planned: one server does both",
        "deepseek v3 on h100, disaggregated",
    ),
    Topic(
        "reserved memory",
        "why ~ MEMORY, almost|nearly all space|memory|vram, almost|nearly all the|of, why does|is vllm",
        "told",
        "the engine reserves its share of the GPU's memory up front, whatever the model: what the weights leave of it"
        " is cache",
        "why does vllm take all the memory of my h100 for llama 3 8b",
    ),
    Topic(
        "surroundings",
        "psu, watt|watts, ssd|nvme|hdd, motherboard|mainboard, nvidia driver, driver, cuda version, cuda, ubuntu,"
        " debian, windows|linux|wsl, python|pytorch|torch, docker|podman, proxmox, pcie, nvlink, infiniband, ethernet,"
        " 24 7",
        "idle",
        example="llama 3 8b on a 3090, driver 535.104.05, Ubuntu 22.04",
    ),
)


def refuse_topics(s: Sentence) -> None:
    """Refuses what is another question than how much memory serving takes.

    Raises:
        RequestError: with what is sized instead.
    """
    for topic in TOPICS:
        if topic.treatment == "refused" and any(found(s, topic.pattern)):
            raise RequestError(topic.says)


def take_topics(s: Sentence) -> tuple[Remark, ...]:
    """What an answer must say of the topics that a question mentions; their words are taken."""
    remarks = []
    for topic in TOPICS:
        places = [p for p in found(s, topic.pattern) if not s.taken.issuperset(p)]
        for place in places:
            s.erase(place.start, place.stop)
            if topic.treatment == "idle":
                _take_figures(s, place)
        if places and topic.says:
            remarks.append(Remark(topic.says, topic.treatment == "told", topic.name))
    return tuple(remarks)


def _is_figure(word: str) -> bool:
    """A version or an amount, or the x before one: ``PCIe x4``."""
    return word == "x" or word.lstrip("v")[:1].isdigit()


def _take_figures(s: Sentence, place: range) -> None:
    """Takes the figures beside idle words: a version behind, an amount before."""
    amount = s.at(place.start - 1)
    if amount[:1].isdigit() and amount[-1:].isalpha() and not is_size(amount):
        s.take(place.start - 1)
    stop = place.stop
    while _is_figure(s.at(stop)) and "," not in s.words[stop].before and stop < place.stop + 2:
        s.take(stop)
        stop += 1
