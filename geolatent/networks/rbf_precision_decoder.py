"""A decoder that is uncertain where there were no data."""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from typing_extensions import override

from geolatent.networks.uncertainty_fitted import UncertaintyFitted


@final
class RbfPrecisionDecoder(nn.Module, UncertaintyFitted):
    r"""Mean network with a radial-basis precision: features (μ, log σ) of a Gaussian.

    .. math::
        σ_j(h)^{-2} = \sum_k W_{jk} \exp\!\big(-\tfrac12 λ_k ‖h − c_k‖^2\big) + ζ,
        \qquad W \ge 0, \quad ζ = σ_\mathrm{far}^{-2}

    Near the training codes σ is the residual's; away from them every basis function vanishes and σ
    rises to `far_scale`, so that the expected metric makes empty regions expensive. Training has
    two stages, as in the paper: first the mean, with one learned σ; then, on the codes of the
    training data, centres by k-means, bandwidths from the spread within each cluster, and W by
    maximum likelihood with everything else frozen.

    Args:
        mean: network from `(*b, in_size)` to `(*b, p)`.
        in_size: f, the number of inputs.
        out_size: p, the number of data features.
        centres: number of basis functions.
        bandwidth_factor: a in λ_k = 1 / (a · mean distance to the centre)²; larger is smoother.
        far_scale: σ far from all data, in the units of the data (1 for data in [0, 1] or
            standardised: as uncertain as the data vary).
        initial_scale: σ at the start of the first stage.

    Raises:
        ValueError: a count is below one or a scale is not positive.

    References:
        Arvanitidis, G., Hansen, L. K., Hauberg, S. (2018). Latent space oddity: on the curvature
        of deep generative models. arXiv 1710.11379.
    """

    centre: Tensor
    inverse_square_width: Tensor
    fitted: Tensor

    def __init__(
        self,
        mean: nn.Module,
        in_size: int,
        out_size: int,
        *,
        centres: int = 64,
        bandwidth_factor: float = 1.25,
        far_scale: float = 1.0,
        initial_scale: float = 0.25,
    ) -> None:
        super().__init__()
        if centres < 1:
            raise ValueError(f"centres must be at least 1, got {centres}.")
        for name, value in (
            ("bandwidth_factor", bandwidth_factor),
            ("far_scale", far_scale),
            ("initial_scale", initial_scale),
        ):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, got {value!r}.")
        self.mean = mean
        self.bandwidth_factor = bandwidth_factor
        self.far_precision = far_scale**-2
        self.log_scale = nn.Parameter(torch.full((out_size,), math.log(initial_scale)))
        self.log_weight = nn.Parameter(torch.zeros(centres, out_size))
        self.register_buffer("centre", torch.zeros(centres, in_size))
        self.register_buffer("inverse_square_width", torch.ones(centres))
        self.register_buffer("fitted", torch.tensor(False))

    def precision(self, inputs: Float[Tensor, "*b f"]) -> Float[Tensor, "*b p"]:
        """σ⁻² of the second stage, per data feature."""
        square_distance = (inputs.unsqueeze(-2) - self.centre).square().sum(-1)
        basis = torch.exp(-0.5 * self.inverse_square_width * square_distance)
        return basis @ self.log_weight.exp() + self.far_precision

    @override
    def forward(self, inputs: Float[Tensor, "*b f"]) -> Float[Tensor, "*b k"]:
        mean = self.mean(inputs)
        if self.fitted:
            log_scale = -0.5 * self.precision(inputs).log()
        else:
            log_scale = self.log_scale.expand_as(mean)
        return torch.cat([mean, log_scale], dim=-1)

    @override
    def begin_uncertainty_fit(self, inputs: Float[Tensor, "m f"]) -> list[nn.Parameter]:
        from sklearn.cluster import KMeans  # one second to import, needed once a training

        count = self.centre.shape[0]
        if inputs.shape[0] < count:
            raise ValueError(
                f"{count} centres need at least as many training codes, got {inputs.shape[0]}; "
                "lower `centres`."
            )
        clusters = KMeans(count, n_init=4, random_state=0).fit(inputs.detach().cpu().numpy())
        centre = torch.as_tensor(clusters.cluster_centers_).to(self.centre)
        label = torch.as_tensor(clusters.labels_, device=self.centre.device, dtype=torch.long)
        distance = (inputs.to(self.centre) - centre[label]).norm(dim=-1)
        members = torch.zeros(count).to(self.centre).index_add_(0, label, torch.ones_like(distance))
        spread = torch.zeros(count).to(self.centre).index_add_(0, label, distance) / members
        # A cluster of one point has no spread of its own: it takes the average cluster's.
        spread = torch.where(members > 1, spread, spread.sum() / (members > 1).sum().clamp_min(1))
        typical = distance.mean().clamp_min(torch.finfo(distance.dtype).tiny)
        width = self.bandwidth_factor * spread.clamp_min(1e-2 * typical)
        with torch.no_grad():
            self.centre.copy_(centre)
            self.inverse_square_width.copy_(width.pow(-2))
            # About two basis functions overlap at a code: start at the first stage's precision.
            self.log_weight.copy_((-2 * self.log_scale - math.log(2)).expand_as(self.log_weight))
            self.fitted.fill_(True)
        return [self.log_weight]
