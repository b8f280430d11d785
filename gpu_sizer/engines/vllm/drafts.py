"""What drafts tokens ahead beside a model: its own prediction layers, a draft that reads its states, or a draft model.

The drafter stands on the last pipeline stage and is cut as the model is. Its layers' caches join the model's groups,
states keep a block more for each token ahead, and the runner keeps its inputs for a whole batch. From vLLM 0.11 to
0.33, ``v1/spec_decode/eagle.py`` (later ``llm_base_proposer.py``), ``draft_model.py`` and
``v1/worker/gpu/spec_decode/``. EAGLE heads and their like are drafts with cards of their own: they read states of some
of the model's layers, which stay until they are joined (``fc``). Their logits are of fewer entries and sequences than
those that the sampler's peak counts, and are not kept (``draft_sample_method``: greedy).
"""

from __future__ import annotations

from math import prod

from gpu_sizer.cards.model_card import ModelCard
from gpu_sizer.engines.drafting import Drafts, drafts_of
from gpu_sizer.engines.profiles import profile_data
from gpu_sizer.engines.speculation import NoDrafterError, speculation
from gpu_sizer.engines.versions import at_least
from gpu_sizer.engines.vllm.loading import Kernels, LoadingExtra, Rounding, rotary_bytes
from gpu_sizer.engines.vllm.placement import weight_rules
from gpu_sizer.memory.activations import ACTIVATION_BYTES, forward_bytes
from gpu_sizer.memory.layout import layout_of
from gpu_sizer.memory.weights import WeightPlacement, WeightRules, refusal, vocabulary_rows
from gpu_sizer.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gpu_sizer.engines.vllm.version import VersionProfile
    from gpu_sizer.load import Settings
    from gpu_sizer.memory.layout import Layout
    from gpu_sizer.model.architecture import Block
    from gpu_sizer.model.inventory import Inventory

#: Drafts that write the model's context into their own caches, by the keys' and values' projections of all their layers
#: joined into one (``models/qwen3_dflash.py: _build_fused_kv_buffers``, ``precompute_and_store_context_kv``).
CONTEXT_DRAFTS = ("dflash", "dspark")
KEYS_AND_VALUES = ("k_proj.weight", "v_proj.weight")
#: What prediction layers make of a token's embedding and the model's state before their block: both, side by side, and
#: the state that is handed on.
INPUTS = 3


