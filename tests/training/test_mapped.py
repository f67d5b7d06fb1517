from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch

from assay.errors import DataError, NotFoundError
from assay.training import mapped as mapping
from assay.training.batches import Data, Tensors, stream
from assay.training.mapped import Mapped
from assay.training.order import Order


def saved(folder: Path, **arrays: Any) -> dict[str, Path]:
    paths = {name: folder / f"{name}.npy" for name in arrays}
    for name, array in arrays.items():
        np.save(paths[name], array)
    return paths


def images(folder: Path, n: int = 300) -> tuple[Mapped, Tensors]:
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8)
    y, w = random.integers(0, 10, n), random.random(n).astype(np.float32)
    paths = saved(folder, x=x, y=y, w=w)
    held = Tensors(torch.from_numpy(x), torch.from_numpy(y), torch.from_numpy(w))
    return Mapped(paths["x"], paths["y"], paths["w"], block=16), held


@pytest.mark.parametrize("epoch", [None, 0])
def test_batches_of_mapped_images_are_those_of_images_in_memory(
    tmp_path: Path, epoch: int | None
) -> None:
    mapped, held = images(tmp_path)
    assert isinstance(mapped, Data)
    order = Order(len(mapped), mapped.block, 0, epoch)
    pairs = zip(stream(mapped, order, 32), stream(held, order, 32), strict=True)
    for ours, wanted in pairs:
        assert ours.inputs.dtype == torch.uint8
        for one, other in zip(ours, wanted, strict=True):
            assert torch.equal(one, other)


def test_a_batch_may_be_changed_and_the_file_stays_as_it_is(tmp_path: Path) -> None:
    mapped, held = images(tmp_path)
    before = (tmp_path / "x.npy").read_bytes()
    for batch in stream(mapped, Order(len(mapped), 1, 0, None), 32):
        batch.inputs.fill_(7)
    assert torch.equal(mapped.take(torch.arange(300)).inputs, held.inputs)
    assert (tmp_path / "x.npy").read_bytes() == before


def large(folder: Path, patched: pytest.MonkeyPatch, block: int) -> tuple[Mapped, Tensors]:
    """Rows that are taken for too many to be mapped as they are, of 192 bytes and 12 more."""
    patched.setattr(mapping, "SMALL_BYTES", 0)
    patched.setattr(mapping, "BLOCK_BYTES", 1 << 10)
    _, held = images(folder)
    paths = [folder / f"{name}.npy" for name in "xyw"]
    return Mapped(*paths, block=block), held


def same(mapped: Mapped, held: Tensors, batch_size: int = 32) -> None:
    for epoch in (None, 0):
        order = Order(len(mapped), mapped.block, 0, epoch)
        pairs = zip(stream(mapped, order, batch_size), stream(held, order, batch_size), strict=True)
        for ours, wanted in pairs:
            for one, other in zip(ours, wanted, strict=True):
                assert torch.equal(one, other)


@pytest.mark.parametrize("block", [1, 16, 100, 300])
@pytest.mark.parametrize("most", [0, 5_000, 20_000, 1 << 25])
def test_what_is_held_is_bounded_in_bytes_whatever_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, most: int
) -> None:
    """Beyond, rows come from the mapping, and are the same."""
    monkeypatch.setattr(mapping, "HELD_BYTES", most)
    monkeypatch.setattr(mapping, "WINDOW_BYTES", 1)
    mapped, held = large(tmp_path, monkeypatch, block)
    same(mapped, held)
    assert mapped._held is not None
    taken = sum(each.nbytes for each in mapped._held.rows.values())
    assert taken <= max(most, 32 * (192 + 12))
    together = max(block, 5)
    assert taken <= -(-300 // together) * together * (192 + 12)


def test_a_batch_of_rows_that_are_blocks_themselves_is_held_however_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping, "HELD_BYTES", 1000)
    mapped, held = large(tmp_path, monkeypatch, 1)
    mapped._read_together = 1
    index = torch.tensor([5, 299, 0, 17, 100, 3, 3])
    for rows in (index, index[:2], index):
        assert torch.equal(mapped.take(rows).inputs, held.inputs[rows])
    assert mapped._held is not None
    assert mapped._held.positions(index) is not None
    assert sum(each.nbytes for each in mapped._held.rows.values()) == 6 * (192 + 12)


def test_without_preadv_the_same_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(mapping.os, "preadv", raising=False)
    mapped, held = large(tmp_path, monkeypatch, 16)
    same(mapped, held)
    again: Mapped = pickle.loads(pickle.dumps(mapped))
    (tmp_path / "x.npy").write_bytes((tmp_path / "x.npy").read_bytes()[:-1])
    with pytest.raises(DataError, match=r"x.npy ends before row 300\."):
        again.take(torch.tensor([299]))


def test_it_travels_to_another_process_by_the_names_of_its_files(tmp_path: Path) -> None:
    mapped, _ = images(tmp_path)
    packed = pickle.dumps(mapped)
    assert len(packed) < 1000
    again, index = pickle.loads(packed), torch.tensor([5, 299, 0])
    assert again.block == mapped.block
    assert torch.equal(again.take(index).inputs, mapped.take(index).inputs)


