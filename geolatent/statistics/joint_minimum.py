"""Means and curves of minimal energy, found together."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from geolatent.geodesics.quasi_newton import shorter_step
from geolatent.statistics.joint_energy import ArrowInverse, JointEnergy, Star
from geolatent.statistics.sample import Sample, group_sum

_PAIRS = 8  # remembered steps
_REFRESH = 8  # iterations between Gauss-Newton matrices
_NEGLIGIBLE = 2e-3  # of the tolerance: a predicted decrease that is not worth an evaluation
_ARMIJO = 1e-4
_SHORTEST_STEP = 1e-4


class JointMinimum(NamedTuple):
    """What the groups came to."""

    at: Star
    value: Float[Tensor, "g"]
    converged: Bool[Tensor, "g"]
    iterations: Int[Tensor, "g"]


class _Pair(NamedTuple):
    """A step, the change of gradient along it, and the reciprocal of their product (or 0)."""

    step: Star
    change: Star
    weight: Float[Tensor, "g"]


def minimise_jointly(
    problem: JointEnergy, at: Star, *, tolerance: float, max_iterations: int
) -> JointMinimum:
    r"""Minimise the energy over means and curves at once.

    L-BFGS with one memory for a group, whose initial matrix is the inverse of the arrow-shaped
    Gauss-Newton matrix. Groups do not know of each other: each has its own step and its own end.

    Args:
        problem: what to minimise.
        at: initial means and curves.
        tolerance: a group has converged when a step lowers its energy by less than this fraction
            twice in a row, or is predicted to lower it by less than 0.002 of it.
        max_iterations: evaluations of the energy for one group.

    Returns:
        The minima; a group whose energy is not finite at the start is returned as it came.

    References:
        Nocedal, J., Wright, S. J. (2006). Numerical Optimization, algorithm 7.4.
    """
    value, gradient = problem.value_and_gradient(at)
    count = problem.sample.count
    result = Star(at.centre.clone(), at.inner.clone())
    final = value.clone()
    converged = torch.zeros(count, dtype=torch.bool, device=value.device)
    iterations = torch.ones(count, dtype=torch.long, device=value.device)
    member = torch.arange(count, device=value.device)
    curve = torch.arange(len(at.inner), device=value.device)
    # A sum of squares: its rounding error is a few units in the last place.
    noise = 3 * torch.finfo(value.dtype).eps

    ended = ~_finite(value, gradient, problem.sample)
    settled = torch.zeros_like(ended)
    inverse = problem.inverse(at) if len(curve) else None
    memory: list[_Pair] = []
    direction, step = gradient, torch.ones_like(value)
    backtracking, was_small = torch.zeros_like(ended), torch.zeros_like(ended)
    for evaluation in range(1, max_iterations + 1):
        assert inverse is not None
        aimed = _aim(inverse, memory, gradient, value, problem.sample)
        direction = _where(backtracking, direction, aimed, problem.sample)
        slope = _product(direction, gradient, problem.sample)
        nothing = (-slope <= _NEGLIGIBLE * tolerance * value) & ~backtracking & ~ended
        settled, ended = settled | nothing, ended | nothing
        if evaluation == max_iterations:
            ended = torch.ones_like(ended)
        if ended.any():
            gone = ended[problem.sample.group]
            where = curve[gone]
            result.centre[member[ended]], result.inner[where] = at.centre[ended], at.inner[gone]
            final[member[ended]], converged[member[ended]] = value[ended], settled[ended]
            iterations[member[ended]] = evaluation
            left = ~ended
            if not left.any():
                break
            problem, rows = problem.of_groups(left)
            member, curve = member[left], curve[rows]
            at, gradient, direction = (
                Star(x.centre[left], x.inner[rows]) for x in (at, gradient, direction)
            )
            memory = [
                _Pair(
                    Star(p.step.centre[left], p.step.inner[rows]),
                    Star(p.change.centre[left], p.change.inner[rows]),
                    p.weight[left],
                )
                for p in memory
            ]
            value, step, slope = value[left], step[left], slope[left]
            backtracking, was_small = backtracking[left], was_small[left]
            inverse = problem.inverse(at)

        moved = _scaled(step, direction, problem.sample)
        trial = Star(at.centre + moved.centre, at.inner + moved.inner)
        trial_value, trial_gradient = problem.value_and_gradient(trial)
        decrease, expected = value - trial_value, -slope * step
        accepted = _finite(trial_value, trial_gradient, problem.sample)
        accepted &= decrease >= _ARMIJO * expected - noise * value

        small = accepted & (decrease < tolerance * value)
        exhausted = ~accepted & (step < _SHORTEST_STEP)
        settled = (small & was_small) | (exhausted & (-slope <= 1e3 * noise * value))
        ended = settled | exhausted
        was_small = torch.where(accepted, small, was_small)
        step = torch.where(accepted, 1, shorter_step(step, slope, decrease))
        backtracking = ~accepted

        trial_gradient = _where(accepted, trial_gradient, gradient, problem.sample)
        change = Star(
            trial_gradient.centre - gradient.centre, trial_gradient.inner - gradient.inner
        )
        memory.append(_pair(moved, change, accepted, problem.sample))
        memory = memory[-_PAIRS:]
        at, gradient = _where(accepted, trial, at, problem.sample), trial_gradient
        value = torch.where(accepted, trial_value, value)
        if evaluation % _REFRESH == 0:
            inverse = problem.inverse(at)
    return JointMinimum(result, final, converged, iterations)


def _aim(
    inverse: ArrowInverse, memory: list[_Pair], gradient: Star, value: Tensor, sample: Sample
) -> Star:
    """A direction of descent for every group."""
    newton = _two_loops(inverse, memory, gradient, sample)
    slope = _product(newton, gradient, sample)
    square = _product(gradient, gradient, sample)
    tiny = torch.finfo(value.dtype).tiny
    # As far along the gradient as would bring the energy down to nothing.
    steepest = _scaled(-value / square.clamp_min(tiny), gradient, sample)
    usable = (slope < 0) & inverse.positive_definite
    return _where(usable, newton, steepest, sample)


def _two_loops(inverse: ArrowInverse, memory: list[_Pair], gradient: Star, sample: Sample) -> Star:
    """Minus the quasi-Newton inverse times the gradient."""
    right = Star(-gradient.centre, -gradient.inner)
    shares = []
    for pair in reversed(memory):
        share = pair.weight * _product(pair.step, right, sample)
        right = _plus(right, -share, pair.change, sample)
        shares.append(share)
    result = inverse.solve(right)
    for pair, share in zip(memory, reversed(shares), strict=True):
        back = pair.weight * _product(pair.change, result, sample)
        result = _plus(result, share - back, pair.step, sample)
    return result


def _pair(step: Star, change: Star, accepted: Tensor, sample: Sample) -> _Pair:
    product = _product(step, change, sample)
    sizes = _product(step, step, sample) * _product(change, change, sample)
    # Positive curvature along the step, beyond what rounding of the product could pretend.
    usable = accepted & (product > 1e-8 * sizes.sqrt())
    return _Pair(step, change, torch.where(usable, 1 / torch.where(usable, product, 1), 0))


def _product(one: Star, other: Star, sample: Sample) -> Float[Tensor, "g"]:
    curves = (one.inner * other.inner).sum((1, 2))
    centre = (one.centre * other.centre).sum(1)
    return centre + group_sum(curves, sample.group, sample.count)


def _scaled(factor: Float[Tensor, "g"], vector: Star, sample: Sample) -> Star:
    each = factor[sample.group]
    return Star(factor[:, None] * vector.centre, each[:, None, None] * vector.inner)


def _plus(one: Star, factor: Float[Tensor, "g"], other: Star, sample: Sample) -> Star:
    more = _scaled(factor, other, sample)
    return Star(one.centre + more.centre, one.inner + more.inner)


def _where(condition: Bool[Tensor, "g"], one: Star, other: Star, sample: Sample) -> Star:
    each = condition[sample.group]
    return Star(
        torch.where(condition[:, None], one.centre, other.centre),
        torch.where(each[:, None, None], one.inner, other.inner),
    )


def _finite(value: Tensor, gradient: Star, sample: Sample) -> Bool[Tensor, "g"]:
    bad = (~gradient.inner.isfinite()).any(2).any(1)
    spoilt = group_sum(bad.to(value), sample.group, sample.count) > 0
    return value.isfinite() & gradient.centre.isfinite().all(1) & ~spoilt
