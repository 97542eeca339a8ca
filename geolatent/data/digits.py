"""Handwritten digits, which come with scikit-learn."""

from collections.abc import Sequence

import torch

from geolatent.data.data_set import DataSet
from geolatent.data.data_split import DataSplit, split
from geolatent.data.scaling import ScalingKind


def digits(
    *,
    classes: Sequence[int] | None = None,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    scaling: ScalingKind = "none",
) -> DataSplit:
    """Load 1797 handwritten digits of 8 × 8 pixels with values in [0, 1].

    Args:
        classes: which digits, in the order of their labels; None for all ten.
        validation: share of the items for validation, in [0, 1).
        test: share of the items for testing, in [0, 1).
        seed: which split; classes are spread evenly over the parts.
        scaling: 'none' leaves [0, 1].

    Returns:
        The split data set, float32.

    Raises:
        ValueError: the classes are not different digits.

    References:
        Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
        Repository, 1998.
    """
    from sklearn.datasets import load_digits  # slow to import

    chosen = list(range(10) if classes is None else classes)
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(10)):
        raise ValueError(f"classes={chosen} must be different digits, 0 to 9.")
    bunch = load_digits()
    target = torch.from_numpy(bunch.target)[:, None] == torch.tensor(chosen)
    kept = target.any(1)
    data_set = DataSet(
        name="digits",
        data=torch.from_numpy(bunch.data / 16)[kept].to(torch.float32),  # 16 grey levels
        labels=target[kept].int().argmax(1),
        label_names=tuple(str(digit) for digit in chosen),
        value_range=(0.0, 1.0),
        image_shape=(8, 8),
        feature_names=tuple(bunch.feature_names),
        source="The test part of the UCI handwritten digits, as shipped with scikit-learn.",
        licence="CC BY 4.0 (UCI Machine Learning Repository, doi 10.24432/C50P49).",
    )
    return split(data_set, validation=validation, test=test, seed=seed, scaling=scaling)
