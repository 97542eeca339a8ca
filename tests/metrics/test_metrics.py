import functools
import math

import pytest
import torch
from torch import nn

from geolatent.geodesics import connect
from geolatent.manifolds import Euclidean, Lorentz, PoincareBall
from geolatent.metrics import EuclideanMetric, ManifoldMetric, PullbackMetric, forward_jacobian
from geolatent.networks import MLP, Sphere

KNOWN = {
    "euclidean": EuclideanMetric(),
    "euclidean manifold": ManifoldMetric(Euclidean(3)),
    "lorentz": ManifoldMetric(Lorentz(3, curvature=-0.5)),
    "poincaré": ManifoldMetric(PoincareBall(3, curvature=-0.5)),
}


def _codes(*batch):
    return torch.randn(*batch, 3, dtype=torch.float64)


class TestPullback:
    def test_matrix_is_that_of_reverse_mode_jacobians(self):
        decoder = MLP(3, 7).double()
        z = _codes(4)
        jacobian = torch.stack([torch.autograd.functional.jacobian(decoder, row) for row in z])
        torch.testing.assert_close(PullbackMetric(decoder).matrix(z), jacobian.mT @ jacobian)

    def test_sphere(self):
        z = torch.rand(5, 2, dtype=torch.float64)
        expected = torch.diag_embed(torch.stack([torch.ones(5).double(), z[:, 0].cos() ** 2], -1))
        torch.testing.assert_close(PullbackMetric(Sphere()).matrix(z), expected)

    def test_flattens_images_and_takes_any_batch(self):
        decoder = nn.Sequential(nn.Linear(3, 8), nn.Unflatten(-1, (2, 2, 2)))
        metric = PullbackMetric(decoder)
        assert metric.immersion(torch.randn(4, 5, 3)).shape == (4, 5, 8)
        assert metric.matrix(torch.randn(4, 5, 3)).shape == (4, 5, 3, 3)
        assert metric.matrix(torch.randn(3)).shape == (3, 3)

    @pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.BatchNorm1d(3)])
    def test_refuses_a_decoder_in_training_mode(self, layer):
        decoder = nn.Sequential(nn.Linear(3, 3), layer)
        with pytest.raises(ValueError, match=r"training mode.*eval\(\)"):
            PullbackMetric(decoder)
        PullbackMetric(decoder.eval())


@pytest.mark.parametrize("name", KNOWN)
class TestClosedForms:
    def test_matrix_measures_small_distances(self, name):
        metric, z = KNOWN[name], _codes(10)
        step = 1e-6 * _codes(10)
        middle = metric.matrix(z + step / 2)
        expected = torch.einsum("bi,bij,bj->b", step, middle, step).sqrt()
        torch.testing.assert_close(metric.distance(z, z + step), expected, rtol=1e-6, atol=0)

    def test_geodesic_has_its_ends_and_constant_speed(self, name):
        metric, start, end = KNOWN[name], _codes(6), _codes(6)
        t = torch.linspace(0, 1, 9, dtype=torch.float64)
        path = metric.geodesic(start, end, t)
        assert torch.equal(path[:, 0], start)
        assert torch.equal(path[:, -1], end)
        steps = metric.distance(path[:, :-1], path[:, 1:])
        expected = (metric.distance(start, end) / 8).unsqueeze(1).expand(-1, 8)
        torch.testing.assert_close(steps, expected, rtol=1e-9, atol=1e-12)

    def test_codes_are_normal_coordinates_of_the_origin(self, name):
        metric, z = KNOWN[name], _codes(6)
        torch.testing.assert_close(metric.distance(torch.zeros_like(z), z), z.norm(dim=-1))


def test_hyperbolic_matrix_has_the_known_eigenvalues():
    """In normal coordinates: 1 along the radius, (sinh(√−K r)/(√−K r))² across it."""
    z = torch.tensor([[1.5, 0.0, 0.0]], dtype=torch.float64)
    matrix = ManifoldMetric(Lorentz(3, curvature=-4.0)).matrix(z)[0]
    across = (math.sinh(3.0) / 3.0) ** 2
    torch.testing.assert_close(matrix, torch.diag(torch.tensor([1.0, across, across]).double()))


