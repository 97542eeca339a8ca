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
