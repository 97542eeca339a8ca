"""How well clusters find classes."""

import torch
from jaxtyping import Int
from torch import Tensor


def clustering_f_measure(classes: Int[Tensor, "b"], clusters: Int[Tensor, "b"]) -> float:
    r"""The F-measure of each class with the cluster that fits it best, by the size of the class.

    .. math:: \sum_c \frac{n_c}{n} \max_k F_{ck}, \qquad
        F_{ck} = \frac{2\, n_{ck}}{n_c + n_k}

    Args:
        classes: of the items.
        clusters: of the items, in any numbering.

    References:
        Larsen, B., Aone, C. (1999). Fast and effective text mining using linear-time document
        clustering. KDD.
    """
    one = torch.nn.functional.one_hot(classes).double()
    other = torch.nn.functional.one_hot(clusters).double()
    total = one.sum(0)[:, None] + other.sum(0)
    # A number that no item has, in the middle of the numbering, has no items on either side.
    best = (2 * one.T @ other / total.clamp_min(1)).amax(1)
    return float((one.sum(0) * best).sum() / len(classes))
