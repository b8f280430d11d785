"""Machines that can be rented: the catalogue against what providers tell, finding by name, a user's own prices."""

from __future__ import annotations

import csv
import datetime
from collections import Counter
from pathlib import Path

import pytest

from gpu_sizer.cards.catalogue import catalogue, data_folder
from gpu_sizer.cards.fleet import Fleet, fleet
from gpu_sizer.cards.loading import adapter, kind_of
from gpu_sizer.cards.machine import Machine, MachinePrice, Offer, Provider
from gpu_sizer.cards.machine_files import check_gpus, load_provider, providers
from gpu_sizer.errors import CardError, UnknownMachineError

MACHINES = Path(data_folder("gpu_specs")) / "machines"
OFFERS = fleet().all()
#: A "24 GB" card told as 24e9 bytes is 22888 MiB, 7 % less than the same told as 24 GiB.
UNITS_APART = 0.072


def test_the_catalogue_reaches_as_far_as_it_says() -> None:
    assert len(OFFERS) >= 400
    known = {o.provider for o in OFFERS}
    wanted = {"aws", "gcp", "azure", "oci", "lambda", "massedcompute", "nebius", "runpod", "hyperstack", "verda"}
    assert wanted | {"digitalocean", "vultr", "coreweave", "crusoe"} <= known


def test_every_gpu_is_a_spec_or_said_to_be_unknown() -> None:
    check_gpus(providers([str(MACHINES)]).values(), catalogue().gpus.files)
    for offer in OFFERS:
        if offer.machine.gpu is None:
            assert offer.machine.trap, f"{offer.key}: nothing says why its GPU is not known"


def test_memory_is_what_the_provider_tells_or_the_trap_is_named() -> None:
    checked = 0
    for offer in OFFERS:
        machine = offer.machine
        if machine.seen_gpu is None or machine.gpu_memory_gib is None:
            continue
        ours = machine.gpu_count * catalogue().gpus.get(machine.seen_gpu).memory.marketed_gb
        told = machine.gpu_count * machine.gpu_memory_gib
        checked += 1
        if abs(ours - told) / ours > UNITS_APART:
            assert machine.trap, f"{offer.key}: {ours} GB by our spec, {told:g} by the provider, and no trap says why"
    # The others are told by the GPU's name alone.
    assert checked >= 350


def test_shapes_and_prices_are_what_a_second_source_tells() -> None:
    with (Path(__file__).parent / "second_sources.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    counted = [row for row in rows if row["count"]]
    assert len(counted) >= 60
    known = {o.key: o for o in OFFERS}
    for row in rows:
        offer = known[row["machine"]]
        machine = offer.machine
        assert machine.second_source is not None
        assert machine.second_source.split("/")[3:5] != machine.source.split("/")[3:5], f"{offer.key}: the same source"
        told = {"count": machine.count, "vcpus": machine.vcpus, "memory_gib": machine.memory_gib}
        for key, ours in told.items():
            if row[key] and ours is not None and ours != pytest.approx(float(row[key]), rel=0.02):
                assert machine.trap, (
                    f"{offer.key}: {key} {ours}, the second source has {row[key]}, and no trap says why"
                )
        if row["price_hour_usd"] and (price := offer.price(region="us-east-1")) is not None:
            assert price.usd_per_hour == pytest.approx(float(row["price_hour_usd"]), rel=0.005), offer.key
    # What has a second source is in the table.
    assert {o.key for o in OFFERS if o.machine.second_source} == {row["machine"] for row in rows}


@pytest.mark.parametrize(
    ("name", "gpu", "count"),
    [
        # https://aws.amazon.com/ec2/instance-types, Microsoft's and Google's pages of machine types, by name.
        ("p4d.24xlarge", "a100-40gb", 8),
        ("p5.48xlarge", "h100-80gb", 8),
        ("g5.12xlarge", "a10g", 4),
        ("g5.16xlarge", "a10g", 1),
        ("Standard_ND96isr_H100_v5", "h100-80gb", 8),
        ("Standard_NC48ads_A100_v4", "a100-pcie-80gb", 2),
        ("Standard_NC80adis_H100_v5", "h100-nvl", 2),
        ("a2-highgpu-8g", "a100-40gb", 8),
        ("a2-megagpu-16g", "a100-40gb", 16),
        ("gpu_4x_a6000", "rtx-a6000", 4),
        ("BM.GPU.MI300X.8", "mi300x", 8),
    ],
)
def test_counts_are_not_in_the_digits(name: str, gpu: str, count: int) -> None:
    machine = fleet().find(name).machine
    assert (machine.gpu, machine.count) == (gpu, count)


@pytest.mark.parametrize(
    ("name", "part", "gib"),
    [("Standard_NV6ads_A10_v5", 1 / 6, 4), ("Standard_NV18ads_A10_v5", 1 / 2, 12), ("g6f.xlarge", 1 / 8, 2.79)],
)
def test_a_slice_is_sized_by_its_own_memory(name: str, part: float, gib: float) -> None:
    machine = fleet().find(name).machine
    assert machine.count == pytest.approx(part, abs=1e-4)
    assert machine.gpu_count == 1
    assert machine.slice is not None
    assert catalogue().gpus.get(machine.slice).visible_bytes <= gib * 2**30


@pytest.mark.parametrize(
    ("spelling", "key"),
    [
        ("P5.48XLARGE", "aws/p5.48xlarge"),
        ("p5", "aws/p5.48xlarge"),
        ("p4de", "aws/p4de.24xlarge"),
        ("ND96isr_H100_v5", "azure/Standard_ND96isr_H100_v5"),
        ("Standard ND96isr H100 v5", "azure/Standard_ND96isr_H100_v5"),
        ("a3 mega", "gcp/a3-megagpu-8g"),
        ("lambda/gpu_1x_a100", "lambda/gpu_1x_a100"),
        ("massed compute/gpu_1x_a100", "massedcompute/gpu_1x_a100"),
    ],
)
def test_names_are_found_in_the_spellings_people_use(spelling: str, key: str) -> None:
    assert fleet().find(spelling).key == key


def test_a_name_that_two_providers_share_is_asked_back() -> None:
    with pytest.raises(UnknownMachineError) as caught:
        fleet().find("gpu_1x_a100")
    assert caught.value.kind == "ambiguous"
    assert caught.value.suggestions == ("lambda/gpu_1x_a100", "massedcompute/gpu_1x_a100")
    assert fleet().find("gpu_1x_a100", provider="Lambda Labs").machine.gpu == "a100-pcie-40gb"


@pytest.mark.parametrize(
    ("name", "provider", "said"),
    [
        ("p5.47xlarge", None, "did you mean aws/p5"),
        ("p5.48xlarge", "azur", "did you mean azure"),
        ("p5.48xlarge", "lambda", "unknown machine"),
    ],
)
def test_an_unknown_name_is_told_with_near_ones(name: str, provider: str | None, said: str) -> None:
    with pytest.raises(UnknownMachineError, match=said):
        fleet().find(name, provider)


def test_names_mean_one_machine_but_for_those_that_are_known_to_be_shared() -> None:
    shared = {name: keys for name, keys in fleet().index.items() if len(keys) > 1}
    for keys in shared.values():
        assert Counter(k.partition("/")[0] for k in keys).most_common(1)[0][1] == 1, keys
        assert {k.partition("/")[0] for k in keys} == {"lambda", "massedcompute"}


DAY = datetime.date(2026, 11, 30)


def price(**changes: object) -> MachinePrice:
    values = {"per_hour": 2.0, "date": datetime.date(2026, 10, 1), "source": "https://example.org"}
    return MachinePrice(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "doubt"),
    [
        (price(), None),
        (price(date=None), "undated"),
        (price(superseded=True), "superseded"),
        (price(currency=None), "currency not told"),
        (price(currency="EUR"), "in EUR"),
        (price(date=datetime.date(2025, 11, 29)), "over a year old"),
    ],
)
def test_a_price_that_cannot_be_compared_says_why(made: MachinePrice, doubt: str | None) -> None:
    assert made.doubt(DAY) == doubt
    assert made.is_current(DAY) == (doubt is None)


