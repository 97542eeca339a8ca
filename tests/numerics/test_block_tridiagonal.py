import pytest
import torch

from geolatent.numerics.block_tridiagonal import BlockTridiagonalFactor


def _system(batch, blocks, size):
    """A random positive definite block-tridiagonal matrix, dense and in blocks."""
    factor = torch.zeros(batch, blocks, size, blocks, size, dtype=torch.float64)
    for i in range(blocks):
        factor[:, i, :, i] = torch.randn(batch, size, size) + 3 * size * torch.eye(size)
        if i:
            factor[:, i, :, i - 1] = torch.randn(batch, size, size)
    flat = factor.reshape(batch, blocks * size, blocks * size)
    dense = (flat @ flat.mT).reshape(batch, blocks, size, blocks, size)
    diagonal = torch.stack([dense[:, i, :, i] for i in range(blocks)], 1)
    upper = [dense[:, i, :, i + 1] for i in range(blocks - 1)]
    upper = torch.stack(upper, 1) if upper else dense.new_zeros(batch, 0, size, size)
    return flat @ flat.mT, diagonal, upper


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("blocks", [1, 2, 3, 7, 8, 31])
def test_solves_what_a_dense_solver_solves(blocks, size):
    dense, diagonal, upper = _system(4, blocks, size)
    right = torch.randn(4, blocks, size, 3, dtype=torch.float64)
    solution = BlockTridiagonalFactor(diagonal, upper).solve(right)
    expected = torch.linalg.solve(dense, right.reshape(4, blocks * size, 3))
    # The random systems have condition numbers below about 1e3.
    torch.testing.assert_close(solution.reshape_as(expected), expected, rtol=1e-9, atol=1e-12)


def test_kept_rows_solve_as_before():
    _, diagonal, upper = _system(5, 9, 2)
    right = torch.randn(5, 9, 2, 1, dtype=torch.float64)
    factor = BlockTridiagonalFactor(diagonal, upper)
    before = factor.solve(right)
    rows = torch.tensor([True, False, True, True, False])
    factor.keep(rows)
    assert torch.equal(factor.solve(right[rows]), before[rows])


@pytest.mark.parametrize("size", [1, 2, 3])
def test_says_which_matrix_is_not_positive_definite(size):
    _, diagonal, upper = _system(3, 4, size)
    diagonal[1, 2] -= 100 * torch.eye(size)
    assert BlockTridiagonalFactor(diagonal, upper).positive_definite.tolist() == [True, False, True]
