"""``paged-server`` (https://example.org/paged-server)."""

from __future__ import annotations

from gpu_sizer.engines.serving import Start, Starter


def command(start: Start) -> tuple[str, ...]:
    """The words of the command."""
    start.one_replica("PagedServer")
    words = ["paged-server", start.weights, "--port", str(start.port)]
    words += ["--shards", str(start.layout.tensor_parallel_size), "--length", str(start.settings.context)]
    return (*words, "--dtype", start.dtype())


STARTER = Starter(title="PagedServer", command=command)
