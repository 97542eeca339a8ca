"""k-means, k-medoids and neighbours where the geodesic answer is known and the flat one wrong."""

import itertools
from importlib import import_module

import pytest
import torch

from geolatent.metrics import EuclideanMetric, PullbackMetric
from geolatent.networks import Sphere, SwissRoll
from geolatent.statistics import frechet_mean, k_means, k_medoids, nearest_neighbours


class Narrow(torch.nn.Module):
    """A cylinder whose codes stretch the angle: two groups along it, interleaved across."""

    def forward(self, z):
        return torch.cat([5 * z[:, :1], 0.02 * z[:, 1:]], 1)


def _strips(count=15):
    """Two strips that the metric separates, though the codes spread along them."""
    along = 12 * torch.rand(2 * count, 1, dtype=torch.float64)
    across = torch.rand(2 * count, 1, dtype=torch.float64) * 0.5
    across[count:] += 1
    return torch.cat([across, along], 1), torch.arange(2 * count) // count


def _turns(count=12):
    """Two groups on the roll: t is stretched the more the farther out."""
    t = torch.cat([torch.rand(count), 4.5 + torch.rand(count)]).double() + 5
    return torch.stack([t, 30 * torch.rand(2 * count).double()], 1), torch.arange(24) // count


def _same(one, other):
    return len(set(zip(one.tolist(), other.tolist(), strict=True))) == len(set(other.tolist()))


@pytest.mark.parametrize(("data", "decoder"), [(_strips, Narrow()), (_turns, SwissRoll())])
def test_clusters_that_euclidean_ones_miss(data, decoder):
    points, truth = data()
    metric = PullbackMetric(decoder)
    means = k_means(metric, points, 2, restarts=2, segments=8)
    medoids = k_medoids(metric, points, 2)
    for found in (means, medoids):
        assert _same(found.labels, truth)
        assert not _same(found.flat_labels, truth)
        assert found.agreement < 0.5
        assert found.converged
    assert means.variance == pytest.approx(float(means.distances.square().mean()))
    assert means.variance == pytest.approx(float(means.variances.min()))