@dataclass(frozen=True)
class Drafter(Drafts):
    """What drafts for a model under vLLM."""

    @property
    def blocks(self) -> dict[str, Block]:
        """Its distinct layers, by names that no layer of the model has; its own are the model's."""
        found = self.card.architecture.blocks
        return {} if self.own else {f"draft.{name}": block for name, block in found.items()}

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Its layers in order."""
        return tuple([name if self.own else f"draft.{name}" for name in self.inventory.layer_names])

    @property
    def rules(self) -> WeightRules:
        """How its weights are placed."""
        return weight_rules(self.card, None, None)

    def weights_bytes(self, tp: int, expert_ranks: int) -> int:
        """Bytes of its weights on a rank."""
        return WeightPlacement(self.inventory, tp, expert_ranks, self.rules).totals(1)[0]

    def loading_bytes(self, tp: int, expert_ranks: int, kernels: Kernels) -> tuple[int, int]:
        """What loading it adds on a rank, and what more where there is a pipeline.

        Embeddings of prediction layers are the model's where these stand on the same stage; heads of some classes
        were so from a version on (``_maybe_share_embeddings``, ``_maybe_share_lm_head``).
        """
        placement = WeightPlacement(self.inventory, tp, expert_ranks, self.rules)
        rounding = Rounding(self.card, self.inventory, tp, expert_ranks, placement)
        fixed = LoadingExtra(self.card, self.inventory, rounding, kernels).stages(1, 0)[0]
        if not self.own:
            return fixed + self._joined_projections(tp), 0
        a = self.card.architecture
        vocabulary = vocabulary_rows(a.vocab_size, tp, self.rules) // tp * a.hidden_size * ACTIVATION_BYTES
        heads = _data()["own_heads"]
        own_head = self.card.engine_class in heads["classes"] and not at_least(kernels.version, heads["before"])
        return fixed - rotary_bytes(self.card, kernels.version) + (vocabulary if own_head else 0), vocabulary

    def _context_projections(self, tp: int) -> list[int]:
        """Keys and values of each layer of a draft that writes the model's context into its caches, on one rank."""
        if self.method not in CONTEXT_DRAFTS:
            return []
        kept = {
            name: sum([prod(t.local_shape(tp)) for t in tensors if t.name.endswith(KEYS_AND_VALUES)])
            for name, tensors in self.inventory.blocks.items()
        }
        return [kept[name] for name in self.inventory.layer_names]

    def _joined_projections(self, tp: int) -> int:
        """The copy of all layers' projections of keys and values, joined into one."""
        return sum(self._context_projections(tp)) * ACTIVATION_BYTES

    def buffer_bytes(self, card: ModelCard, s: Settings, version: VersionProfile) -> int:
        """The runner's buffers for a batch of the drafter's inputs: states, and embeddings.

        The second runner has them for what drafts from the model's states alone, embeddings where these may be of
        images; for drafts that write the context, the states of every token that a captured step verifies.
        """
        copies, staged = 2, 0
        if version.second_runner:
            copies = 1 if self.own or self.method is not None else 0
            if self.method in CONTEXT_DRAFTS:
                staged = 0 if s.enforce_eager else min(s.max_num_seqs * (self.tokens + 1), s.max_num_batched_tokens)
            elif copies and card.architecture.towers:
                copies += 1
        width = self.card.architecture.hidden_size
        read = self.states * card.architecture.hidden_size
        return (copies * s.max_num_batched_tokens * width + staged * read) * ACTIVATION_BYTES

    def states_bytes(self, card: ModelCard, tokens: int) -> int:
        """The states that it reads of a batch, which stay while the model runs and until it has run."""
        return self.states * tokens * card.architecture.hidden_size * ACTIVATION_BYTES

    def forward_bytes(self, card: ModelCard, layout: Layout, s: Settings) -> int:
        """Live bytes of a batch of tokens in it, without the workspaces of experts."""
        a, tokens = self.card.architecture, s.max_num_batched_tokens
        inputs = INPUTS * tokens * a.hidden_size * ACTIVATION_BYTES
        # What it reads lies beside itself, joined, and once more where it is normed.
        joined = 2 * self.states_bytes(card, tokens)
        tp = layout.tensor_parallel_size
        # Keys and values of the context for all layers, as projected and by layer.
        context = 2 * tokens * sum(self._context_projections(tp)) // a.hidden_size * ACTIVATION_BYTES
        queries = min(tokens, s.max_num_seqs * (self.tokens + 1)) if context else tokens
        return self.states_bytes(card, tokens) + inputs + max(joined, context, forward_bytes(a, layout, queries))

    @property
    def pipeline_refusal(self) -> str | None:
        """Why it drafts for no pipeline, or null: the last stage has not the model's embedding.

        ``v1/worker/gpu/spec_decode/eagle/utils.py: maybe_share_target_embed``; up to 0.32 it starts there with an
        embedding that nothing was loaded into.
        """
        if self.own or self.card.architecture.embedding:
            return None
        return f"{self.card.name} drafts with the model's embedding, which the last stage of a pipeline does not have"

    def refusal(self, layout: Layout) -> str | None:
        """Why it cannot be cut so, or null."""
        if self.own:
            return None
        ranks = layout_of(layout.tensor_parallel_size)
        reason = refusal(self.inventory, ranks, self.rules)
        return f"the draft model {self.card.name}: {reason}" if reason is not None else None


def _data() -> dict[str, Any]:
    found: dict[str, Any] = profile_data("vllm/support")["speculative"]
    return found


def drafter_of(card: ModelCard, inventory: Inventory, asked: str | None, version: str) -> Drafter | None:
    """What drafts for a model, or null where nothing does.

    Args:
        card: the model.
        inventory: its tensors as the engine holds them.
        asked: the setting.
        version: the engine's.

    Raises:
        NoDrafterError: no such drafter, or none that this version has.
        UnknownModelError: a draft model without a card.
    """
    wanted = speculation(asked)
    if wanted is None:
        return None
    if wanted.model is not None and not at_least(version, first := _data()["draft_from"]):
        raise NoDrafterError(f"draft models are known here from vLLM {first} on")
    found = drafts_of(card, inventory, wanted, "vLLM")
    if found.own:
        _check_own(found, version)
    elif found.method is not None and not at_least(version, first := _data()["methods"].get(found.method, version)):
        raise NoDrafterError(f"{found.method} drafts are known here from vLLM {first} on")
    return Drafter(found.tokens, found.card, found.inventory, found.own, found.states)


def _check_own(found: Drafts, version: str) -> None:
    """Refuses prediction layers of versions that are not known, and numbers of tokens that do not divide."""
    if not at_least(version, first := _data()["mtp_from"]):
        raise NoDrafterError(f"what prediction layers take is known here from vLLM {first} on")
    layers = len(found.inventory.layer_names)
    # (config/speculative.py: "num_speculative_tokens must be divisible by n_predict")
    if found.tokens > layers and found.tokens % layers:
        raise NoDrafterError(f"tokens ahead must be a multiple of the {layers} prediction layers of {found.card.name}")
