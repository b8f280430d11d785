"""The command ``replay``: records of real start-ups beside the estimate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gpu_sizer.cli import options as o
from gpu_sizer.cli.output import is_terminal, print_json, print_lines
from gpu_sizer.evidence.records import EvidenceError, read_records
from gpu_sizer.evidence.replay import Replayed, replay_all
from gpu_sizer.files import check_output, open_regular, write_file

#: Bytes of a file of records: some ten thousands of them.
MOST_BYTES = 16 << 20


def replay(
    records: Annotated[Path, typer.Argument(metavar="RECORDS.jsonl", help="Records, one JSON object a line.")],
    as_json: o.Json = False,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write the accuracy report here (Markdown), its chart beside it. Causes of outliers are "
            "read from causes.yaml beside the records, deployments from deployments.jsonl."
        ),
    ] = None,
) -> None:
    """Replay records of real start-ups, or of benchmarks: predicted beside measured."""
    from gpu_sizer.evidence.benchmarks import first_is_benchmark
    from gpu_sizer.evidence.summary import summary

    if report is not None:
        check_output(report)
    open_regular(records, MOST_BYTES).close()
    try:
        lines = records.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{records}: {getattr(error, 'strerror', None) or error}") from None
    if first_is_benchmark(lines):
        _benchmarks(lines, records, as_json)
        return
    replayed = list(replay_all(read_records(lines, str(records)), o.cards()))
    if report is not None:
        _write_report(report, replayed, records.parent)
        return
    if as_json:
        print_json({"records": [r.model_dump() for r in replayed], "summary": summary(replayed)})
        return
    from gpu_sizer.reports.accuracy import REPLAY_COLUMNS, replay_rows, summary_lines

    rows = replay_rows([r.model_dump() for r in replayed])
    if is_terminal():
        from gpu_sizer.reports.terminal import show_table
        from gpu_sizer.words.blocks import Column

        show_table([Column(title, right) for title, right in REPLAY_COLUMNS], rows)
    else:
        from gpu_sizer.reports.aligned import aligned

        print_lines(aligned(REPLAY_COLUMNS, rows))
    print_lines(["", *summary_lines(summary(replayed))])


def _benchmarks(lines: list[str], file: Path, as_json: bool) -> None:
    """Benchmarks beside their estimates."""
    from gpu_sizer.evidence.benchmarks import read_benchmarks
    from gpu_sizer.evidence.speed_replay import speed_replay, speed_summary

    cards = o.cards()
    replayed = [speed_replay(b, cards) for b in read_benchmarks(lines, str(file))]
    if as_json:
        print_json({"records": [r.model_dump() for r in replayed], "summary": speed_summary(replayed)})
        return
    from gpu_sizer.reports.aligned import aligned
    from gpu_sizer.reports.speed_accuracy import BENCHMARK_COLUMNS, benchmark_rows, figures_lines

    print_lines(aligned(BENCHMARK_COLUMNS, benchmark_rows([r.model_dump() for r in replayed])))
    print_lines(["", *figures_lines(speed_summary(replayed))])


def _causes(file: Path) -> dict[str, str]:
    """Causes by id; none where there is no such file.

    Raises:
        EvidenceError: the file is no mapping.
    """
    import yaml

    if not file.is_file():
        return {}
    try:
        return dict(yaml.safe_load(file.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise EvidenceError(f"{file}: not a mapping of id to cause ({str(error)[:80]})") from None


def _deployments(folder: Path) -> list[str]:
    """The section about deployments; none where none stand beside the records."""
    from gpu_sizer.evidence import report as figures
    from gpu_sizer.evidence.deployments import judge, read_deployments, tally
    from gpu_sizer.reports.accuracy import deployment_lines

    file = folder / "deployments.jsonl"
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    judged = [judge(d, o.cards()) for d in read_deployments(lines, str(file))]
    causes = _causes(folder / "deployment_causes.yaml")
    return deployment_lines(tally(judged), figures.disagreements(judged, causes), figures.not_judged(judged))


def _write_report(report: Path, replayed: list[Replayed], folder: Path) -> None:
    """The report in Markdown and its chart as SVG, with what stands in the folder of the records."""
    from gpu_sizer.evidence import report as figures
    from gpu_sizer.reports.accuracy import report_lines
    from gpu_sizer.reports.charts.accuracy import accuracy_chart
    from gpu_sizer.reports.charts.files import write_chart

    picture = report.with_suffix(".svg")
    chart = accuracy_chart([r.model_dump() for r in replayed], "public start-up logs, tests/evidence/records.jsonl")
    lines = report_lines(
        figures.halves(replayed),
        figures.groups(replayed),
        figures.outliers(replayed, _causes(folder / "causes.yaml")),
        figures.skipped(replayed),
        picture.name,
        _deployments(folder),
    )
    write_chart(chart, picture)
    write_file(report, ("\n".join(lines) + "\n").encode())
    print_lines([f"{report} and {picture} written"])
