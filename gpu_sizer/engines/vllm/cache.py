"""How vLLM allocates the cache: groups of layers that draw blocks from one shared pool.

A port of ``v1/core/kv_cache_utils.py`` (vLLM 0.32/0.33: ``get_kv_cache_groups``,
``_get_kv_cache_groups_uniform_page_size``, ``_get_packed_kv_cache_groups``,
``_max_memory_usage_bytes_from_groups``), kept to what sizes depend on.
"""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from math import lcm

from gpu_sizer.engines.vllm.pages import Page
from gpu_sizer.errors import UncountableError
from gpu_sizer.memory.layout import stage_bounds
from gpu_sizer.records import dataclass, field, replace
from gpu_sizer.units import ceil_div, greater, round_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gpu_sizer.units import Whole

#: Largest kind's layers below this multiple of the smallest's: one group each, the smaller padded.
PADDING_HEURISTIC = 1.5

#: An entry of a block table is an int32.
TABLE_ENTRY_BYTES = 4
#: Lengths of requests of which a plan keeps the blocks.
MOST_REQUESTS = 1024
#: Classes whose authors' build gives each page size memory of its own (MotifTechnologies/vllm at 4cd9eb4,
#: ``v1/core/kv_cache_utils.py``), and groups of windowed layers there (``VLLM_HYBRID_SWA_NUM_SUBGROUPS``).
APART = frozenset({"MotifForCausalLM"})
WINDOWED_GROUPS = 13

#: A layer's cache by its place: (index of the layer, page).
PlacedPage = tuple[int, Page]


@dataclass(frozen=True, slots=True)
class CacheGroup:
    """Layers that share a block table: a request takes blocks for all of them at once."""

    pages: tuple[PlacedPage, ...]
    kinds: tuple[Page, ...]
    """The distinct pages of the group."""

    @property
    def block_size(self) -> int:
        """Tokens of a block of the layer that holds fewest."""
        return min(page.block_size for page in self.kinds)

    def table_entries(self, context: Whole) -> Whole:
        """Entries of a request's row in the block table."""
        return self.kinds[0].spec.entries(context, self.block_size)

    def blocks(self, context: Whole, tokens_in_flight: int, context_parallel: int = 1) -> Whole:
        """Blocks that one request takes in this group, on each of the ranks that share its tokens."""
        first, *others = self.kinds
        most = first.blocks(context, tokens_in_flight, context_parallel)
        for page in others:
            most = greater(most, page.blocks(context, tokens_in_flight, context_parallel))
        return most

    def bytes_by_layer(self, layers: int) -> list[int]:
        """Bytes of one block for each of so many layers."""
        sizes = [0] * layers
        for layer, page in self.pages:
            sizes[layer] += page.page_bytes
        return sizes


