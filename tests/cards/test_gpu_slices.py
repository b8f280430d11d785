"""Slices of GPUs: specs that follow from a table of profiles and the whole GPU's spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpu_sizer import estimate, load_gpu, size, which_gpu
from gpu_sizer.cards.catalogue import Catalogue, catalogue
from gpu_sizer.cards.checking import check_file
from gpu_sizer.cards.gpu_slices import Slices
from gpu_sizer.cards.loading import load_card
from gpu_sizer.errors import CardError, UnknownGpuError

SLICES = [g for g in catalogue().gpus.all() if g.slice_of is not None]
#: GiB that NVIDIA's guide prints for A100-SXM4-40GB, and its engineers for H200 (mig-parted 120) and B200 (187).
PRINTED = [
    ("a100-40gb-1g.5gb", 4.75),
    ("a100-40gb-3g.20gb", 19.62),
    ("a100-pcie-40gb-3g.20gb", 19.62),
    ("a100-80gb-3g.40gb", 39.25),
    ("h100-80gb-1g.10gb", 9.75),
    ("h200-3g.71gb", 69.5),
    ("b200-1g.23gb", 20.5),
]


@pytest.mark.parametrize(("identity", "gib"), PRINTED)
def test_a_slice_has_the_memory_that_is_printed_for_its_profile(identity: str, gib: float) -> None:
    memory = load_gpu(identity).memory
    assert (memory.visible_mib, memory.visible_basis) == (gib * 1024, "derived")


@pytest.mark.parametrize("spec", SLICES, ids=lambda s: s.id)
def test_a_slice_is_a_part_of_its_whole(spec: object) -> None:
    from gpu_sizer.cards.gpu_spec import GpuSpec

    assert isinstance(spec, GpuSpec)
    whole = load_gpu(str(spec.slice_of))
    assert whole.is_whole
    assert (spec.vendor, spec.platform, spec.compute_capability) == (
        whole.vendor,
        whole.platform,
        whole.compute_capability,
    )
    assert spec.memory.visible_mib <= whole.memory.visible_mib
    for ours, theirs in (
        (spec.memory.bandwidth_gb_s, whole.memory.bandwidth_gb_s),
        (spec.compute.float16, whole.compute.float16),
    ):
        assert ours is None or theirs is None or ours <= theirs


@pytest.mark.parametrize("whole", ["a100-40gb", "a100-80gb", "h100-80gb", "h200", "b200"])
def test_seven_of_the_smallest_are_no_more_than_the_whole(whole: str) -> None:
    pieces = [g for g in SLICES if g.slice_of == whole]
    smallest = min(g.memory.visible_mib for g in pieces)
    assert 0.8 * load_gpu(whole).memory.visible_mib <= 8 * smallest <= 1.005 * load_gpu(whole).memory.visible_mib


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("A100 3g.40gb", "a100-80gb-3g.40gb"),
        ("a100-80gb-3g.40gb", "a100-80gb-3g.40gb"),
        ("NVIDIA H100 MIG 2g.20gb".removeprefix("NVIDIA "), "h100-80gb-2g.20gb"),
        ("mig-1g.23gb", "b200-1g.23gb"),
        ("H100 NVL 3g.47gb", "h100-nvl-3g.47gb"),
    ],
)
def test_a_slice_is_found_by_what_people_call_it(name: str, identity: str) -> None:
    assert load_gpu(name).id == identity


@pytest.mark.parametrize("name", ["A100 1g.10gb", "3g.40gb", "MIG 1g.10gb"])
def test_a_profile_of_several_gpus_is_asked_back(name: str) -> None:
    with pytest.raises(UnknownGpuError) as caught:
        load_gpu(name)
    assert caught.value.kind == "ambiguous"
    assert all(i.endswith(name.split()[-1]) for i in caught.value.suggestions)


def test_a_slice_works_alone() -> None:
    assert size("llama-3-8b", gpu="a100-80gb-3g.40gb").gpu_count == 1
    large = size("llama-3-70b", gpu="a100-80gb-3g.40gb")
    assert not large.fits
    assert "a slice of a GPU works alone" in str(large.reason)
    joined = estimate("llama-3-8b", gpu="a100-80gb-3g.40gb", tensor_parallel_size=2)
    assert not joined.fits
    assert "a slice of a GPU works alone" in str(joined.reason)


def test_slices_are_no_choice_unless_somebody_rents_them_out() -> None:
    shown = {c.plan.request.gpu.id for c in which_gpu("qwen3-0.6b", everything=True).options}
    assert "a10-4gb" in shown
    assert "a100-80gb-1g.10gb" not in shown
    assert "m2-ultra-192gb" not in shown


TABLE = """
slices_of: [a100-80gb]
family: A100
multiprocessors: 108
slices:
  - {profile: 5g.50gb, memory: 5/8, multiprocessors: 70}
sources:
  - {url: "https://example.org", facts: Profiles}
"""


def test_a_folder_of_ones_own_may_hold_profiles(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(TABLE, encoding="utf-8")
    found = Catalogue((str(tmp_path),)).gpu("a100-80gb-5g.50gb")
    assert found.memory.visible_mib == pytest.approx(81049.6 * 5 / 8 - 0.17 * 1024)
    assert found.memory.visible_basis == "estimated"
    check_file(tmp_path / "own.yaml", catalogue())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[a100-80gb]", "[a100-81gb]", "no GPU spec is called 'a100-81gb'"),
        ("5/8", "9/8", "a fraction of the memory is at most 1"),
        ("5/8", "half", "'half' is no fraction, as 4/8 is"),
        ("multiprocessors: 70", "multiprocessors: 170", "more multiprocessors than the whole"),
        ("5g.50gb", "3g.40gb", "'a100-80gb-3g.40gb' stands twice"),
    ],
)
def test_a_wrong_table_is_refused_in_a_sentence(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "own.yaml").write_text(TABLE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CardError, match=message):
        Catalogue((str(tmp_path),)).gpu("l4")


def test_the_shipped_tables_are_valid_files() -> None:
    folder = Path(catalogue().gpus.files["a30-1g.6gb"]).parent
    files = sorted(folder.glob("mig-*.yaml"))
    assert len(files) > 5
    for file in files:
        assert load_card(file, Slices).slices
