import pytest
import torch

from geolatent.data import DataSet

DATA = torch.arange(12.0).reshape(3, 4)


def test_what_fits_is_kept():
    data_set = DataSet(
        name="x",
        data=DATA,
        labels=torch.tensor([0, 1, 0]),
        label_names=("a", "b"),
        image_shape=(2, 2),
        value_range=(0.0, 11.0),
        feature_names=("p", "q", "r", "s"),
    )
    assert data_set.data is DATA


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"image_shape": (3, 2)}, r"\(3, 2\) has 6 pixels.*\(3, 4\)"),
        ({"feature_names": ("a",)}, "1 feature names for 4"),
        ({"labels": torch.tensor([0, 1])}, r"labels have shape \(2,\), expected \(3,\)"),
        ({"labels": torch.tensor([0, 1, 2]), "label_names": ("a", "b")}, "from 0 to 2.*2 label"),
        ({"labels": torch.tensor([0, -1, 0]), "label_names": ("a", "b")}, "from -1"),
        ({"value_range": (0.0, 10.0)}, "0 to 11 leave"),
        ({"value_range": (1.0, 11.0)}, "0 to 11 leave"),
    ],
)
def test_what_does_not_fit_is_refused(options, expected):
    with pytest.raises(ValueError, match=expected):
        DataSet(name="x", data=DATA, **options)
