"""What is measured along paths, against closed forms."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from geolatent.interpolation import (
    MEASURES,
    NearestData,
    NeighbourClassifier,
    Profile,
    compare,
)
from geolatent.latents import CodingModel, EuclideanSpace
from geolatent.likelihoods import Gaussian, Poisson
from geolatent.metrics import EuclideanMetric, PullbackMetric
from geolatent.models import VAE, elbo
from geolatent.networks import MLP


class Turned(CodingModel):
    """A rotation into three dimensions whose encoder may be made wrong."""

    def __init__(self, shift: float = 0.0) -> None:
        self._frame = torch.linalg.qr(torch.randn(3, 2, dtype=torch.float64)).Q
        self._shift = shift

    def assumed_metric(self):
        return EuclideanMetric()

    def induced_metric(self):
        return PullbackMetric(self.decode)

    def decode(self, z):
        return z @ self._frame.mT

    def encode(self, x):
        return x @ self._frame + self._shift


@pytest.fixture
def ends():
    return torch.randn(2, 40, 2, dtype=torch.float64)


def test_cycle_error_of_an_exact_inverse_and_of_a_wrong_one(ends):
    exact = compare(Turned(), *ends).profiles["geodesic"].cycle_error
    assert exact.abs().max() < 1e-14
    wrong = compare(Turned(shift=0.3), *ends).profiles["geodesic"].cycle_error
    # Both coordinates are off by 0.3, spread over three features.
    torch.testing.assert_close(wrong, torch.full_like(wrong, math.sqrt(2 * 0.09 / 3)))


def test_second_differences_of_a_parabola(ends):
    def parabola(z):
        return torch.cat([z, z[..., :1].square()], -1)

    start, end = ends
    found = compare(parabola, start, end, paths=("linear",))
    bend = 2 * (end - start)[:, 0].square()  # the second derivative of the third feature
    acceleration = found.profiles["linear"].acceleration
    expected = (bend / 3**0.5)[:, None].expand(-1, 31)
    torch.testing.assert_close(acceleration, expected, atol=1e-9, rtol=1e-9)
    frame = found.to_frame()
    np.testing.assert_allclose(frame["second_differences"], bend / 3**0.5, atol=1e-9)


class TestEvidenceBound:
    def test_is_the_bound_of_what_is_decoded(self):
        model = VAE(
            MLP(5, 4, hidden=(8,)), EuclideanSpace(2), MLP(2, 5, hidden=(8,)), Gaussian(0.3)
        ).eval()
        start, end = torch.randn(2, 3, 2)
        state = torch.get_rng_state()
        found = compare(model, start, end, paths=("linear",)).profiles["linear"].evidence_bound
        assert torch.equal(torch.get_rng_state(), state)
        x = model.decode(torch.lerp(start, end, 0.5))
        with torch.no_grad():
            many = torch.stack([elbo(model, x).elbo() for _ in range(2000)])
        # Eight draws: within four of their standard errors.
        error = 4 * many.std(0) / 8**0.5
        assert ((found[:, 16] - many.mean(0)).abs() < error).all()
        again = compare(model, start, end, paths=("linear",)).profiles["linear"].evidence_bound
        assert torch.equal(found, again)

    def test_of_counts_is_left_out_with_the_reason(self):
        model = VAE(
            MLP(5, 4, hidden=(8,)), EuclideanSpace(2), MLP(2, 5, hidden=(8,)), Poisson()
        ).eval()
        found = compare(model, *torch.randn(2, 3, 2), paths=("linear",))
        assert found.profiles["linear"].evidence_bound is None
        assert "decoded means are no data" in found.left_out["evidence bound"]
        assert "least_evidence_bound" not in found.to_frame()


class TestClasses:
    """Two normal classes around ±1 on the first axis: p(right | x) = 1 / (1 + exp(−2 x / σ²))."""

    scale = 0.8

    def exact(self, x):
        right = torch.sigmoid(2 * x[:, 0] / self.scale**2)
        return torch.stack([1 - right, right], 1)

    def line(self):
        return torch.tensor([[-2.0, 0.0]]), torch.tensor([[2.0, 0.0]])

    def flat(self, z):
        return 1.0 * z

    def test_a_given_classifier(self):
        found = compare(self.flat, *self.line(), paths=("linear",), classifier=self.exact)
        x = torch.linspace(-2, 2, 33)
        expected = torch.sigmoid(2 * x / self.scale**2)
        torch.testing.assert_close(found.profiles["linear"].end_class_probability[0], expected)
        (row,) = found.to_frame().to_dict("records")
        assert row["least_purity"] == pytest.approx(0.5)
        assert row["third_classes"] == row["greatest_fall"] == 0

    def test_neighbours_estimate_it(self):
        centre = torch.where(torch.rand(20000) < 0.5, -1.0, 1.0)
        noise = self.scale * torch.randn(20000, 2)
        data = torch.stack([centre, torch.zeros(20000)], 1) + noise
        classifier = NeighbourClassifier(NearestData(data), centre.long(), neighbours=200)
        assert classifier.classes == ("-1", "1")
        found = compare(self.flat, *self.line(), paths=("linear",), classifier=classifier)
        expected = self.exact(torch.linspace(-2, 2, 33)[:, None])[:, 1]
        error = (found.profiles["linear"].end_class_probability[0] - expected).abs()
        assert error.max() < 4 * (0.25 / 200) ** 0.5  # binomial, four standard errors

    def test_labels_are_the_shares_of_ten_neighbours(self):
        data, labels = torch.randn(60, 3), torch.randint(5, 8, (60,))
        net = nn.Linear(2, 3)
        found = compare(net, *torch.randn(2, 4, 2), paths=("linear",), data=data, labels=labels)
        decoded = net(found.paths["linear"].points)[2, 7]
        near = (data - decoded).norm(dim=1).argsort()[:10]
        share = Counter(labels[near].tolist())
        expected = torch.tensor([share[c] / 10 for c in labels.unique().tolist()])
        torch.testing.assert_close(found.profiles["linear"].class_probability[2, 7], expected)

    @pytest.mark.parametrize(
        ("likeliest", "third", "fall"),
        [
            ([0, 0, 1, 1], 0, 0.0),
            ([0, 2, 1, 1], 1, 0.0),
            ([0, 2, 3, 2, 1], 2, 0.0),
            ([0, 1, 0, 1], 0, 0.6),
            ([1, 1, 0, 1], 1, 0.6),
            ([1, 2, 1, 1], 1, 0.6),
        ],
    )
    def test_classes_crossed_and_monotony(self, likeliest, third, fall):
        probability = torch.full((1, len(likeliest), 4), 0.1)
        probability[0, torch.arange(len(likeliest)), torch.tensor(likeliest)] = 0.7
        profile = Profile(class_probability=probability)
        path = compare(self.flat, *self.line()).paths["linear"]
        assert float(MEASURES["third_classes"].value(path, profile)) == third
        assert float(MEASURES["greatest_fall"].value(path, profile)) == pytest.approx(fall)
        assert float(MEASURES["least_purity"].value(path, profile)) == pytest.approx(0.7)

    @pytest.mark.usefixtures("as_in_production")
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"labels": torch.zeros(3).long()}, "labels are those of data"),
            (
                {"data": torch.rand(9, 2), "labels": torch.zeros(3).long()},
                r"labels have shape \(3,\), expected \(9,\)",
            ),
            (
                {"data": torch.rand(3, 2), "labels": np.array([0, np.nan, np.nan])},
                "2 labels are missing, the first in row 1",
            ),
            ({"codes": torch.tensor([[0.0, 0], [0, math.nan]])}, "1 rows that .* row 1"),
            ({"classifier": lambda x: x[:, 0]}, r"must give class probabilities \(33, c\)"),
            ({"classifier": lambda x: 5 * x}, "apply a softmax to logits"),
        ],
    )
    def test_mistakes(self, options, message):
        with pytest.raises(ValueError, match=message):
            compare(self.flat, *self.line(), paths=("linear",), **options)


@pytest.mark.usefixtures("as_in_production")
def test_labels_of_any_kind_are_classes():
    data, numbers = torch.randn(30, 2), torch.arange(30) % 3
    line = torch.tensor([[-2.0, 0.0]]), torch.tensor([[2.0, 0.0]])
    names = ["abc"[k] for k in numbers]
    expected = None
    for labels in (numbers, numbers.numpy(), numbers.tolist(), names, np.array(names)):
        found = compare(lambda z: 1.0 * z, *line, paths=("linear",), data=data, labels=labels)
        probability = found.profiles["linear"].class_probability
        expected = probability if expected is None else expected
        assert torch.equal(probability, expected)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("name", ["start", "data", "codes"])
def test_codes_and_data_are_tensors(name):
    given = {"start": torch.zeros(3, 2), "data": torch.rand(5, 2), "codes": torch.rand(4, 2)}
    given[name] = given[name].numpy()
    start = given.pop("start")
    with pytest.raises(TypeError, match=rf"{name} must be a tensor.*torch.as_tensor\({name}\)"):
        compare(lambda z: 1.0 * z, start, torch.ones(3, 2), **given)


def test_the_numbering_of_classes_changes_nothing():
    # Ties in the middle, at the end, and between two thirds.
    probability = torch.tensor(
        [
            [[0.8, 0.2, 0.0, 0.0], [0.4, 0.2, 0.4, 0.0], [0.2, 0.8, 0.0, 0.0]],
            [[1.0, 0.0, 0.0, 0.0], [0.2, 0.8, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]],
            [[1.0, 0.0, 0.0, 0.0], [0.1, 0.1, 0.4, 0.4], [0.0, 1.0, 0.0, 0.0]],
        ]
    )
    path = compare(lambda z: 1.0 * z, *torch.randn(2, 3, 2)).paths["linear"]
    for order in itertools.permutations(range(4)):
        profile = Profile(class_probability=probability[..., list(order)])
        assert MEASURES["third_classes"].value(path, profile).tolist() == [0, 0, 2]
        fall = MEASURES["greatest_fall"].value(path, profile)
        torch.testing.assert_close(fall, torch.zeros(3))


def test_distances_to_the_nearest_data_in_any_order():
    data, x = torch.randn(300, 7) * 50 + 1e4, torch.randn(20, 7) * 50 + 1e4
    distance, index = NearestData(data).neighbours(x, 4)
    table = (x[:, None] - data).double().square().mean(2).sqrt()
    expected = table.topk(4, largest=False)
    torch.testing.assert_close(distance.double(), expected.values, rtol=1e-5, atol=0)
    assert torch.equal(index, expected.indices)
    assert NearestData(data[:3]).neighbours(x, 9)[0].shape == (20, 3)
