import numpy as np
import pytest

from geolatent.data.outline import aligned, rasterised, resampled

PEAR = np.array([[0, 0], [6, 1], [9, 0.5], [9, 3.5], [6, 3], [1, 4]], dtype=float)


def area_integrals(outline, half_width=4.0, resolution=400):
    """Moments of the area by counting cells of a fine grid, with a test of points of its own."""
    from matplotlib.path import Path

    side = (np.arange(resolution) + 0.5) / resolution * 2 * half_width - half_width
    x, y = np.meshgrid(side, side)
    inside = Path(outline).contains_points(np.stack([x.ravel(), y.ravel()], 1))
    x, y, cell = x.ravel()[inside], y.ravel()[inside], (2 * half_width / resolution) ** 2
    return {
        name: cell * values.sum()
        for name, values in {
            "1": np.ones_like(x), "x": x, "y": y, "xy": x * y, "xx": x * x, "yy": y * y,
            "xxx": x**3, "yyy": y**3,
        }.items()
    }  # fmt: skip


def test_alignment_normalises_the_moments_of_the_area():
    found = area_integrals(aligned(PEAR))
    for name, value in {"1": 1.0, "x": 0.0, "y": 0.0, "xy": 0.0}.items():
        assert found[name] == pytest.approx(value, abs=5e-3)
    assert found["xx"] > 2 * found["yy"]
    assert found["xxx"] > 0
    assert found["yyy"] > 0


@pytest.mark.parametrize("angle", [0.3, 2.0, 4.0])
@pytest.mark.parametrize("mirror", [1, -1])
def test_place_turn_size_and_sense_do_not_matter(angle, mirror):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (PEAR * [mirror, 1]) @ turn.T * 17 + [1000, -500]
    first, second = (resampled(aligned(outline), 50) for outline in (PEAR, moved[::-1]))
    np.testing.assert_allclose(first, second, atol=1e-9)


def test_resampled_points_are_equally_far_apart():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float)
    points = resampled(square, 8)
    expected = [[1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5], [0, 0], [0.5, 0]]
    np.testing.assert_allclose(points, expected)


def test_pixels_are_covered_by_their_share():
    # Left half of the plane up to x = 0.25, upper half from y = 0: four pixels of width 1.
    quarter = np.array([[0.25, 0], [0.25, 2], [-2, 2], [-2, 0]], dtype=float)
    image = rasterised(quarter, 4, half_width=2.0)
    np.testing.assert_allclose(image[:2], [[1, 1, 0.25, 0]] * 2)
    np.testing.assert_allclose(image[2:], 0)
    pear = rasterised(aligned(PEAR), 40, half_width=1.8)
    assert pear.sum() * (3.6 / 40) ** 2 == pytest.approx(1, abs=2e-3)


def test_what_is_outside_is_cut_and_crossings_stay_within_bounds():
    large = np.array([[-9, -9], [9, -9], [9, 9], [-9, 9]], dtype=float)
    np.testing.assert_allclose(rasterised(large, 3, half_width=1.0), 1)
    eight = np.array([[-1, -1], [1, 1], [1, -1], [-1, 1]], dtype=float)
    image = rasterised(eight, 8, half_width=1.5)
    assert image.min() >= 0
    assert image.max() <= 1


def test_no_area_is_refused():
    with pytest.raises(ValueError, match="no area"):
        aligned(np.array([[0, 0], [1, 0], [2, 0]], dtype=float))
