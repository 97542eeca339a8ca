import numpy as np
import pytest
import torch

from geolatent.data import checked_data


def test_rows_stay_as_they_are():
    values = np.arange(6.0).reshape(3, 2)
    data, shape = checked_data(values, name="x")
    assert shape is None
    assert data.dtype == torch.float32
    assert data.tolist() == values.tolist()


def test_images_are_flattened_and_their_shape_is_kept():
    values = np.arange(24.0).reshape(2, 3, 4)
    data, shape = checked_data(values, name="x")
    assert shape == (3, 4)
    assert data.tolist() == values.reshape(2, 12).tolist()


def test_the_callers_array_is_not_shared():
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    data, _ = checked_data(values, name="x")
    data += 1
    assert values[0, 0] == 0


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "uint16", ">f4", "<f8", "f2", "uint64"]
)
def test_every_real_dtype_is_taken(dtype):
    values = np.array([[0, 1], [1, 0]]).astype(dtype)
    data, _ = checked_data(values, name="x")
    assert data.tolist() == [[0, 1], [1, 0]]


def test_not_finite_values_are_counted_and_located():
    values = np.ones((5, 3))
    values[0, 0] = 2
    values[3, 1] = np.nan
    values[4, 2] = -np.inf
    expected = r"1 NaN and 1 infinite values in 2 of 5 rows.*\(row 3, column 'b'\), \(row 4"
    with pytest.raises(ValueError, match=expected):
        checked_data(values, name="x", feature_names=("a", "b", "c"))


def test_values_beyond_float32_are_explained():
    with pytest.raises(ValueError, match=r"1 of them do not fit in torch.float32.*float64"):
        checked_data(np.array([[1e300, 1.0]]), name="x")
    data, _ = checked_data(np.array([[1e300, 1.0]]), name="x", dtype=torch.float64)
    assert data[0, 0] == 1e300


@pytest.mark.parametrize("shape", [(), (4,), (0, 3), (3, 0), (0, 2, 2)])
def test_wrong_shapes_are_refused_with_the_shape(shape):
    with pytest.raises(
        ValueError, match=rf"x: .*{'is' if 0 in shape else 'got'} \({', '.join(map(str, shape))}"
    ):
        checked_data(np.ones(shape), name="x")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[1, "a"]], dtype=object), "dtype object.*astype"),
        (np.array([[1 + 2j]]), "complex128.*modulus"),
        (np.array([["a", "b"]]), "Text cannot"),
        (np.array([["2020-01-01"]], dtype="datetime64[D]"), "times"),
        (torch.ones(2, 2, dtype=torch.complex64), "complex64.*modulus"),
    ],
)
def test_what_is_not_real_is_refused(values, expected):
    with pytest.raises(TypeError, match=expected):
        checked_data(values, name="x")


def test_constant_data_are_refused_unless_allowed():
    with pytest.raises(ValueError, match="all 6 values equal 3"):
        checked_data(np.full((2, 3), 3), name="x")
    checked_data(np.full((2, 3), 3), name="x", allow_constant=True)
