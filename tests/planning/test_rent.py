"""Machines to rent: whole ones, in layouts that hold, the cheapest first, and nothing compared that cannot be."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from gpu_sizer import api
from gpu_sizer.cards.catalogue import catalogue
from gpu_sizer.cards.fleet import fleet
from gpu_sizer.cards.machine import Machine, MachinePrice, Offer
from gpu_sizer.errors import RequestError, UnknownMachineError
from gpu_sizer.memory.layout import Layout
from gpu_sizer.planning.machines import divides, unsuited
from gpu_sizer.planning.rent import Rentals, rent
from gpu_sizer.planning.rental import Wanted, rented
from gpu_sizer.planning.request import make_request
from gpu_sizer.planning.search import Search
from gpu_sizer.units import amount
from gpu_sizer.words.rent import rent_headline, rent_remarks, rent_row, rent_told

DAY = datetime.date(2026, 11, 30)


def rentals(model: str, **options: Any) -> Rentals:
    return api.rent(model, **{"as_of": DAY, **options})


@pytest.fixture(scope="module")
def mixtral() -> Rentals:
    return rentals("mixtral-8x7b", everything=True)


@pytest.fixture(scope="module")
def r1() -> Rentals:
    return rentals("deepseek-r1", everything=True)


@pytest.mark.parametrize("model", ["mixtral", "r1"])
def test_every_option_holds_the_model_on_whole_machines(model: str, request: pytest.FixtureRequest) -> None:
    found: Rentals = request.getfixturevalue(model)
    for r in found.options:
        gpus, layout = r.gpus_each * r.machines, r.memory.layout
        assert r.memory.within_budget
        assert layout.gpu_count <= gpus if r.machines == 1 else layout.gpu_count == gpus
        assert r.machines == 1 or divides(layout, r.gpus_each)
    assert len({r.offer.key for r in found.options}) == len(found.options)


def test_one_machine_fewer_does_not_carry_it(r1: Rentals) -> None:
    for r in [r for r in r1.options if r.machines > 1][::12]:
        less = (r.machines - 1) * r.gpus_each
        search = Search(make_request(r1.model, r.gpu, gpus_per_node=r.gpus_each))
        held = [m for m in map(search.evaluate, search.accepted(less, "any")) if m.within_budget]
        assert not [m for m in held if r.machines == 2 or divides(m.layout, r.gpus_each)], r.offer.key


def test_the_cheapest_is_first_and_what_cannot_be_compared_last(mixtral: Rentals) -> None:
    ranks = [0 if r.doubt is None else 1 if r.price_hour_usd is not None else 2 for r in mixtral.options]
    assert ranks == sorted(ranks)
    for rank in (0, 1):
        rows = [r for r, k in zip(mixtral.options, ranks, strict=True) if k == rank]
        order = [(r.unsuited is not None, r.price_hour_usd or 0.0) for r in rows]
        assert order == sorted(order) != []
    for r in mixtral.options[: ranks.count(0)]:
        assert r.price is not None
        assert r.price.date is not None
        assert r.price.kind == "on-demand"
        assert not r.price.superseded
        assert (DAY - r.price.date).days <= 365


def test_a_year_later_every_price_is_old() -> None:
    found = rentals("mixtral-8x7b", as_of="2028-01-01")
    assert {r.doubt for r in found.options} & {"over a year old"}
    assert found.cheapest is None
    assert "no price is known that can be compared" in rent_headline(found)


def test_the_month_has_730_hours(mixtral: Rentals) -> None:
    first = mixtral.options[0].model_dump()
    assert first["price_month_usd"] == pytest.approx(730 * first["price_hour_usd"])
    assert first["price_hour_usd"] == pytest.approx(first["machines"] * first["price_each_usd"])


def test_filters_are_kept() -> None:
    found = rentals("mixtral-8x7b", provider="Lambda Labs")
    assert {r.offer.provider for r in found.options} == {"lambda"}
    assert all((r.price_hour_usd or 99) <= 3 for r in rentals("mixtral-8x7b", max_price=3.0).options)
    spot = rentals("mixtral-8x7b", spot=True)
    assert {r.price.kind for r in spot.options if r.price} == {"spot"}
    assert any(r.offer.provider == "gcp" for r in spot.options)
    europe = rentals("mixtral-8x7b", region="europe-west4")
    assert all(r.price is not None and r.price.region in (None, "europe-west4") for r in europe.options)
    assert "gcp" in {r.offer.provider for r in europe.options}


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"provider": "lamda"}, UnknownMachineError, "did you mean lambda"),
        ({"max_price": -1}, RequestError, "max_price must be above 0"),
        ({"as_of": "yesterday"}, RequestError, "as_of must be a date"),
        ({"provider": "gcp", "region": "mars"}, RequestError, "no machine of gcp with an on-demand price in mars"),
        ({"context": 10**9}, RequestError, "longer than"),
    ],
)
def test_bad_input_is_told(options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        rentals("mixtral-8x7b", **options)


def box(name: str, gpu: str, count: int, usd: float, link: str | None = None) -> Offer:
    price = MachinePrice(per_hour=usd, date=DAY, source="https://example.org")
    made = Machine(
        name=name,
        gpu=gpu,
        gpu_told=gpu,
        count=count,
        link=link,  # type: ignore[arg-type]
        prices=(price,),
        source="https://example.org",
    )
    return Offer("p", "P", made)


def chosen(model: str, *offers: Offer, **options: Any) -> list[tuple[str, int]]:
    found = rent(api.load_model(model), offers, catalogue().gpus.get, Wanted(as_of=DAY), **options)
    return [(r.offer.machine.name, r.machines) for r in found.options]


def test_what_does_not_suit_stands_behind_what_does_whatever_it_costs() -> None:
    eight, four = box("eight", "rtx-a4000", 8, 1.0, "pcie"), box("four", "rtx-a6000", 4, 9.0, "pcie")
    found = rent(api.load_model("mixtral-8x7b"), [eight, four], catalogue().gpus.get, Wanted(as_of=DAY))
    assert [(r.offer.machine.name, r.unsuited) for r in found.options] == [
        ("four", None),
        ("eight", "more than 4 GPUs over PCIe"),
    ]
    assert found.cheapest is not None
    assert found.cheapest.offer.machine.name == "four"
    rows = [" ".join(row) for row in rent_told(found).blocks[0].rows]  # type: ignore[union-attr]
    assert rows[1].startswith("1 × eight * ")
    assert "tensor parallel 8 (tight, more than 4 GPUs over PCIe)" in rows[1]
    assert any(line.startswith("* Listed behind the others") for line in rent_remarks(found))
    # Better than nothing.
    alone = rent(api.load_model("mixtral-8x7b"), [eight], catalogue().gpus.get, Wanted(as_of=DAY))
    assert "(more than 4 GPUs over PCIe: see below)" in rent_headline(alone)


@pytest.mark.parametrize(
    ("gpu", "count", "link", "layout"),
    [
        # Bridges join pairs of PCIe cards, not eight.
        ("a100-pcie-80gb", 8, "nvlink", "tensor parallel 4"),
        ("rtx-a6000", 8, "pcie", "tensor parallel 4"),
        ("rtx-a6000", 8, None, "tensor parallel 4"),
        ("a100-80gb", 8, "nvlink", "tensor parallel 8"),
    ],
)
def test_the_layout_suits_the_machine(gpu: str, count: int, link: str | None, layout: str) -> None:
    found = rent(api.load_model("mixtral-8x7b"), [box("b", gpu, count, 1.0, link)], catalogue().gpus.get, Wanted())
    assert found.options[0].unsuited is None
    assert found.options[0].memory.layout.describe() == layout
    if layout == "tensor parallel 4":
        _, _, gpus, shape, *_ = rent_row(found.options[0])
        assert gpus == f"4 of 8 × {gpu}"
        # Short enough to stand on one line: the part of the machine that is used stands before its GPUs.
        assert shape == layout


def test_a_cluster_needs_a_fast_link_and_few_stages() -> None:
    small = box("small", "h100-80gb", 1, 1.0)
    found = rent(api.load_model("mixtral-8x7b"), [small], catalogue().gpus.get, Wanted(as_of=DAY))
    assert found.options[0].machines > 1
    assert found.options[0].unsuited == "machines without a fast link"
    assert unsuited(Layout(2, 5), joined=True) == "more than 4 stages"
    assert unsuited(Layout(8, 2), joined=True) is None
    assert unsuited(Layout(4, 1, 2), joined=False) is None
    assert unsuited(Layout(4, 1, 2, True), joined=False) == "more than 4 GPUs over PCIe"


def test_a_million_tokens_have_a_price_where_the_speed_is_known(mixtral: Rentals) -> None:
    first = mixtral.options[0]
    assert first.cost is not None
    told = api.speed("mixtral-8x7b", gpu=first.gpu, tensor_parallel_size=4).speed
    assert told is not None
    assert first.model_dump()["usd_per_million_tokens"] == pytest.approx(
        (first.price_hour_usd or 0) / told.tokens_per_second.about / 3600 * 1e6, rel=1e-3
    )
    assert any("1,024 tokens in and 256 out" in line for line in rent_remarks(mixtral))
    many = rentals("mixtral-8x7b", users=32, context=8192, provider="lambda").options[0]
    assert many.cost is not None
    assert many.cost.per_million < first.cost.per_million


def test_one_machine_does_not_and_several_do_not() -> None:
    offers = [box("t4", "t4", 1, 1.0), box("big", "h200", 8, 9.0, "nvlink")]
    found = rent(api.load_model("deepseek-r1"), offers, catalogue().gpus.get, Wanted(as_of=DAY))
    lines = list(rent_remarks(found))
    assert "1 machine does not carry it in any number up to 64 GPUs." in lines
    assert (amount(1, "kind", more=True), amount(12, "machine")) == ("1 more kind", "12 machines")


def test_a_cluster_of_whole_nodes_is_listed_and_one_of_boxes_is_not() -> None:
    nodes, boxes = box("node", "h100-80gb", 8, 20.0, "nvlink"), box("box", "rtx-a6000", 8, 1.0, "pcie")
    alone = box("alone", "h200", 8, 30.0, "nvlink")
    assert chosen("deepseek-r1", nodes, boxes, alone) == [("alone", 1), ("node", 2)]
    assert ("box", 3) in chosen("deepseek-r1", nodes, boxes, alone, everything=True)
    # Better than nothing.
    assert chosen("deepseek-r1", boxes) == [("box", 3)]


def test_all_gpus_of_a_machine_are_used_where_a_layout_allows() -> None:
    found = rent(api.load_model("mixtral-8x7b"), [box("b", "rtx-a6000", 4, 1.0)], catalogue().gpus.get, Wanted())
    assert found.options[0].memory.layout.tensor_parallel_size == 4


def test_of_machines_alike_at_one_provider_the_cheapest_is_listed() -> None:
    offers = [box("small", "l40s", 4, 2.0), box("large", "l40s", 4, 3.0), box("two", "l40s", 8, 4.0)]
    assert chosen("mixtral-8x7b", *offers) == [("small", 1), ("two", 1)]


def test_a_plan_names_the_machines_asked_for_or_the_cheapest() -> None:
    plan = api.size("mixtral-8x7b", machine="gpu_4x_a6000")
    assert plan.gpu_count == 3
    told = plan.model_dump()["machines"]
    assert {k: told[k] for k in ("provider", "machine", "count", "gpus_each", "price_hour_usd", "as_of")} == {
        "provider": "lambda",
        "machine": "gpu_4x_a6000",
        "count": 1,
        "gpus_each": 4,
        "price_hour_usd": 4.36,
        "as_of": "2026-09-20",
    }
    free = rented(api.size("mixtral-8x7b", gpu="a6000"))
    assert free is not None
    assert free.doubt is None
    assert free.gpus_each >= 3
    assert api.size("deepseek-r1", gpu="l4", max_gpus=8).model_dump()["machines"] is None


def test_more_than_a_machine_holds_takes_several() -> None:
    rental = rented(api.size("deepseek-r1", machine="p5.48xlarge"))
    assert rental is not None
    assert (rental.machines, rental.memory.layout.gpu_count) == (2, 16)
    assert rental.price_hour_usd == pytest.approx(2 * 55.04)


def test_a_machine_stands_for_its_gpus() -> None:
    fit = api.fits_on("llama-3-70b", machine="p4d.24xlarge")
    assert (fit.model_dump()["gpu"], fit.gpu_count) == ("a100-40gb", 8)
    assert api.longest_context("llama-3-8b", machine="g5.12xlarge").gpu_count == 4
    assert api.most_users("llama-3-8b", machine="g5.12xlarge", context=8192).gpu_count == 4
    assert api.what_fits(machine="g6e.12xlarge", context=8192).gpu_count == 4
    told = api.estimate("mixtral-8x7b", machine="gpu_4x_a6000", tensor_parallel_size=4)
    assert told.model_dump()["machines"]["count"] == 1
    slice_ = api.fits_on("llama-3-8b", machine="Standard_NV6ads_A10_v5")
    assert not slice_.fits
    assert slice_.model_dump()["gpu"] == "a10-4gb"


def test_what_a_machine_has_must_be_known() -> None:
    with pytest.raises(RequestError, match="say --gpu h100-80gb or h100-pcie"):
        api.size("mixtral-8x7b", machine="paperspace/H100")
    with pytest.raises(RequestError, match="not both"):
        api.size("mixtral-8x7b", gpu="h100", machine="p5")


def test_the_answer_in_words(mixtral: Rentals) -> None:
    first = mixtral.options[0]
    assert rent_headline(mixtral) == (
        f"Cheapest for Mixtral 8x7B: {first.offer.machine.name} of RunPod (4 × NVIDIA A40), "
        "$1.76 an hour, $1,285 a month (price of 2026-08-19)."
    )
    assert any("730 hours" in line for line in rent_remarks(mixtral))
    assert "Nothing that is known to be rented out for $0.01" in rent_headline(rentals("mixtral-8x7b", max_price=0.01))


def test_every_spec_of_a_machine_can_be_asked() -> None:
    asked = {o.machine.seen_gpu for o in fleet().all() if o.machine.seen_gpu}
    assert all(catalogue().gpus.get(gpu).visible_bytes > 0 for gpu in asked)
