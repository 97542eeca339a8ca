import numpy as np
import pytest

from geolatent.data.coded_labels import coded_labels


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([8, 3, 8], ("3", "8")),
        ([8.0, 3.0, 8.0], ("3", "8")),
        (["b", "a", "b"], ("a", "b")),
        ([True, False, True], ("False", "True")),
        (np.array(["b", "a", "b"], dtype=object), ("a", "b")),
        ([[8], [3], [8]], ("3", "8")),
    ],
)
def test_labels_of_any_kind_are_numbered(values, names):
    codes, found = coded_labels(values, items=3, name="y")
    assert codes.tolist() == [1, 0, 1]
    assert found == names


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1], r"shape \(2,\), expected \(3,\)"),
        ([0, np.nan, 1], "1 labels are missing, the first in row 1"),
        (np.array(["a", None, "b"], dtype=object), "1 labels are missing, the first in row 1"),
        ([0.5, 1, 2], "such as 0.5 are measurements"),
    ],
)
def test_what_cannot_be_a_class_is_refused(values, expected):
    with pytest.raises(ValueError, match=expected):
        coded_labels(values, items=3, name="y")


def test_identifiers_are_refused():
    with pytest.raises(ValueError, match="2000 different labels"):
        coded_labels(np.arange(2000), items=2000, name="y")
