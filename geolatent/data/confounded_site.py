"""Two digits that come from two hospitals, nearly one digit from each."""

import dataclasses

import torch

from geolatent.data.data_set import DataSet
from geolatent.data.data_split import DataSplit, split
from geolatent.data.digits import digits
from geolatent.data.scaling import ScalingKind

_CLASSES = (3, 8)


def confounded_site(
    *,
    strength: float = 0.4,
    agreement: float = 0.95,
    validation: float = 0.15,
    test: float = 0.3,
    seed: int = 0,
    scaling: ScalingKind = "none",
) -> DataSplit:
    r"""Digits 3 and 8 with a site whose device leaves a ramp of grey, so that the answer is known.

    .. math:: x' = (1 - a)\,x + a\,r_s, \qquad P(s = \text{class}) = ρ

    with a ramp r that rises from left to right at site 1 and falls at site 0. A model of these data
    may learn the site instead of the class; at a = 0 the images know nothing of the site.

    Args:
        strength: a, in [0, 1].
        agreement: ρ, in [0, 1]; 0.5 is a site that has nothing to do with the class.
        validation: share of the items for validation, in [0, 1).
        test: share of the items for testing, in [0, 1).
        seed: of the sites and of the split.
        scaling: 'none' leaves [0, 1].

    Returns:
        The split data set, 357 images, float32; `nuisance["site"]` is 0 or 1.

    Raises:
        ValueError: `strength` or `agreement` is not in [0, 1].
    """
    for name, value in (("strength", strength), ("agreement", agreement)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name}={value} must be in [0, 1].")
    everything = digits(validation=0, test=0).data_set
    assert everything.labels is not None
    rows = torch.isin(everything.labels, torch.tensor(_CLASSES)).nonzero().squeeze(1)
    x, labels = everything.data[rows], (everything.labels[rows] == _CLASSES[1]).long()
    random = torch.Generator().manual_seed(seed)
    agrees = torch.rand(len(rows), generator=random) < agreement
    site = torch.where(agrees, labels, 1 - labels)
    rising = torch.linspace(0, 1, 8).repeat(8)
    ramp = torch.where(site[:, None] == 1, rising, 1 - rising)
    data_set: DataSet = dataclasses.replace(
        everything,
        name="confounded site",
        data=(1 - strength) * x + strength * ramp,
        labels=labels,
        label_names=tuple(str(name) for name in _CLASSES),
        nuisance={"site": site},
        source=f"{everything.source} Digits 3 and 8, with a computed site.",
    )
    return split(data_set, validation=validation, test=test, seed=seed, scaling=scaling)
