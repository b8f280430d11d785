"""PagedServer's wording."""

from __future__ import annotations

from gpu_sizer.engines.wording import ARGUMENTS, FINAL, Wording, wording

NAME = "paged-server"

WORDINGS: tuple[Wording, ...] = (
    wording("PagedServer ", r"PagedServer (?P<engine_version>\d+\.\d+) starts (?P<model>\S+)", starts=True),
    wording("shards: ", r"shards: <#tp>, length: <#max_model_len>", worth=ARGUMENTS),
    wording("weights take ", r"weights take <weights_gib_per_gpu> (?P<unit>GiB)", worth=FINAL),
    wording("cache holds ", r"cache holds <#kv_cache_tokens> tokens", worth=FINAL),
    wording("serving on port", "serving on port", outcome="served"),
)
