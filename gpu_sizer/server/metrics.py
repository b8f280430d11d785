"""What Prometheus reads at ``/metrics``: requests by path and status, how long they took, how many are under way."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The folder in which several workers keep their counts for one another (prometheus_client's own variable).
SHARED_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Upper bounds of the histogram, in seconds: a cached size takes milliseconds, a list of the catalogue seconds.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
#: Methods that are counted by name; a caller can send any word.
_METHODS = ("GET", "POST", "HEAD", "OPTIONS")


class Metrics:
    """The metrics of one application."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "gpu_sizer_requests", "Requests answered.", ("method", "path", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "gpu_sizer_request_seconds", "Time to answer.", ("path",), registry=self._registry, buckets=_BUCKETS
        )
        self._under_way = Gauge(
            *("gpu_sizer_requests_under_way", "Requests being answered."),
            multiprocess_mode="livesum",
            registry=self._registry,
        )

    def text(self) -> bytes:
        """Everything counted, by all workers where there are several."""
        registry = self._registry
        if os.environ.get(SHARED_VARIABLE):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """The application, counted."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            # A path or method that is not ours is one line, whatever callers make up.
            path = scope["path"] if scope["path"] in self._paths else "other"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            status, began, counted_already = 500, time.perf_counter(), False

            async def noted(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                elif not message.get("more_body", False):
                    # Before it is sent: whoever has the answer finds it counted.
                    count()
                await send(message)

            def count() -> None:
                nonlocal counted_already
                if not counted_already:
                    counted_already = True
                    self._under_way.dec()
                    self._requests.labels(method, path, str(status)).inc()
                    self._seconds.labels(path).observe(time.perf_counter() - began)

            self._under_way.inc()
            try:
                await app(scope, receive, noted)
            finally:
                count()

        return counted