def test_on_flat_codes_k_means_is_that_of_scikit_learn():
    corners = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
    points = (corners[:, None] + 0.5 * torch.randn(3, 20, 2, dtype=torch.float64)).flatten(0, 1)
    found = k_means(EuclideanMetric(), points, 3)
    assert found.agreement == 1
    assert _same(found.labels, torch.arange(60) // 20)
    for cluster in range(3):
        torch.testing.assert_close(found.centres[cluster], points[found.labels == cluster].mean(0))


def test_pruned_assignments_are_those_of_all_distances():
    points = 0.5 * torch.randn(25, 2, dtype=torch.float64)
    found = k_means(PullbackMetric(Sphere()), points, 3, restarts=1, seed=3, segments=16)
    table = Sphere().distance(
        points[:, None].expand(25, 3, 2), found.centres[None].expand(25, 3, 2)
    )
    torch.testing.assert_close(table.amin(1), found.distances, atol=1e-5, rtol=0)
    assert torch.equal(table.argmin(1), found.labels)
    # Clusters that kept their codes were not solved for again.
    assert found.iterations > 2
    means = frechet_mean(PullbackMetric(Sphere()), points, groups=found.labels, segments=16)
    torch.testing.assert_close(found.centres, means.point, atol=1e-7, rtol=0)


def test_seeds_are_reproducible_and_leave_global_states_alone():
    points = torch.randn(20, 2, dtype=torch.float64)
    before = torch.get_rng_state()
    one, other = (k_means(EuclideanMetric(), points, 4, seed=3) for _ in range(2))
    assert torch.equal(one.labels, other.labels)
    assert torch.equal(before, torch.get_rng_state())


def test_fewer_different_codes_than_clusters():
    points = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    assert k_means(EuclideanMetric(), points, 3, restarts=1).variance == 0


@pytest.mark.parametrize("clusters", [1, 2, 3])
def test_medoids_are_the_best_of_all_choices(clusters):
    points = torch.randn(12, 2, dtype=torch.float64)
    found = k_medoids(EuclideanMetric(), points, clusters)
    table = torch.cdist(points, points)
    best = min(
        float(table[list(choice)].amin(0).mean())
        for choice in itertools.combinations(range(12), clusters)
    )
    assert found.distance == pytest.approx(best, rel=0.02)  # exchanges end in a local minimum
    torch.testing.assert_close(table[found.medoids].argmin(0), found.labels)
    assert found.agreement == 1


def test_neighbours_along_the_roll():
    points, _ = _turns(20)
    found = nearest_neighbours(PullbackMetric(SwissRoll()), points, neighbours=3)
    exact = SwissRoll().distance(points[:, None].expand(40, 40, 2), points.expand(40, 40, 2))
    exact.fill_diagonal_(torch.inf)
    nearest = exact.topk(3, largest=False)
    torch.testing.assert_close(found.distances, nearest.values, rtol=1e-5, atol=0)
    assert torch.equal(found.index, nearest.indices)
    assert found.solved < 0.7
    assert found.converged.all()
    flat = torch.cdist(points, points).fill_diagonal_(torch.inf).topk(3, largest=False).indices
    assert torch.equal(found.flat_index.sort(1).values, flat.sort(1).values)
    assert found.overlap.mean() < 1


def test_neighbours_of_other_codes_in_flat_space():
    points, queries = torch.randn(15, 3), torch.randn(4, 3)
    found = nearest_neighbours(EuclideanMetric(), points, queries, neighbours=5)
    assert (found.overlap == 1).all()
    assert found.solved == 1


@pytest.mark.usefixtures("as_in_production")
def test_mistakes():
    points = torch.randn(5, 2)
    for function in (k_means, k_medoids):
        with pytest.raises(ValueError, match="between 1 and the 5"):
            function(EuclideanMetric(), points, 6)
        with pytest.raises(TypeError, match="PullbackMetric"):
            function(Sphere(), points, 2)
        with pytest.raises(ValueError, match="not finite"):
            function(EuclideanMetric(), points * torch.nan, 2)
    with pytest.raises(ValueError, match="restarts"):
        k_means(EuclideanMetric(), points, 2, restarts=0)
    for bad in (torch.nan, torch.inf, -1.0):
        with pytest.raises(ValueError, match=r"25 distances .* the first is"):
            k_medoids(EuclideanMetric(), points, 2, distances=torch.full((5, 5), bad))
    with pytest.raises(ValueError, match="distances must be"):
        k_medoids(EuclideanMetric(), points, 2, distances=torch.zeros(4, 4))
    for function in (k_means, k_medoids):
        with pytest.raises(TypeError, match="points must be a tensor, got list"):
            function(EuclideanMetric(), points.tolist(), 2)
    for given in ((points.numpy(),), (points, points.numpy())):
        with pytest.raises(TypeError, match="got ndarray"):
            nearest_neighbours(EuclideanMetric(), *given)
    with pytest.raises(ValueError, match="one code alone"):
        nearest_neighbours(EuclideanMetric(), points[:1])
    with pytest.raises(ValueError, match="between 1 and 4"):
        nearest_neighbours(EuclideanMetric(), points, neighbours=5)
    with pytest.raises(ValueError, match="queries"):
        nearest_neighbours(EuclideanMetric(), points, torch.randn(2, 3))


def test_a_code_without_geodesics_is_no_crash_and_no_convergence():
    def broken(z):
        far = (z[..., :1] > 50).expand_as(z)
        return torch.where(far, torch.nan, z)

    points = torch.cat([torch.randn(20, 2), 5 + torch.randn(20, 2), torch.tensor([[99.0, 0.0]])])
    found = k_means(PullbackMetric(broken), points, 2, restarts=2)
    assert not found.converged


def test_geodesics_that_decide_on_clusters_must_converge(monkeypatch, unfinished):
    """Those of the seeds, and those that leave a label open, as much as those of the means."""
    module, points = import_module("geolatent.statistics.k_means"), torch.randn(20, 2)
    whole = module.connect
    assert k_means(EuclideanMetric(), points, 3).converged
    for bad_seeds in (True, False):

        def connect(metric, start, end, bad_seeds=bad_seeds, **options):
            of_seed = len(start) == 20 and bool((start == start[0]).all())
            solve = unfinished if of_seed == bad_seeds else whole
            return solve(metric, start, end, **options)

        with monkeypatch.context() as patch:
            patch.setattr(module, "connect", connect)
            assert not k_means(EuclideanMetric(), points, 3).converged


def test_neighbours_whose_geodesics_have_not_converged_are_told(monkeypatch, unfinished):
    module = import_module("geolatent.statistics.nearest_neighbours")
    points = torch.randn(6, 2)
    assert nearest_neighbours(EuclideanMetric(), points, neighbours=2).converged.all()
    monkeypatch.setattr(module, "connect", unfinished)
    found = nearest_neighbours(EuclideanMetric(), points, neighbours=2)
    assert not found.converged.any()
    assert found.distances.isfinite().all()
    assert "6 codes not converged" in str(found)


def test_results_print_what_to_look_at():
    points = torch.randn(12, 2)
    for found in (
        k_means(EuclideanMetric(), points, 2),
        k_medoids(EuclideanMetric(), points, 2),
        nearest_neighbours(EuclideanMetric(), points, neighbours=2),
    ):
        assert "tensor" not in str(found)
        assert len(str(found)) < 200
