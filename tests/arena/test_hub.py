"""``update arena`` from the hub: the client is a stand-in that hands out a local file of the dataset's form."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpu_sizer.arena.history import read_history
from gpu_sizer.arena.own import DATASET, DATASET_FILE, from_hub
from gpu_sizer.errors import RequestError
from tests.arena.test_progress import ROWS


def _client(monkeypatch: pytest.MonkeyPatch, **names: object) -> None:
    stand_in = SimpleNamespace(**names)
    monkeypatch.setitem(sys.modules, "huggingface_hub", stand_in)  # type: ignore[arg-type]


def test_the_datasets_own_file_is_fetched_and_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = tmp_path / "full-00000-of-00001.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), file)
    asked: list[tuple[str, str, str]] = []

    def download(repository: str, name: str, *, repo_type: str) -> str:
        asked.append((repository, name, repo_type))
        return str(file)

    _client(monkeypatch, hf_hub_download=download)
    taken = from_hub()
    assert asked == [(DATASET, DATASET_FILE, "dataset")]
    assert (taken.category, taken.days, taken.first, taken.last) == ("overall", 1, "2026-10-02", "2026-10-02")
    kept = tmp_path / "kept.csv"
    kept.write_bytes(taken.content)
    assert read_history(kept).at().scores == {"a": 1400.5}


def test_a_hub_out_of_reach_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(repository: str, name: str, *, repo_type: str) -> str:
        raise OSError("no route to host")

    _client(monkeypatch, hf_hub_download=download)
    with pytest.raises(RequestError, match=f"{DATASET} cannot be had .OSError.; save its {DATASET_FILE}"):
        from_hub()


def test_without_the_client_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=r"pip install 'gpu-sizer\[hub,parquet\]'"):
        from_hub()