@dataclass(frozen=True, slots=True)
class CachePlan:
    """The pool of one model under one tensor-parallel size."""

    groups: tuple[CacheGroup, ...]
    layers: int
    has_states: bool
    drafted: int = 0
    """How many of the layers, the last ones, are a drafter's: they stand on the last stage."""
    apart: bool = False
    """Groups of different page sizes draw on memory of their own, under one numbering of blocks."""
    alike: tuple[tuple[CacheGroup, int], ...] = field(init=False, compare=False, repr=False)
    """One group of each kind, of which a request takes as many blocks as of the others, and how many there are."""
    _stage_blocks: dict[int, tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)
    _requests: dict[tuple[int, int, int], int] = field(default_factory=dict, compare=False, repr=False)
    _sums: list[tuple[int, ...]] = field(default_factory=list, compare=False, repr=False)
    """By group, bytes of a block of all layers up to each."""

    def __post_init__(self) -> None:
        alike: dict[tuple[Page, ...], tuple[CacheGroup, int]] = {}
        for group in self.groups:
            first, number = alike.get(group.kinds, (group, 0))
            alike[group.kinds] = first, number + 1
        object.__setattr__(self, "alike", tuple(alike.values()))

    def blocks_per_request(self, context: Whole, tokens_in_flight: int, context_parallel: int = 1) -> Whole:
        """Blocks of the shared pool that one request takes on a rank.

        Args:
            context: its length, or an array of lengths.
            tokens_in_flight: of the batches that it may have under way.
            context_parallel: the number of ranks over which the tokens of full attention are spread.
        """
        if not isinstance(context, int):
            return self._blocks(context, tokens_in_flight, context_parallel)
        key = (context, tokens_in_flight, context_parallel)
        if (kept := self._requests.get(key)) is None:
            if len(self._requests) >= MOST_REQUESTS:
                self._requests.clear()
            kept = self._requests[key] = self._blocks(*key)
        return kept

    def _blocks(self, context: Whole, tokens_in_flight: int, context_parallel: int) -> Whole:
        total = 0 * context
        for group, times in self.alike:
            total = total + times * group.blocks(context, tokens_in_flight, context_parallel)
        return total

    def table_bytes(self, context: Whole) -> Whole:
        """Bytes of one request's rows in the block tables of all groups, each as long as the longest request."""
        total = 0 * context
        for group, times in self.alike:
            total = total + times * TABLE_ENTRY_BYTES * group.table_entries(context)
        return total

    def printed_tokens(self, blocks: int) -> int:
        """The "GPU KV cache size" that the engine prints for so many blocks (``_report_kv_cache_config``)."""
        if not self.groups:
            return 0
        return blocks // len(self.groups) * min(g.block_size for g in self.groups if g.kinds[0].kind != "ring")

    def stage_block_bytes(self, stages: int) -> tuple[int, ...]:
        """Bytes of one block of the pool on each pipeline stage: the widest group decides, or those of each size."""
        if (kept := self._stage_blocks.get(stages)) is None:
            if stages > 1 and not self._sums:
                # At once, since threads share plans.
                self._sums.extend([(0, *accumulate(group.bytes_by_layer(self.layers))) for group in self.groups])
            stride = lcm(*[page.stride for group, _ in self.alike for page in group.kinds])
            sizes = [self._block_bytes(*stage) for stage in self._bounds(stages)] if stages > 1 else [self._whole()]
            kept = self._stage_blocks[stages] = tuple([round_up(size, stride) for size in sizes])
        return kept

    def _block_bytes(self, start: int, stop: int) -> int:
        """Bytes of one block for some of the layers: the widest group of each memory decides."""
        return self._widest([sums[stop] - sums[start] for sums in self._sums])

    def _whole(self) -> int:
        """Bytes of one block for all layers."""
        return self._widest([sum([page.page_bytes for _, page in group.pages]) for group in self.groups])

    def _widest(self, sizes: Sequence[int]) -> int:
        """The widest of the groups that share memory, summed over the memories."""
        if not self.apart:
            return max(sizes, default=0)
        pools: dict[int, int] = {}
        for group, size in zip(self.groups, sizes, strict=True):
            page = group.kinds[0].page_bytes
            pools[page] = max(size, pools.get(page, 0))
        return sum(pools.values())

    def _bounds(self, stages: int) -> Iterator[tuple[int, int]]:
        """First and past-the-last layer of each pipeline stage."""
        own = self.layers - self.drafted
        for start, stop in stage_bounds(own, stages):
            yield start, stop + self.drafted if stop == own else stop


def _one_type(pages: Sequence[Page]) -> bool:
    """Whether all layers need the same token slots (``UniformTypeKVCacheSpecs.is_uniform_type``)."""
    first = pages[0]
    if any(p.block_size != first.block_size or p.spec != first.spec for p in pages):
        return False
    return first.kind != "state" or all(p.page_bytes == first.page_bytes for p in pages)


