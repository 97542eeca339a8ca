import torch

from geolatent.geodesics import measure
from geolatent.metrics import EuclideanMetric, PullbackMetric
from geolatent.viz import relative_speed


def straight(count=33):
    return torch.linspace(0, 1, count, dtype=torch.float64).view(1, -1, 1).expand(2, -1, 2)


def test_a_curve_that_speeds_up():
    metric = PullbackMetric(lambda z: z.square()[..., :1])
    path = measure(metric, straight())
    t, speed = relative_speed(metric, path)
    torch.testing.assert_close(speed[0], 2 * t)
    torch.testing.assert_close(speed.mean(1), torch.ones(2, dtype=torch.float64))


def test_a_metric_without_an_immersion():
    path = measure(EuclideanMetric(), straight())
    _, speed = relative_speed(EuclideanMetric(), path)
    torch.testing.assert_close(speed, torch.ones_like(speed))