def test_forward_jacobian_is_the_analytic_one():
    value, jacobian = forward_jacobian(lambda z: z.square() @ torch.ones(2, 1), torch.ones(4, 2))
    assert torch.equal(value, torch.full((4, 1), 2.0))
    assert torch.equal(jacobian, torch.full((4, 1, 2), 2.0))


class Model(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 6), *layers)

    def decode(self, z):
        return self.net(z)


class Plain:
    """A decoder in an object that torch knows nothing of."""

    def __init__(self, decoder):
        self.decoder = decoder

    def __call__(self, z):
        return self.decoder(z)

    def decode(self, z):
        return self.decoder(z)


DROPOUT = Model(nn.Dropout(0.5)).net
unrelated = Model(nn.Dropout(0.5))


def _by_global(z):
    return DROPOUT(z)


def _unrelated_attribute(z, plain=None):
    return (plain or torch).unrelated(z)


@pytest.mark.parametrize(
    "behind", ["method", "partial", "closure", "plain", "callable", "list", "global", "function"]
)
def test_training_mode_is_seen_behind_functions(behind):
    model = Model(nn.Dropout(0.5)).train()
    models = [model]
    decoder = {
        "method": model.decode,
        "partial": functools.partial(model),
        "closure": lambda z: model(z),
        "plain": Plain(model).decode,
        "callable": Plain(model.net),
        "list": lambda z: models[0](z),
        "global": lambda z: torch.stack([DROPOUT(code) for code in z]),
        "function": lambda z: _by_global(z),
    }[behind]
    with pytest.raises(ValueError, match=r"call decoder\.eval"):
        PullbackMetric(decoder)


def test_a_global_of_the_name_of_an_attribute_is_none_of_a_decoder():
    PullbackMetric(_unrelated_attribute)


class Functional(nn.Module):
    """Dropout without a module of its own."""

    def __init__(self):
        super().__init__()
        self.net = nn.Linear(2, 6)

    def forward(self, z):
        return nn.functional.dropout(self.net(z), 0.3, self.training)


class Hidden:
    """A decoder where nobody looks."""

    __slots__ = ("decoder",)

    def __init__(self, decoder):
        self.decoder = decoder

    def __call__(self, z):
        return self.decoder(z)


@pytest.mark.parametrize("layer", [Functional(), nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6))])
def test_training_mode_that_is_not_seen_is_said_by_torch_and_then_by_us(layer):
    hidden = Hidden(layer)
    start, end = torch.rand(2, 4, 2)
    with pytest.raises(ValueError, match=r"call decoder\.eval"):
        connect(PullbackMetric(hidden), start, end)
    layer.eval()
    assert connect(PullbackMetric(hidden), start, end, segments=4).length.isfinite().all()


def test_training_mode_is_seen_when_it_comes_later():
    decoder = Model(nn.Dropout(0.5)).eval().net
    metric = PullbackMetric(decoder)
    metric.reduced()
    decoder.train()
    with pytest.raises(ValueError, match=r"call decoder\.eval"):
        metric.reduced()


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.BatchNorm1d(6, track_running_stats=False).eval(), "keeps no running statistics"),
        (nn.RReLU(), "training mode"),
        (nn.utils.parametrizations.spectral_norm(nn.Linear(6, 6)), "training mode"),
    ],
)
def test_layers_that_mix_or_change_are_refused(layer, message):
    decoder = nn.Sequential(nn.Linear(2, 6), layer)
    with pytest.raises(ValueError, match=message):
        PullbackMetric(decoder)


def test_decoders_of_one_number():
    metric = PullbackMetric(lambda z: z.square().sum(-1))
    z = torch.tensor([[1.0, 2.0], [0.5, 0.0]])
    torch.testing.assert_close(metric.jacobian(z), 2 * z.unsqueeze(1))