def _unify(pages: dict[str, list[Page]], distinct: Sequence[Page]) -> dict[str, list[Page]]:
    """Equal page sizes: smaller pages take more tokens a block, or are padded."""
    largest = max(page.page_bytes for page in distinct)
    made: dict[Page, Page] = {}
    for page in distinct:
        if page.page_bytes == largest:
            made[page] = page
        elif page.kind != "state" and largest % page.page_bytes == 0:
            block = page.block_size * (largest // page.page_bytes)
            made[page] = replace(page, block_size=block, page_bytes=largest)
        elif page.latent:
            raise UncountableError("the engine cannot give this model's caches one page size", about="model")
        else:
            made[page] = replace(page, page_bytes=largest)
    return {name: [made[page] for page in pages_of] for name, pages_of in pages.items()}


def _placed(pages: dict[str, list[Page]], layer_names: Sequence[str]) -> list[PlacedPage]:
    """The pages of every layer; layers of one kind share theirs."""
    return [(index, page) for index, name in enumerate(layer_names) for page in pages[name]]


def _group(placed: Sequence[PlacedPage]) -> CacheGroup:
    """A group of pages of several kinds; layers of one kind share theirs, which spares comparing them."""
    kinds = dict.fromkeys({id(page): page for _, page in placed}.values())
    return CacheGroup(tuple(placed), tuple(kinds))


def _equal_groups(pages: dict[str, list[Page]], layer_names: Sequence[str]) -> list[CacheGroup]:
    """Groups of equally many layers, one kind each (``_get_kv_cache_groups_uniform_page_size``)."""
    buckets: dict[Page, list[PlacedPage]] = {}
    # Layers of one kind share their pages, which are compared once.
    joined = {name: [(buckets.setdefault(p, []), p) for p in pages_of] for name, pages_of in pages.items()}
    for index, name in enumerate(layer_names):
        for bucket, page in joined[name]:
            bucket.append((index, page))
    counts = [len(b) for b in buckets.values()]
    size = max(counts) if max(counts) < min(counts) * PADDING_HEURISTIC else min(counts)
    groups = []
    for page, bucket in buckets.items():
        number = ceil_div(len(bucket), size)
        groups += [CacheGroup(tuple(bucket[i::number]), (page,)) for i in range(number)]
    return groups


def _groups_apart(placed: list[PlacedPage]) -> list[CacheGroup]:
    """All full layers in one group, windowed ones in many: pages of different sizes are not made equal."""
    windowed = [item for item in placed if item[1].kind == "sliding"]
    full = [item for item in placed if item[1].kind != "sliding"]
    number = ceil_div(len(windowed), ceil_div(len(windowed), WINDOWED_GROUPS))
    return [_group(full), *(_group(windowed[i::number]) for i in range(number))]


def _least_padding(values: Sequence[int], lower: int) -> int:
    """The divisor from ``lower`` to the largest value that pads least; the larger of equals."""
    return min(range(max(1, lower), max(values) + 1), key=lambda d: (sum(-v % d for v in values), -d), default=lower)


def _packed_groups(placed: list[PlacedPage]) -> list[CacheGroup]:
    """Groups of mixed page sizes packed side by side in a block (``_get_packed_kv_cache_groups``)."""
    buckets: list[list[PlacedPage]] = []
    for item in placed:
        for bucket in buckets:
            if _one_type([bucket[0][1], item[1]]):
                bucket.append(item)
                break
        else:
            buckets.append([item])
    shapes = [Counter(page.page_bytes for _, page in bucket) for bucket in buckets]
    balanced = [len(set(shape.values())) == 1 for shape in shapes]
    least = max((max(s.values()) for s, even in zip(shapes, balanced, strict=True) if even and len(s) > 1), default=0)
    repeats = (
        _least_padding([max(s.values()) for s, even in zip(shapes, balanced, strict=True) if even], least)
        if least
        else None
    )
    numbers = [
        ceil_div(max(shape.values()), repeats) if even and repeats else 1
        for shape, even in zip(shapes, balanced, strict=True)
    ]
    # States, rings, and windows where nothing sets a pattern, are spread so that they do not widen the block.
    spread = [b[0][1].kind in ("state", "ring") or (repeats is None and b[0][1].kind == "sliding") for b in buckets]
    widest = max(
        sum(ceil_div(count, len(bucket) if loose else number) * size for size, count in shape.items())
        for bucket, shape, number, loose in zip(buckets, shapes, numbers, spread, strict=True)
    )
    groups = []
    for bucket, least_number, loose in zip(buckets, numbers, spread, strict=True):
        number = least_number
        if loose:
            number = max(number, ceil_div(len(bucket), max(1, widest // bucket[0][1].page_bytes)))
        by_size: dict[int, list[PlacedPage]] = {}
        for item in bucket:
            by_size.setdefault(item[1].page_bytes, []).append(item)
        pattern = list(zip(*by_size.values(), strict=False))
        if number == 1:
            groups.append(_group(bucket))
        else:
            groups += [_group([item for row in pattern[i::number] for item in row]) for i in range(number)]
    return groups


def cache_plan(
    pages: dict[str, list[Page]],
    layer_names: Sequence[str],
    *,
    drafted: int = 0,
    packed: bool = False,
    apart: bool = False,
) -> CachePlan:
    """The groups of a whole model.

    Args:
        pages: the pages of each distinct layer.
        layer_names: which of them each layer is, in order.
        drafted: how many of the layers, the last ones, are a drafter's.
        packed: blocks hold pages of different sizes side by side (DeepSeek-V4's backends, pooled index keys).
        apart: page sizes have memory of their own where they differ (Motif 3's build).

    Raises:
        UncountableError: page sizes that the engine cannot make equal.
    """
    pages = {name: pages[name] for name in dict.fromkeys(layer_names)}
    distinct = list(dict.fromkeys([page for pages_of in pages.values() for page in pages_of]))
    states = any(page.kind == "state" for page in distinct)
    apart = apart and len({page.page_bytes for page in distinct}) > 1
    if not distinct:
        groups: list[CacheGroup] = []
    elif _one_type(distinct):
        groups = [CacheGroup(tuple(_placed(pages, layer_names)), tuple(distinct))]
    elif packed:
        groups = _packed_groups(_placed(pages, layer_names))
    elif apart:
        groups = _groups_apart(_placed(pages, layer_names))
    else:
        groups = _equal_groups(_unify(pages, distinct), layer_names)
    return CachePlan(tuple(groups), len(layer_names), states, drafted, apart)
