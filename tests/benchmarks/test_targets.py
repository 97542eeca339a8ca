import numpy as np
import pytest
from result import Result
from targets import checks
from time_to_accuracy import seconds_to_match


def result(
    solver: str, family: str, seconds: float | None, excess: list[float], unconverged: int = 0
) -> Result:
    values = np.array(excess)
    found = values[np.isfinite(values)]
    return Result(
        solver=solver, family=family, pairs=len(values), failures=len(values) - len(found),
        unconverged=unconverged,
        seconds=seconds, passes=seconds, mean=found.mean(), median=np.median(found),
        p95=found.max(), above=(found > 0.01).mean(), longer=0, length_error=found.max() / 2,
        errors={}, excess=values,
    )  # fmt: skip


DEFAULT = result("geolatent, default", "geolatent", 1.0, [1e-7, 1e-7])
ROUGH = result("geolatent, rough", "geolatent", 0.1, [1e-3, 1e-3])


def test_the_fastest_setting_that_is_good_enough_is_compared():
    assert seconds_to_match([DEFAULT, ROUGH], result("a", "a", 9, [2e-3, 2e-3])) == 0.1
    assert seconds_to_match([DEFAULT, ROUGH], result("a", "a", 9, [5e-4, 5e-4])) == 1.0
    assert seconds_to_match([DEFAULT, ROUGH], result("a", "a", 9, [5e-8, 5e-8])) is None


def test_only_the_pairs_that_a_peer_solved_count():
    uneven = result("geolatent, uneven", "geolatent", 0.01, [1e-2, 1e-5])
    peer = result("a", "a", 9, [np.nan, 2e-5])
    assert seconds_to_match([DEFAULT, uneven], peer) == 0.01


@pytest.mark.parametrize(("seconds", "met"), [(25.0, True), (15.0, False)])
def test_surface_targets(seconds, met):
    stochman = result("stochman, default", "stochman, default", seconds, [1e-4, 1e-4])
    found = checks("sphere", "surface", [DEFAULT, stochman])
    assert [check.met for check in found] == [met, True, True]
    if not met:
        assert "off by a factor 1.3" in found[0].measured


def test_a_peer_that_we_never_match_is_a_target_missed():
    georce = result("GEORCE", "GEORCE", 5.0, [1e-9, 1e-9])
    found = checks("small", "mlp", [DEFAULT, georce])
    assert found[-2].measured == "never reached by us"
    assert not found[-2].met


@pytest.mark.parametrize("kind", ["surface", "mlp", "convolutional"])
@pytest.mark.parametrize(("excess", "unconverged"), [([1e-7, np.nan], 0), ([1e-7, 1e-7], 1)])
def test_curves_that_failed_are_a_target_missed(kind, excess, unconverged):
    default = result("geolatent, default", "geolatent", 1.0, excess, unconverged)
    (found,) = [c for c in checks("small", kind, [default]) if "not converged" in c.claim]
    assert not found.met
    (found,) = [c for c in checks("small", kind, [DEFAULT]) if "not converged" in c.claim]
    assert found.met
