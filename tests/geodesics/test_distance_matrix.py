"""All pairs against closed forms, one by one, and across interruptions."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from geolatent.geodesics import connect, distance_blocks
from geolatent.geodesics.block_progress import progress_bar
from geolatent.geodesics.code_graph import CodeGraph
from geolatent.geodesics.distance_blocks import DistanceBlocks
from geolatent.geodesics.distance_matrix import distance_matrix
from geolatent.geodesics.initialisation import Arc, StraightLine
from geolatent.geodesics.landmarks import shortened_through_each_other
from geolatent.geodesics.triangle_inequality import triangle_bounds, triangle_closure
from geolatent.manifolds import Lorentz
from geolatent.metrics import EuclideanMetric, ManifoldMetric, Metric, PullbackMetric
from geolatent.networks import MLP, Sphere

SPHERE = PullbackMetric(Sphere())


def _patch(count, dtype=torch.float64):
    """Codes on a part of the sphere in which the shortest geodesic is next to the straight line."""
    return torch.tensor([1.6, 2.0], dtype=dtype) * torch.rand(count, 2, dtype=dtype) - 0.8


def _table(surface, rows, columns):
    return surface.distance(*torch.broadcast_tensors(rows[:, None], columns))


class TestExact:
    @pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-6), (torch.float32, 1e-5)])
    def test_is_the_closed_form(self, dtype, error):
        codes = _patch(12, dtype)
        result = distance_matrix(SPHERE, codes, pairs_at_once=20)
        exact = _table(Sphere(), codes.double(), codes.double())
        torch.testing.assert_close(result.values.double(), exact, rtol=error, atol=1e-7)
        assert result.values.dtype == dtype
        assert torch.equal(result.values, result.values.T)
        assert torch.equal(result.values.diagonal(), torch.zeros(12, dtype=dtype))
        assert result.converged.all()
        assert not result.shortened.any()

    def test_from_one_set_to_another(self):
        rows, columns = _patch(5), _patch(7)
        result = distance_matrix(SPHERE, rows, columns, pairs_at_once=9)
        torch.testing.assert_close(
            result.values, _table(Sphere(), rows, columns), rtol=1e-6, atol=0
        )
        assert result.converged.shape == (5, 7)

    def test_solves_each_pair_once(self, monkeypatch):
        solved = []

        def counting(metric, start, end, **options):
            solved.append(torch.cat([start, end], 1))
            return connect(metric, start, end, **options)

        monkeypatch.setattr(distance_blocks, "connect", counting)
        codes = _patch(9)
        distance_matrix(SPHERE, codes, pairs_at_once=7)
        assert max(len(block) for block in solved) == 7
        seen = {
            tuple(sorted(pair.view(2, 2).tolist()[k][0] for k in (0, 1)))
            for block in solved
            for pair in block
        }
        assert len(seen) == sum(len(block) for block in solved) == 36

    def test_does_not_depend_on_the_blocks_or_the_order(self):
        decoder = MLP(2, 12, hidden=(16, 16)).double().requires_grad_(False)
        for weight in decoder.parameters():
            weight *= 3
        metric, codes = PullbackMetric(decoder), torch.randn(7, 2, dtype=torch.float64)
        whole = distance_matrix(metric, codes)
        pieces = distance_matrix(metric, codes, pairs_at_once=4)
        torch.testing.assert_close(whole.values, pieces.values, rtol=1e-8, atol=0)
        order = torch.randperm(7)
        shuffled = distance_matrix(metric, codes[order])
        # A geodesic solved from its other end meets the same criterion elsewhere.
        torch.testing.assert_close(
            shuffled.values, whole.values[order][:, order], rtol=1e-4, atol=1e-8
        )

    def test_closed_forms_are_used(self):
        codes = torch.randn(6, 3, dtype=torch.float64)
        metric = ManifoldMetric(Lorentz(3))
        result = distance_matrix(metric, codes)
        exact = _table(metric, codes, codes)
        torch.testing.assert_close(result.values, exact, rtol=1e-12, atol=1e-7)
        assert result.values.diagonal().abs().max() == 0

    @pytest.mark.parametrize("bad", [{"bogus": 3}, {"segments": 7}, {"max_iterations": -1}])
    def test_closed_forms_take_the_same_options(self, bad):
        with pytest.raises((TypeError, ValueError), match=next(iter(bad))):
            distance_matrix(EuclideanMetric(), _patch(3), **bad)

    def test_closed_forms_are_minimised_on_request(self):
        metric, codes = ManifoldMetric(Lorentz(2)), 2 * _patch(2)
        (known,) = DistanceBlocks(metric, codes).solve(0).length
        (found,) = DistanceBlocks(metric, codes, method="energy", segments=4).solve(0).length
        assert known < found < 1.01 * known

    def test_equal_codes_are_at_distance_zero(self):
        codes = _patch(4)[[0, 1, 1, 2, 3, 0]]
        result = distance_matrix(SPHERE, codes)
        assert result.values[1, 2] == 0 == result.values[0, 5]
        assert result.converged.all()

    def test_failed_pairs_are_nan_and_said(self):
        def decoder(z):
            return torch.where(z[..., :1] > 5, torch.nan, Sphere()(z))

        codes = torch.cat([_patch(4), torch.tensor([[9.0, 0.0]])])
        result = distance_matrix(PullbackMetric(decoder), codes)
        assert result.values[:4, :4].isfinite().all()
        assert result.values[4, :4].isnan().all()
        assert not result.converged[:4, 4].any()
        assert result.converged[:4, :4].all()
        assert "(exact): 8 failed" in str(result)

    def test_unconverged_pairs_are_said(self):
        decoder = MLP(2, 12, hidden=(16, 16)).requires_grad_(False)
        for weight in decoder.parameters():
            weight *= 4
        codes = 2 * torch.randn(6, 2)
        result = distance_matrix(PullbackMetric(decoder), codes, max_iterations=2)
        assert not result.converged.all()
        assert result.values.isfinite().all()

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_few_codes(self, count):
        result = distance_matrix(SPHERE, _patch(count))
        assert result.values.shape == (count, count)
        assert result.converged.all()
        for method in ("graph", "landmarks"):
            assert distance_matrix(SPHERE, _patch(count), method=method).values.shape[0] == count


class TestShortened:
    """A high wall that ends: straight across is a geodesic, but around its end is shorter."""

    class Wall(Metric):
        def matrix(self, z):
            x, y = z.unbind(-1)
            height = 1 + 1000 * (-x.square() / 0.05).exp() * (8 * (y + 0.5)).sigmoid()
            return height[..., None, None] * torch.eye(2, dtype=z.dtype)

    def _codes(self):
        """Opposite each other across the wall, and three around its end."""
        codes = [[-0.8, 1.5], [0.8, 1.5], [-0.6, -0.8], [0.6, -0.8], [0.0, -1.5]]
        return torch.tensor(codes, dtype=torch.float64)

    def test_ways_around_are_found_and_reported(self):
        codes = self._codes()
        result = distance_matrix(self.Wall(), codes)
        over = connect(self.Wall(), codes[:1], codes[1:2], segments=32).length
        assert result.shortened[0, 1]
        assert result.values[0, 1] < 0.9 * over.item()
        assert not result.shortened[2, 3]
        assert torch.equal(result.shortened, result.shortened.T)
        ways = result.values[:, :, None] + result.values
        assert (result.values <= ways.amin(1) * (1 + 1e-12)).all()

    def test_better_starts_leave_less_to_shorten(self, tmp_path):
        codes = self._codes()
        starts = StraightLine(), CodeGraph(self.Wall(), codes, neighbours=2)
        result = distance_matrix(self.Wall(), codes, directory=tmp_path, initialisations=starts)
        assert not result.shortened[0, 1]
        plain = distance_matrix(self.Wall(), codes)
        assert (result.values <= plain.values * (1 + 1e-3)).all()
        assert result.values[0, 1] < plain.values[0, 1]  # a geodesic, not two that meet
        with pytest.raises(ValueError, match="options differs"):
            distance_matrix(self.Wall(), codes, directory=tmp_path)

    def test_ways_between_two_sets_too(self):
        codes = self._codes()
        result = distance_matrix(self.Wall(), codes, codes)
        one_set = distance_matrix(self.Wall(), codes)
        torch.testing.assert_close(result.values, one_set.values, rtol=1e-3, atol=1e-9)
        assert result.shortened[0, 1]


class TestOnDisk:
    OPTIONS = {"pairs_at_once": 10}

    def test_solved_blocks_are_not_solved_again(self, tmp_path, monkeypatch):
        codes = _patch(9)
        first = distance_matrix(SPHERE, codes, directory=tmp_path, **self.OPTIONS)
        assert len(list(tmp_path.glob("block-*.safetensors"))) == 4

        def unwanted(*_, **__):
            raise AssertionError("solved again")

        monkeypatch.setattr(distance_blocks, "connect", unwanted)
        again = distance_matrix(SPHERE, codes, directory=tmp_path, **self.OPTIONS)
        assert torch.equal(again.values, first.values)
        assert torch.equal(again.converged, first.converged)
        (tmp_path / "block-000001.safetensors").unlink()
        with pytest.raises(AssertionError, match="solved again"):
            distance_matrix(SPHERE, codes, directory=tmp_path, **self.OPTIONS)

    def test_a_killed_run_goes_on_where_it_was(self, tmp_path):
        codes, program = _patch(9), tmp_path / "run.py"
        torch.save(codes, tmp_path / "codes.pt")
        # The process is gone, without any clean-up, in the middle of writing its third block.
        program.write_text(
            textwrap.dedent(f"""
            import os, torch
            from geolatent.geodesics import block_store
            from geolatent.geodesics.distance_matrix import distance_matrix
            from geolatent.metrics import PullbackMetric
            from geolatent.networks import Sphere

            replace = os.replace

            def dying(source, target):
                if "block-000002" in str(target):
                    os._exit(9)
                replace(source, target)

            os.replace = dying
            codes = torch.load({str(tmp_path / "codes.pt")!r})
            distance_matrix(
                PullbackMetric(Sphere()), codes, pairs_at_once=10, directory={str(tmp_path / "d")!r}
            )
            """)
        )
        killed = subprocess.run([sys.executable, "-W", "ignore", str(program)], check=False)
        assert killed.returncode == 9
        blocks = DistanceBlocks(
            SPHERE, codes, directory=tmp_path / "d", segments=32, **self.OPTIONS
        )
        assert blocks.missing() == [2, 3]
        resumed = distance_matrix(SPHERE, codes, directory=tmp_path / "d", **self.OPTIONS)
        whole = distance_matrix(SPHERE, codes, **self.OPTIONS)
        torch.testing.assert_close(resumed.values, whole.values, rtol=1e-12, atol=0)

    def test_blocks_can_be_solved_elsewhere_in_any_order(self, tmp_path, monkeypatch):
        codes = _patch(9)
        for block in (3, 1, 0, 2):
            worker = DistanceBlocks(SPHERE, codes, directory=tmp_path, segments=32, **self.OPTIONS)
            worker.solve(block)
        assert worker.missing() == []
        monkeypatch.setattr(distance_blocks, "connect", None)
        collected = distance_matrix(SPHERE, codes, directory=tmp_path, **self.OPTIONS)
        torch.testing.assert_close(
            collected.values, _table(Sphere(), codes, codes), rtol=1e-6, atol=1e-7
        )

    def test_damaged_blocks_are_solved_again(self, tmp_path):
        codes = _patch(9)
        first = distance_matrix(SPHERE, codes, directory=tmp_path, **self.OPTIONS)
        damaged = tmp_path / "block-000002.safetensors"
        damaged.write_bytes(damaged.read_bytes()[:-30])
        again = distance_matrix(SPHERE, codes, directory=tmp_path, **self.OPTIONS)
        assert torch.equal(again.values, first.values)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"points": 1}, "points differs"),
            ({"metric": 1}, "lengths of straight lines differs"),
            ({"segments": 8}, "options differs"),
            ({"pairs_at_once": 5}, "pairs_at_once differs"),
            ({"other": 1}, "other differs"),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
    )
    def test_another_run_is_refused(self, tmp_path, change, message):
        codes = _patch(6)
        distance_matrix(SPHERE, codes, directory=tmp_path, **self.OPTIONS)
        options, metric, other = dict(self.OPTIONS), SPHERE, None
        if "points" in change:
            codes = codes + 1e-12
        elif "metric" in change:
            metric = PullbackMetric(lambda z: 1.001 * Sphere()(z))
        elif "other" in change:
            other = codes
        else:
            options |= change
        with pytest.raises(ValueError, match=message):
            distance_matrix(metric, codes, other, directory=tmp_path, **options)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ((Arc(0.5),), (Arc(-0.5),)),
            ((Arc(0.5, seed=1),), (Arc(0.5, seed=2),)),
            ((StraightLine(), Arc(0.5)), (StraightLine(),)),
            (3, 4),  # neighbours of a graph
        ],
    )
    def test_other_options_of_initialisations_are_refused(self, tmp_path, one, other):
        codes = _patch(6)

        def blocks(start):
            graph = (CodeGraph(SPHERE, codes, neighbours=start),) if start in (3, 4) else start
            return DistanceBlocks(SPHERE, codes, directory=tmp_path, initialisations=graph)

        blocks(one)
        blocks(one)
        with pytest.raises(ValueError, match="options differs"):
            blocks(other)

    def test_numbers_of_numpy_are_numbers(self, tmp_path):
        codes = _patch(3)
        DistanceBlocks(SPHERE, codes, directory=tmp_path, max_iterations=np.int64(2))
        DistanceBlocks(SPHERE, codes, directory=tmp_path, max_iterations=2)
        with pytest.raises(ValueError, match="max_iterations"):
            DistanceBlocks(SPHERE, codes, directory=tmp_path, max_iterations=np.int64(200))

    @pytest.mark.parametrize("start", [lambda *_: None, object(), np.zeros(2)])
    def test_what_cannot_be_recognised_is_refused(self, tmp_path, start):
        with pytest.raises(TypeError, match="no public attributes"):
            DistanceBlocks(SPHERE, _patch(3), directory=tmp_path, initialisations=(start,))

    def test_the_rounding_of_another_machine_is_not_another_metric(self, tmp_path):
        codes = _patch(6)
        distance_matrix(SPHERE, codes, directory=tmp_path, **self.OPTIONS)
        rounded = PullbackMetric(lambda z: (1 + 1e-14) * Sphere()(z))
        DistanceBlocks(rounded, codes, directory=tmp_path, segments=32, **self.OPTIONS)


class TestApproximations:
    def test_graph_distances_are_upper_bounds_that_say_how_far_off_they_are(self):
        codes = _patch(60)
        result = distance_matrix(SPHERE, codes, method="graph", neighbours=15)
        exact = _table(Sphere(), codes, codes)
        assert (result.values >= exact * (1 - 1e-6) - 1e-12).all()
        assert torch.equal(result.values, result.values.T)
        off = (result.values / exact)[~torch.eye(60, dtype=torch.bool)] - 1
        assert result.sample_error.mean() == pytest.approx(off.mean().item(), rel=0.5)
        closer = distance_matrix(SPHERE, codes, method="graph", neighbours=59)
        assert closer.sample_error.mean() < result.sample_error.mean()
        assert "relative error of 200 random pairs" in str(result)

    def test_landmarks_bound_the_distances(self):
        codes = _patch(40)
        result = distance_matrix(SPHERE, codes, method="landmarks", landmarks=8)
        exact = _table(Sphere(), codes, codes)
        slack = 1e-6 * exact.max()
        assert (result.lower <= exact + slack).all()
        assert (result.upper >= exact - slack).all()
        assert (result.lower <= result.values).all()
        assert (result.values <= result.upper).all()
        off = (result.values / exact)[~torch.eye(40, dtype=torch.bool)] - 1
        measured = result.sample_error.abs().mean()
        assert measured == pytest.approx(off.abs().mean().item(), rel=0.5)
        assert measured < 0.05
        more = distance_matrix(SPHERE, codes, method="landmarks", landmarks=40)
        torch.testing.assert_close(more.values, exact, rtol=5e-6, atol=1e-7)  # all are exact

    def test_between_two_sets(self):
        rows, columns = _patch(15), _patch(20)
        exact = _table(Sphere(), rows, columns)
        for method in ("graph", "landmarks"):
            result = distance_matrix(SPHERE, rows, columns, method=method, neighbours=30)
            assert result.values.shape == (15, 20)
            torch.testing.assert_close(result.values, exact, rtol=0.1, atol=0)

    def test_landmarks_are_kept_on_disk(self, tmp_path):
        codes = _patch(12)
        options = {"method": "landmarks", "landmarks": 3, "directory": tmp_path}
        first = distance_matrix(SPHERE, codes, **options)
        assert list(tmp_path.glob("block-*.safetensors"))
        assert torch.equal(distance_matrix(SPHERE, codes, **options).values, first.values)

    def test_random_state_is_left_alone_and_samples_are_repeatable(self):
        codes, state = _patch(12), torch.get_rng_state()
        first = distance_matrix(SPHERE, codes, method="graph", neighbours=4, seed=3)
        assert torch.equal(torch.get_rng_state(), state)
        again = distance_matrix(SPHERE, codes, method="graph", neighbours=4, seed=3)
        assert torch.equal(first.sample_error, again.sample_error)
        none = distance_matrix(SPHERE, codes, method="graph", sample=0)
        assert len(none.sample_error) == 0


class TestTriangleInequality:
    def test_closure_of_known_ways(self):
        gaps = torch.tensor([[0.0, 1.0, 9.0], [1.0, 0.0, 2.0], [9.0, 2.0, 0.0]])
        assert triangle_closure(gaps)[0, 2] == 3
        gaps[0, 2] = gaps[2, 0] = torch.nan
        assert triangle_closure(gaps)[0, 2] == 3
        gaps[1, 2] = gaps[2, 1] = torch.nan
        assert triangle_closure(gaps)[0, 2] == torch.inf

    def test_unknown_distances_bound_nothing(self):
        known = torch.tensor([[1.0, torch.nan, 4.0]])
        lower, upper = triangle_bounds(known, known)
        assert lower[0].tolist() == [0, 0, 3]
        assert upper[0].tolist() == [2, torch.inf, 5]

    def test_landmarks_correct_each_other(self):
        known = torch.tensor([[0.0, 1.0, 9.0, torch.nan], [1.0, 0.0, 2.0, torch.nan]])
        known = shortened_through_each_other(known, torch.tensor([0, 1]))
        assert known[:, :3].tolist() == [[0, 1, 3], [1, 0, 2]]
        assert known[:, 3].isnan().all()


class TestProgress:
    def test_writes_nothing_to_a_file(self, capsys, monkeypatch):
        monkeypatch.setattr("geolatent.geodesics.block_progress._PATIENCE", -1.0)
        assert list(progress_bar(range(3), title="geodesics")) == [0, 1, 2]
        captured = capsys.readouterr()
        assert captured.out == captured.err == ""

    def test_shows_a_bar_in_a_terminal(self, capsys, monkeypatch):
        monkeypatch.setattr("geolatent.geodesics.block_progress._PATIENCE", -1.0)
        monkeypatch.setitem(os.environ, "FORCE_COLOR", "1")  # how rich is told of a terminal
        assert list(progress_bar(range(3), title="geodesics")) == [0, 1, 2]
        assert "3/3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "method must be one of"),
        ({"method": "graph", "directory": "d"}, "leave directory out"),
        ({"landmarks": 0}, "landmarks must be a whole number of at least 1, got 0"),
        ({"sample": -1}, "sample must not be negative"),
        ({"pairs_at_once": 0}, "pairs_at_once must be a whole number"),
        ({"other": torch.zeros(2, 3)}, r"\(2, 3\)"),
        ({"other": torch.zeros(2, 2).double()}, "float64"),
        ({"other": torch.tensor([[0.0, 0.0], [torch.nan, 0.0]])}, "the first is row 1"),
    ],
)
@pytest.mark.usefixtures("as_in_production")
def test_refuses_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        distance_matrix(EuclideanMetric(), torch.zeros(3, 2), **options)


def test_blocks_are_counted():
    blocks = DistanceBlocks(EuclideanMetric(), torch.randn(6, 2), pairs_at_once=4)
    assert len(blocks) == 4
    pairs = torch.cat([blocks.pairs_of(k) for k in range(4)])
    assert torch.equal(pairs, torch.triu_indices(6, 6, 1).T)
    with pytest.raises(ValueError, match="one of 4, counted from 0, got 4"):
        blocks.solve(4)
    table = DistanceBlocks(EuclideanMetric(), torch.randn(3, 2), torch.randn(2, 2), pairs_at_once=9)
    assert table.pairs_of(0).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]


def test_workers_find_the_same_distances():
    codes = torch.randn(6, 2)
    metric = PullbackMetric(MLP(2, 5, hidden=(8,)))
    alone = distance_matrix(metric, codes, progress=False, pairs_at_once=4)
    together = distance_matrix(metric, codes, progress=False, pairs_at_once=4, workers=2)
    torch.testing.assert_close(together.values, alone.values, rtol=1e-5, atol=0)
    assert torch.equal(together.converged, alone.converged)


def test_workers_must_be_positive():
    with pytest.raises(ValueError, match="workers"):
        distance_matrix(EuclideanMetric(), torch.zeros(3, 2), workers=0)
