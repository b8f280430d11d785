"""The article without a date: what a user gets, what to run now and what was measured, each as the calls say it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import gpu_sizer
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.reports.article.asked import asked
from gpu_sizer.reports.article.draft import Draft, Figure, Section, markdown
from gpu_sizer.reports.article.findings import Findings, findings
from gpu_sizer.reports.article.made import Kept, drafted
from gpu_sizer.reports.article.measured import pairs, runs
from gpu_sizer.reports.article.now import bargains
from gpu_sizer.reports.article.sections import standfirst, table_section, trend_section
from gpu_sizer.reports.article.served import PACE, USERS
from gpu_sizer.reports.charts.demand import demand, demand_chart
from gpu_sizer.reports.charts.growth import Measured
from gpu_sizer.reports.charts.of_models import demand_of
from gpu_sizer.reports.tables.counting import Counts
from gpu_sizer.reports.tables.grid import Cell, Column, Grid, Group, Row
from gpu_sizer.units import rounded

MODELS = ["qwen3.8-27b", "gemma-4-31b", "deepseek-v4.1-flash", "glm-5.3-flash", "llama-3-8b", "qwen3.6-27b-nvfp4"]
GETS, NOW, MEASURED = "What a user gets for them", "Which to run now, and where", "Beside what was measured"


@pytest.fixture(scope="module")
def made() -> tuple[Draft, Kept]:
    return drafted(asked(models=MODELS), catalogue())


def _section(draft: Draft, heading: str) -> Section:
    return next(s for s in draft.sections if s.heading == heading)


def _rows(section: Section) -> list[list[str]]:
    lines = [line for line in (section.table or "").splitlines() if line.startswith("|")]
    return [[cell.strip().partition("<sup>")[0] for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_an_article_of_an_earlier_day_tells_no_speeds_and_prices_of_today() -> None:
    draft, _ = drafted(asked(models=["llama-3-8b"], as_of="2024-05-15"), catalogue())
    assert not {GETS, NOW, MEASURED} & {s.heading for s in draft.sections}


def test_what_a_user_gets_is_what_the_calls_say(made: tuple[Draft, Kept]) -> None:
    rows = _rows(_section(made[0], GETS))
    assert [r[2] for r in rows] == ["2 RTX A6000s", "3 RTX A6000s", "8 RTX A6000s"]
    for model, count, row in zip(("qwen3.8-27b", "gemma-4-31b", "deepseek-v4.1-flash"), (2, 3, 8), rows, strict=True):
        found = gpu_sizer.speed(model, gpu="rtx-a6000", gpu_count=count, users=USERS, prompt="1024", answer="256")
        assert found.speed is not None
        assert found.cost is not None
        each = found.speed.tokens_per_second_per_user
        assert each is not None
        assert row[3] == f"{rounded(each.about)} ({rounded(each.low)} to {rounded(each.high)})"
        users = gpu_sizer.most_users(
            model, gpu="rtx-a6000", gpu_count=count, tokens_per_second=PACE, prompt="1024", answer="256"
        )
        assert row[5] == f"{users.users:,}"
        assert row[6] == f"{found.cost.rental.price_hour_usd:,.2f}"
        assert row[7] == f"{found.cost.per_million:.2f} ({found.cost.low:.2f} to {found.cost.high:.2f})"


def test_each_model_to_run_now_costs_more_and_is_rated_higher(made: tuple[Draft, Kept]) -> None:
    rows = _rows(_section(made[0], NOW))
    assert len(rows) >= 2
    prices, scores = [float(r[6].replace(",", "")) for r in rows], [int(r[1].replace(",", "")) for r in rows]
    assert prices == sorted(set(prices))
    assert scores == sorted(set(scores))
    assert "GLM-5.3-Flash" in {r[0] for r in rows}, "no A6000 runs it, other GPUs do"
    cheapest = gpu_sizer.rent("qwen3.8-27b").cheapest
    assert cheapest is not None
    assert rows[0][6] == f"{cheapest.price_hour_usd:,.2f}"
    assert cheapest.offer.machine.name in (_section(made[0], NOW).table or "").replace("\\", "")


def test_no_bargain_is_beaten_by_a_cheaper_better_one() -> None:
    assert bargains([]) == []


def test_the_measured_runs_are_published_ones_that_nothing_was_fitted_on() -> None:
    known = runs()
    assert len(known) == 18
    for run in known:
        assert (run.source_url or "").startswith("https://github.com/Massed-Compute/gpu-benchmark/blob/"), run.id
        assert len((run.source_url or "").split("/")[6]) == 40, "cited by commit"
        assert run.gpu_id == "rtx-a6000"
    fitted = Path(__file__).parents[2] / "evidence" / "speed.jsonl"
    with fitted.open(encoding="utf-8") as lines:
        used = [b for b in map(json.loads, lines) if b["source"] == "Massed Compute" and b.get("gpu_id") == "rtx-a6000"]
    assert used == []


def test_the_engine_that_is_estimated_is_near_its_own_measured_runs() -> None:
    own = [p for p in pairs("rtx-a6000", "vllm", catalogue()) if p.run.engine == "vllm"]
    assert len(own) == 6
    assert all(p.inside for p in own)
    assert sorted(p.error for p in own)[3] < 0.3


def test_measured_stands_beside_estimated_on_the_articles_gpu_alone(made: tuple[Draft, Kept]) -> None:
    section = _section(made[0], MEASURED)
    rows = _rows(section)
    assert ["Llama 3 70B", "4 RTX A6000s", "TGI, 2024-08-01", "1", "15.3"] in [r[:5] for r in rows]
    assert ["MiniCPM5 2B", "1 RTX A6000", "vLLM, 2026-09-14", "32", "96.9"] in [r[:5] for r in rows]
    assert "Massed Compute rents these GPUs out" in section.paragraphs[0]
    other, _ = drafted(asked(models=["llama-3-8b"], gpus=["h100"]), catalogue())
    assert MEASURED not in {s.heading for s in other.sections}
    assert "published no measurement on the H100" in markdown(other)


def _found(*names: str) -> Findings:
    cards = catalogue()
    gpu = cards.gpus.get("rtx-a6000")
    found, _ = findings([cards.model(n) for n in names], gpu, Counts(None, {}, gpu))
    return found


def test_a_model_that_fits_on_no_number_is_what_takes_most() -> None:
    found = _found("llama-3-8b", "qwen3.8-2.4t-a95b", "llama-3.2-11b-vision")
    assert [m.card.id for m in found.beyond] == ["qwen3.8-2.4t-a95b"]
    assert standfirst(found).endswith("Qwen3.8 2.4T-A95B takes more than the 64 that were searched.")
    measured = [Measured(m.card.released, m.count, m.card.name) for m in found.placed if m.card.released and m.count]
    figure = demand(measured, "RTX A6000s", "")
    told = " ".join(trend_section(found, figure, Figure("demand", demand_chart(figure, ""))).paragraphs)
    assert "On no number of GPUs up to 64: Qwen3.8 2.4T-A95B." in told
    assert "fewer sequences at once: Llama 3.2 11B Vision (2 RTX A6000s with --max-num-seqs 16)." in told


def test_only_what_is_too_large_is_above_what_was_searched() -> None:
    cards = catalogue()
    names = ["llama-3-8b", "qwen3.8-2.4t-a95b", "llama-3.2-11b-vision"]
    found = demand_of(asked(models=names), cards, cards.gpus.get("rtx-a6000"), "gpus", None)
    assert set(found.beyond) == {"Qwen3.8 2.4T-A95B", "Llama 3.2 11B Vision"}
    assert found.above == ("Qwen3.8 2.4T-A95B",)


def test_of_a_long_table_the_draft_shows_the_end_and_names_the_files() -> None:
    rows = tuple(Row(str(n), (Cell(f"model {n}"),)) for n in range(150))
    section = table_section(Grid("T", (Column("name", "Model"),), (Group(None, rows),)))
    assert "The last 50 of its 150 rows" in section.paragraphs[0]
    assert "table.csv" in section.paragraphs[0]
    assert "model 149" in (section.table or "")
    assert "model 99 " not in (section.table or "")


def test_releases_in_fewer_bits_stand_in_the_table_alone() -> None:
    draft, kept = drafted(asked(filter="qwen3.6", min_params="0"), catalogue())
    text = markdown(draft)
    assert any(row.key == "qwen3.6-27b-nvfp4" for row in kept.grid.rows)
    assert "releases in fewer bits beside the one that they were made from" in text
    assert "NVFP4" not in draft.standfirst
    chart = next(s for s in draft.sections if s.heading == "Ever more GPUs").figures[0].chart
    assert not any("NVFP4" in str(row) for row in chart.rows)


def test_what_is_rated_higher_and_not_counted_is_named_with_its_reason() -> None:
    draft, _ = drafted(asked(filter="mimo"), catalogue())
    items = _section(draft, "What a number of GPUs buys").items
    assert any(i.startswith("Rated higher, but not counted: MiMo-V2.6-Pro") for i in items), items
    assert not any("Kimi K3" in i for i in items), "it has a card, and was not asked for"
