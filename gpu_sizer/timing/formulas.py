"""The time of a decode step and of a prefill: a roofline an operator, with the shares of peak that are really reached.

Every formula takes plain numbers and arrays alike. Its terms, with their sources:

- weights and cache: bytes over bandwidth, operations over peak, whichever is longer (the roofline of Williams et al.,
  https://doi.org/10.1145/1498765.1498785; for language models https://arxiv.org/abs/2402.16363), joined smoothly;
- experts: of ``E`` of which each token picks ``k``, ``b`` tokens meet ``E (1 - (1 - k/E)^b)`` on average;
- collectives: two all-reduces a layer, ``2 (g-1)/g`` of the message over each link
  (https://github.com/NVIDIA/nccl-tests/blob/master/doc/PERFORMANCE.md), and a latency for each of the ``log2 g`` rounds
  in which so many ranks can hear of each other (https://doi.org/10.1177/1094342005051521); groups that share experts
  gather the tokens of all of them before the experts and scatter them afterwards (vLLM's default, ``--all2all-backend
  allgather_reducescatter``: https://docs.vllm.ai/en/latest/serving/expert_parallel_deployment/);
- latent attention while decoding: heads meet in the latent (https://arxiv.org/abs/2405.04434, section 2.1).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gpu_sizer.timing.case import Case, Number
    from gpu_sizer.timing.constants import Constants

#: How sharply the longer of two times hides the other: 1 is their sum, infinity the longer alone.
SHARPNESS = 4.0
#: Bytes of an activation that is sent.
SENT_BYTES = 2
#: Rows of a tile of the experts' kernels: the least that tensor cores of a warp group take
#: (https://docs.nvidia.com/cuda/parallel-thread-execution/, wgmma: 64 rows).
TILE = 64
#: Collectives of one layer: after attention, and after the feed-forward; or before and after shared experts.
COLLECTIVES = 2
#: No kernel reads faster than this share of the bandwidth, whatever shares multiply to.
MOST_READ = 0.97


def larger(a: Number, b: Number) -> Number:
    """The larger of two numbers, or of each pair."""
    return (a + b + abs(a - b)) / 2


def smaller(a: Number, b: Number) -> Number:
    """The smaller of two numbers, or of each pair."""
    return (a + b - abs(a - b)) / 2


def together(a: Number, b: Number) -> Number:
    """The time of two things done at once: at least the longer, at most the sum."""
    return (a**SHARPNESS + b**SHARPNESS) ** (1 / SHARPNESS)


def coverage(c: Case, tokens: Number) -> Number:
    """The share of the routed experts that some tokens meet, on average."""
    return 1 - (1 - c.experts_per_token / c.experts) ** tokens


def _rows(c: Case, tokens: Number) -> Number:
    """Tokens as the experts' kernels see them: each expert's fill whole tiles, half of one in vain on average."""
    return tokens + c.experts / c.experts_per_token * coverage(c, tokens) * TILE / 2


def _joined(c: Case) -> Number:
    """1 where several GPUs hold one layer, 0 where one does."""
    return smaller(c.tensor * c.data - 1, 1)


def _sent(c: Case, tokens: Number, share: Number) -> Number:
    """Seconds of a stage's collectives for some tokens a group, without their latency, at a share of the bandwidth."""
    ranks = c.tensor * c.data
    # After attention within a group; then, where several share the experts, the tokens of all of them.
    parts = (c.tensor - 1) / c.tensor + (ranks - 1) / ranks * c.data
    size = 2 * parts * tokens * c.hidden_size * SENT_BYTES
    return c.layers / c.pipeline * size / (c.link_bandwidth * share)


def _launches(c: Case, k: Constants) -> Number:
    """Seconds of all layers that are neither reading nor computing."""
    return (
        c.layers * k.layer
        + c.expert_layers * k.expert_layer
        + c.latent_layers * k.latent_layer
        + c.state_layers * k.state_layer
        + c.scaled_layers * k.scaled_layer
    )


def step_seconds(c: Case, k: Constants, running: Number) -> Number:
    """Seconds in which each of ``running`` requests gets one token.

    Args:
        c: the case.
        k: the constants of its engine, GPU and link.
        running: requests that run at once, in all groups and stages.
    """
    in_stage = larger(running / c.pipeline, 1.0)
    in_group = larger(in_stage / c.data, 1.0)
    ranks = c.tensor * c.pipeline
    every = ranks * c.data
    read = smaller(c.bandwidth * k.read, c.bandwidth * MOST_READ)
    stage = (
        together(
            c.dense_bytes / ranks / read, 2 * c.dense_parameters / ranks * in_group / (c.dense_rate * k.dense_compute)
        )
        + together(
            c.expert_bytes / every * coverage(c, in_stage) / (read * k.expert_read),
            2 * c.expert_parameters / every * _rows(c, in_stage) / (c.expert_rate * k.expert_compute),
        )
        + together(
            c.head_bytes / ranks / read, 2 * c.head_parameters / ranks * in_group / (c.wide_rate * k.wide_compute)
        )
        + together(
            in_group * c.cache_bytes / (read * k.cache_read),
            c.step_scores / ranks * in_group / (c.wide_rate * k.attention),
        )
        + _sent(c, in_group, k.link)
        + c.rounds * c.layers / c.pipeline * COLLECTIVES * k.hop
        + _launches(c, k) / c.pipeline
    )
    return c.pipeline * stage + k.step + running / c.data * k.request


def prompt_seconds(c: Case, k: Constants) -> Number:
    """Seconds of work that one prompt takes of all GPUs together, and keeps them from the answers of others."""
    ranks = c.tensor * c.pipeline * c.data
    return (
        2 * c.dense_parameters * c.prompt / ranks / (c.dense_rate * k.dense_prefill)
        + 2 * c.expert_parameters * c.prompt / ranks / (c.expert_rate * k.expert_prefill)
        + c.prompt_scores / ranks / (c.wide_rate * k.attention)
        + _sent(c, c.prompt / c.data, k.link_prompt) * _joined(c)
        + k.prompt
    )


def reading_seconds(c: Case, k: Constants) -> Number:
    """Seconds of reading the weights that a prompt meets once, however short it is."""
    ranks = c.tensor * c.pipeline
    read = smaller(c.bandwidth * k.read, c.bandwidth * MOST_READ)
    met = c.expert_bytes / c.data * coverage(c, larger(c.prompt, 1.0)) / k.expert_read
    return (c.dense_bytes + met) / ranks / read * c.pipeline + c.layers * k.layer + c.expert_layers * k.expert_layer
