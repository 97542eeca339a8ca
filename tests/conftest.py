"""What every test shares: run-time type checks and fixed seeds."""

import os

# Before torch is imported. One thread each, since the suite runs in several processes; no
# scripting, since geoopt's scripted functions differ in the last bit between two calls.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("PYTORCH_JIT", "0")

from jaxtyping import config, install_import_hook

# Before geolatent is imported: beartype then checks every annotated shape while the tests run. The
# "tower" of PEP 484: an int will do where a float is asked for, as it does for mypy and for users.
install_import_hook(
    "geolatent", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)

import random

import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def seed() -> int:
    """Fix every global random state before every test."""
    value = 20240817
    random.seed(value)
    np.random.seed(value)
    torch.manual_seed(value)
    return value


@pytest.fixture(autouse=True)
def unchanged_defaults():
    """No test, and nothing it calls, may leave another default dtype behind."""
    before = torch.get_default_dtype()
    yield
    after = torch.get_default_dtype()
    torch.set_default_dtype(before)
    assert after == before, f"default dtype was changed from {before} to {after}"


@pytest.fixture
def as_in_production():
    """Without run-time type checks: what a user's mistake meets are our own messages."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.fixture
def cell_file(tmp_path):
    """A small file in the form of scanpy's blood cells, and the counts that are in it."""
    import h5py

    random = np.random.default_rng(0)
    cells, genes = 40, 12
    counts = random.negative_binomial(1, 0.2, size=(cells, genes))
    depth = counts.sum(1) + random.integers(500, 5000, cells)
    logarithms = np.log1p(1e4 * counts / depth[:, None]).round(3)
    row, column = counts.nonzero()
    kinds = [("bulk_labels", "i1"), ("n_counts", "<f4"), ("phase", "i1"), ("louvain", "i1")]
    about = np.zeros(cells, dtype=kinds)
    about["n_counts"] = depth
    names = {"bulk_labels": ["CD19+ B", "CD34+", "Dendritic"], "phase": ["G1", "S"]}
    names["louvain"] = ["0", "1"]
    file = tmp_path / "cells.h5ad"
    with h5py.File(file, "w") as store:
        raw = store.create_group("raw.X")
        raw.attrs["h5sparse_shape"] = (cells, genes)
        raw["data"] = logarithms[row, column].astype(np.float32)
        raw["indices"] = column.astype(np.int32)
        raw["indptr"] = np.searchsorted(row, np.arange(cells + 1)).astype(np.int32)
        store["raw.var"] = np.array([(f"G{k}",) for k in range(genes)], dtype=[("index", "S8")])
        for kind, values in names.items():
            about[kind] = np.arange(cells) % len(values)
            store[f"uns/{kind}_categories"] = np.array(values, dtype="S30")
        store["obs"] = about
    return file, counts
