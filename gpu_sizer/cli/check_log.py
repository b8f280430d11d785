"""The command ``check-log``: a server's own start-up log beside the estimate."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpu_sizer.cli import completion
from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import print_json, print_lines, print_prose
from gpu_sizer.evidence.records import EvidenceError

if TYPE_CHECKING:
    from gpu_sizer.evidence.logs.bench import BenchFindings
    from gpu_sizer.evidence.logs.reader import ByteStream
    from gpu_sizer.evidence.logs.startup import LogFindings

#: Bytes in which a benchmark's result is looked for: the outputs of benchmarks are short.
BENCH_BYTES = 1 << 22
#: Bytes of a report in JSON, which may list every request.
REPORT_BYTES = 1 << 28


class _Again:
    """A stream of which some was read already."""

    def __init__(self, begun: bytes, rest: ByteStream) -> None:
        self._begun, self._rest = begun, rest

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        if self._begun:
            given, self._begun = self._begun[:size], self._begun[size:]
            return given
        return self._rest.read(size)


def _either(stream: ByteStream, advance: Callable[[int], None] | None = None) -> LogFindings | BenchFindings:
    """What a benchmark's output tells, or a start-up's log."""
    from gpu_sizer.evidence.logs.bench import BenchFindings, read_bench
    from gpu_sizer.evidence.logs.bench_reports import is_report, read_report
    from gpu_sizer.evidence.logs.reader import clean
    from gpu_sizer.evidence.logs.startup import read_log

    begun = stream.read(BENCH_BYTES)
    if is_report(begun):
        begun += stream.read(REPORT_BYTES)
        if (report := read_report(begun)) is not None:
            return BenchFindings(*report)
    if (bench := read_bench(clean(begun))) is not None:
        return bench
    return read_log(_Again(begun, stream), advance)


def _read(log: str) -> LogFindings | BenchFindings:
    """The findings of a file, or of what comes on stdin.

    Raises:
        EvidenceError: a file that cannot be read.
    """
    from gpu_sizer.cli.bar import bar

    if log == "-":
        return _either(sys.stdin.buffer)
    try:
        with open(log, "rb") as stream, bar("Reading the log", os.fstat(stream.fileno()).st_size) as advance:
            return _either(stream, advance)
    except (OSError, ValueError) as error:
        raise EvidenceError(f"{log}: {getattr(error, 'strerror', None) or error}") from None


def check_log(
    log: Annotated[str, typer.Argument(metavar="LOG", help="A start-up log, or a benchmark's output; - reads stdin.")],
    model: Annotated[
        str | None, typer.Option(help="The model, where the log does not tell it.", autocompletion=completion.models)
    ] = None,
    gpu: Annotated[
        str | None, typer.Option(help="The GPU, where the log does not tell it.", autocompletion=completion.gpus)
    ] = None,
    tp: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Tensor parallel size, where the log does not tell it.")
    ] = None,
    pp: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Pipeline parallel size, where the log does not tell it.")
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="The engine and its version, as vllm@0.24, where the log does not tell them.",
            autocompletion=completion.engines,
        ),
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Print the record to contribute, one JSON line.")] = False,
    as_json: o.Json = False,
) -> None:
    """Read a real start-up log, or what a benchmark printed, and compare it with the estimate."""
    from gpu_sizer.evidence.check import check
    from gpu_sizer.evidence.check_lines import lines
    from gpu_sizer.evidence.logs.bench import BenchFindings

    findings = _read(log)
    if isinstance(findings, BenchFindings):
        _bench(findings, {"model": model, "gpu": gpu, "tp": tp, "engine": engine}, record, as_json)
        return
    done = check(findings, o.cards(), model=model, gpu=gpu, tp=tp, pp=pp, engine=engine)
    if record:
        print_lines([json.dumps(done.record.model_dump(), ensure_ascii=False)])
    elif as_json:
        print_json(done.model_dump())
    else:
        print_prose(lines(done))


def _bench(findings: BenchFindings, options: dict[str, Any], record: bool, as_json: bool) -> None:
    """A benchmark beside the estimate."""
    from gpu_sizer.evidence.bench_check import check_bench
    from gpu_sizer.evidence.check_lines import aligned

    done = check_bench(findings, o.cards(), **options)
    if record:
        print_lines([json.dumps(done.record(), ensure_ascii=False)])
    elif as_json:
        print_json(done.model_dump())
    else:
        b = done.replayed.benchmark
        told = ("gpu", "tp", "isl", "osl", "load", "concurrency", "num_prompts")
        settings = ", ".join(f"{key} {done.found[key]}" for key in told if key in done.found)
        rows = [("", "measured", "expected", "error"), *done.rows()]
        assumed = ["", f"Assumed: {'; '.join(done.replayed.assumed)}"] if done.replayed.assumed else []
        print_prose([f"{b.engine}: {b.model}", settings, "", *aligned(rows), "", *done.sentences, *assumed])