def offer(*prices: MachinePrice) -> Offer:
    machine = Machine(name="m", gpu="l4", gpu_told="L4", count=1, prices=prices, source="https://example.org")
    return Offer("p", "P", machine)


def test_a_current_price_goes_before_a_lower_old_one() -> None:
    both = offer(price(per_hour=1.0, date=None), price(per_hour=2.0), price(per_hour=0.5, kind="spot"))
    assert both.price(as_of=DAY) == price(per_hour=2.0)
    assert both.price(("spot",)) == price(per_hour=0.5, kind="spot")
    assert offer(price(region="us-east-1")).price(region="eu") is None
    assert offer(price(region=None)).price(region="eu") is not None


FILE = """
provider: mine
name: Mine
machines:
  - name: box
    gpu: rtx-3090
    gpu_told: RTX 3090
    count: 2
    prices:
      - {per_hour: 1.5, date: 2026-11-01, source: an invoice}
    source: the box itself
sources:
  - {url: https://example.org, facts: All}
"""


@pytest.mark.parametrize(
    ("change", "key", "reason"),
    [
        (("count: 2", "count: 2.5"), "machines.0", "whole numbers"),
        (("count: 2", "count: 0.5"), "machines.0", "names the spec of its slice"),
        (("per_hour", "per_hours"), "machines.0.prices.0.per_hours", "did you mean 'per_hour'"),
        (("    gpu_told: RTX 3090\n", ""), "machines.0.gpu_told", "missing"),
        (("per_hour: 1.5", "per_hour: -1"), "machines.0.prices.0.per_hour", "greater than 0"),
    ],
)
def test_a_mistake_in_a_file_is_told_by_key(tmp_path: Path, change: tuple[str, str], key: str, reason: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(FILE.replace(*change))
    assert kind_of(file) is Provider
    with pytest.raises(CardError, match=reason) as caught:
        load_provider(file)
    assert caught.value.key == key


def test_a_spec_that_is_not_there_is_refused() -> None:
    made = adapter(Provider).validate_python(
        {
            "provider": "p",
            "name": "P",
            "machines": [{"name": "m", "gpu": "rtx-9999", "gpu_told": "x", "count": 1, "source": "s"}],
            "sources": [{"url": "https://example.org", "facts": "All"}],
        }
    )
    with pytest.raises(CardError, match="no GPU spec is called 'rtx-9999'"):
        check_gpus([made], catalogue().gpus.files)


def test_a_later_folder_adds_machines_and_replaces_those_of_the_same_name(tmp_path: Path) -> None:
    newer = FILE.replace("provider: mine\nname: Mine", "provider: aws\nname: AWS").replace(
        "name: box", "name: p5.48xlarge"
    )
    (tmp_path / "aws.yaml").write_text(newer)
    (tmp_path / "mine.yaml").write_text(FILE)
    found = Fleet((str(MACHINES), str(tmp_path)))
    assert found.find("box").key == "mine/box"
    assert found.find("p5.48xlarge").machine.gpu == "rtx-3090"
    assert found.find("p4d").machine.gpu == "a100-40gb"
    assert len(found.all()) == len(OFFERS) + 1
    assert [o.key for o in found.of_gpu("rtx-3090") if o.provider == "mine"] == ["mine/box"]