def test_columns_of_a_table_become_numbers_codes_targets_and_weights(tmp_path: Path) -> None:
    table = pa.table({
        "a": [0.5, None, 2.0], "b": [1, 2, 3], "k": [2, 0, 1], "y": [0, 1, 1], "w": [1.0, 2.0, 3.0]
    })  # fmt: skip
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(table, path)
    mapped = Mapped.of_table(
        path, inputs=["a", "b"], codes=["k"], targets="y", weights="w", folder=tmp_path / "kept"
    )
    (numbers, codes), targets, weights = mapped.take(torch.tensor([2, 1]))
    assert numbers.tolist()[0] == [2.0, 3.0]
    assert numbers[1].isnan().tolist() == [True, False]
    assert (codes.tolist(), targets.tolist()) == ([[1], [0]], [1, 1])
    assert weights is not None
    assert weights.tolist() == [3.0, 2.0]
    plain = Mapped.of_table(path, inputs=["b"], targets=["y", "w"], folder=tmp_path / "kept")
    inputs, several, none = plain.take(torch.arange(3))
    assert (inputs.tolist(), none) == ([[1.0], [2.0], [3.0]], None)
    assert several.tolist() == [[0.0, 1.0], [1.0, 2.0], [1.0, 3.0]]


def test_small_tables_are_shuffled_as_a_whole_and_large_ones_by_blocks(tmp_path: Path) -> None:
    small, _ = images(tmp_path)
    assert Mapped(tmp_path / "x.npy", tmp_path / "y.npy").block == 1
    assert small.window == (1 << 20) // (3 * 8 * 8 + 8 + 4)
    large = tmp_path / "large.npy"
    rows = 100_000
    np.lib.format.open_memmap(large, "w+", np.float32, (rows, 256)).flush()  # pages of nothing
    mapped = Mapped(large, torch.zeros(rows))
    assert mapped.block == (1 << 18) // (256 * 4 + 4)
    order = Order(rows, mapped.block, 0, 0)
    assert sum(len(batch.targets) for batch in stream(mapped, order, 512)) == rows


def test_more_than_the_machine_has_memory_can_be_mapped(tmp_path: Path) -> None:
    path, n = tmp_path / "huge.npy", 2**40 // 4096
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (n, 1024)}
        np.lib.format.write_array_header_2_0(file, header)
        file.truncate(file.tell() + 2**40)
    mapped = Mapped(path, path)
    assert mapped.take(torch.tensor([n - 1, 0])).inputs.sum() == 0


_TRAINING = """
import sys, torch
from pathlib import Path
from assay.training.batches import stream
from assay.training.mapped import Mapped
from assay.training.order import Order

def resident(kind):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) * 1024

torch.set_num_threads(1)
for folder in sys.argv[1:]:
    mapped = Mapped(Path(folder) / "x.npy", Path(folder) / "y.npy")
    before = {kind: resident(kind) for kind in ("RssAnon", "RssFile")}
    most, seen = dict(before), 0
    for number, batch in enumerate(stream(mapped, Order(len(mapped), mapped.block, 0, 0), 1024)):
        seen += int(batch.targets.sum())
        for kind in most if number % 8 == 0 else ():
            most[kind] = max(most[kind], resident(kind))
    print(seen, *[most[kind] - before[kind] for kind in most])
    del mapped
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read memory from")
def test_resident_memory_is_flat_in_the_number_of_rows(tmp_path: Path) -> None:
    """Anonymous memory, and pages of mapped files, which the system could take back at any time."""
    rows = (160_000, 640_000)
    for n in rows:
        folder = tmp_path / str(n)
        folder.mkdir()
        np.lib.format.open_memmap(folder / "x.npy", "w+", np.float32, (n, 126)).flush()
        np.save(folder / "y.npy", np.ones(n, dtype=np.int64))
    command = [sys.executable, "-c", _TRAINING, *[str(tmp_path / str(n)) for n in rows]]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    few, many = (tuple(map(int, line.split())) for line in said.splitlines())
    assert (few[0], many[0]) == rows
    assert many[1] - few[1] < 8 * 2**20
    assert many[2] - few[2] < 64 * 2**20
    assert many[1] + many[2] < 200 * 2**20


def test_files_that_cannot_be_mapped_are_refused(tmp_path: Path) -> None:
    paths = saved(
        tmp_path, y=np.zeros(4), short=np.zeros(3), askew=np.asfortranarray(np.zeros((4, 2))),
        foreign=np.zeros(4, ">f4"),
    )  # fmt: skip
    with pytest.raises(NotFoundError, match="no file"):
        Mapped(tmp_path / "none.npy", paths["y"])
    with pytest.raises(DataError, match=r"different numbers of rows: \[3, 4\]"):
        Mapped(paths["short"], paths["y"])
    for name in ("askew", "foreign"):
        with pytest.raises(DataError, match="do not lie together"):
            Mapped(paths[name], paths["y"])
    torn = tmp_path / "torn.npy"
    torn.write_bytes(paths["y"].read_bytes()[:-8])
    with pytest.raises(DataError, match="cannot be mapped"):
        Mapped(torn, paths["y"])
    torn.write_bytes(b"")
    with pytest.raises(DataError, match="cannot be mapped"):
        Mapped(torn, paths["y"])
    np.save(torn, np.array([None, 1], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be mapped"):
        Mapped(torn, paths["y"])
