"""The length of FlatVI's public code: a divergence along a curve that hardly moved."""

import torch
from jaxtyping import Float
from torch import Tensor

from geolatent.geodesics.cubic_interpolation import interpolate
from geolatent.likelihoods import NegativeBinomial
from geolatent.models import VAE

_KNOTS, _POINTS = 5, 100
_STEPS, _LEARNING_RATE = 100, 1e-4


def unfinished_length(
    model: VAE, start: Float[Tensor, "b d"], end: Float[Tensor, "b d"]
) -> Float[Tensor, "b"]:
    r"""What is compared there with the **squared** Euclidean distance of the codes.

    .. math:: \sqrt{2 \sum_{i=1}^{99} KL\big(p(x | z_i) ‖ p(x | z_{i+1})\big)}

    at 100 points of a cubic spline, after 100 steps of Adam, at a learning rate of 1e-4, from the
    straight line: its nodes move by 0.01 at most. Each divergence is half the square of a length,
    so that the root of their sum is about 1/√99 of the curve's length, and less with more points.

    Args:
        model: with a negative-binomial likelihood.
        start: codes.
        end: codes.

    References:
        Palma, A. et al. (2025). Enforcing latent Euclidean geometry in single-cell VAEs for
        manifold interpolation. arXiv 2507.11789; its public code, which has the spline in other
        coordinates.
    """
    likelihood = model.likelihood
    if not isinstance(likelihood, NegativeBinomial):
        raise TypeError(f"{type(likelihood).__name__} is no negative binomial.")
    log_dispersion = likelihood.dispersion().detach()
    times = torch.linspace(0, 1, _KNOTS).to(start)
    nodes = torch.lerp(start[:, None], end[:, None], times[:, None])
    inner = nodes[:, 1:-1].clone().requires_grad_()
    at = torch.linspace(0, 1, _POINTS, dtype=torch.float64)

    def length() -> Tensor:
        curve = interpolate(torch.cat([nodes[:, :1], inner, nodes[:, -1:]], 1), at)
        log_mean = model.decoder(model.decoder_inputs(curve))
        steps = divergence(log_mean[:, :-1], log_mean[:, 1:], log_dispersion)
        return (2 * steps.sum((1, 2))).sqrt()

    optimizer = torch.optim.Adam([inner], lr=_LEARNING_RATE)
    for _ in range(_STEPS):
        (inner.grad,) = torch.autograd.grad(length().sum(), inner)
        optimizer.step()
    with torch.no_grad():
        return length()


def divergence(
    log_mean: Float[Tensor, "*b p"],
    other: Float[Tensor, "*b p"],
    log_dispersion: Float[Tensor, "*p"],
) -> Float[Tensor, "*b p"]:
    r"""KL divergence of negative binomials of one dispersion r, gene by gene.

    .. math:: r \log\frac{r + μ'}{r + μ} + μ \Big(\log\frac{μ}{r + μ} - \log\frac{μ'}{r + μ'}\Big)

    Args:
        log_mean: log μ.
        other: log μ'.
        log_dispersion: log r.
    """
    total = torch.logaddexp(log_mean, log_dispersion)  # log(r + μ)
    other_total = torch.logaddexp(other, log_dispersion)
    logits = (log_mean - total) - (other - other_total)
    return log_dispersion.exp() * (other_total - total) + log_mean.exp() * logits
