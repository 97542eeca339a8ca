"""An audit that the tests of its page share."""

import pytest
import torch

from geolatent.assumptions import Evidence, audit


@pytest.fixture(scope="session")
def report():
    """Of a bent decoder of small pictures: one claim is not applicable, the others are measured."""
    torch.manual_seed(1)
    decoder = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 12))
    with torch.no_grad():
        decoder[0].weight *= 4
    codes = torch.randn(80, 2)
    return audit(
        decoder.eval().requires_grad_(False),
        codes,
        labels=torch.arange(80) % 3,
        assumptions=["solver-converged", "straight-lines", "tree-like"],
        evidence=Evidence(trained=True),
        image_shape=(3, 4),
        label_names=("ape", "bee"),
    )
