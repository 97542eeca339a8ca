import numpy as np
import pytest

from geolatent.training import convergence


def curve(epochs: int, half_life: float, noise: float) -> list[float]:
    t = np.arange(epochs)
    draw = np.random.default_rng(0).normal(size=epochs)
    return list(100 + 50 * 0.5 ** (t / half_life) + noise * draw)


def test_a_loss_that_has_come_to_rest_is_converged():
    found = convergence(curve(120, 8, 0.05), epochs=120)
    assert found.converged, found.reason


def test_a_loss_that_still_falls_is_not_although_its_last_epoch_is_not_the_best():
    losses = curve(120, 40, 1.0)
    assert int(np.argmin(losses)) < 119
    found = convergence(losses, epochs=120)
    assert not found.converged
    assert "more epochs would gain" in found.reason


def test_noise_that_hides_a_trend_shows_nothing():
    assert not convergence(curve(120, 8, 5.0), epochs=120).converged


def test_early_stopping_is_convergence():
    assert convergence(curve(60, 40, 1.0), epochs=120).converged


@pytest.mark.parametrize("losses", [[], [3.0, 2.0, 1.0], [float("nan")] * 50])
def test_little_or_no_log_shows_nothing(losses):
    assert not convergence(losses, epochs=len(losses)).converged


def test_slow_wandering_is_not_taken_for_many_independent_values():
    """Autocorrelated noise: with independent values assumed, a random fall would be certain."""
    random = np.random.default_rng(1)
    shown = 0
    for _ in range(100):
        noise = np.zeros(160)
        for t in range(1, 160):
            noise[t] = 0.9 * noise[t - 1] + random.normal()
        losses = 100 + 50 * 0.5 ** (np.arange(160) / 60) + 0.5 * noise
        shown += convergence(list(losses)).converged
    assert shown <= 5  # the true further gain is far above what is tolerated
