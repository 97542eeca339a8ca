import numpy as np
import pytest
import torch

from geolatent.data import load_file

VALUES = np.random.default_rng(0).normal(size=(20, 3))
CLASSES = np.array(["cat", "dog"] * 10)


@pytest.fixture
def npz(tmp_path):
    path = tmp_path / "cells.npz"
    np.savez(path, counts=VALUES, kind=CLASSES)
    return path


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "cells.csv"
    rows = [f"{a},{b},{c},{k}" for (a, b, c), k in zip(VALUES, CLASSES, strict=True)]
    path.write_text("\n".join(["height,width,depth,kind", *rows]) + "\n")
    return path


def test_an_array_file(tmp_path):
    np.save(tmp_path / "x.npy", VALUES)
    data_set = load_file(tmp_path / "x.npy", precision="float64").data_set
    assert np.array_equal(data_set.data.numpy(), VALUES)
    assert (data_set.name, data_set.labels) == ("x", None)


def test_images_of_bytes_know_their_shape_and_range(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(72, dtype=np.uint8).reshape(6, 3, 4))
    data_set = load_file(tmp_path / "x.npy").data_set
    assert data_set.image_shape == (3, 4)
    assert data_set.value_range == (0, 255)
    assert data_set.data[1, 0] == 12


def test_an_archive_with_labels(npz):
    parts = load_file(npz, key="counts", label="kind", validation=0.2, test=0.2)
    assert parts.data_set.label_names == ("cat", "dog")
    assert parts.data_set.labels[:3].tolist() == [0, 1, 0]
    assert torch.bincount(parts.test_labels).tolist() == [2, 2]
    assert np.allclose(parts.data_set.data.numpy(), VALUES)


def test_the_only_array_beside_the_labels_needs_no_key(npz):
    assert load_file(npz, label="kind").width == 3


def test_several_arrays_are_listed(npz):
    with pytest.raises(ValueError, match=r"'counts' \(20, 3\) float64, 'kind' \(20,\) <U3.*key="):
        load_file(npz)


def test_a_wrong_key_names_the_nearest(npz):
    with pytest.raises(ValueError, match=r"key='count'.*Did you mean 'counts'"):
        load_file(npz, key="count")


def test_nothing_is_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a file was unpickled",))

    for name, save in (("x.npy", np.save), ("x.npz", np.savez)):
        save(tmp_path / name, np.array([[Bomb()]], dtype=object))
        with pytest.raises(ValueError, match="Python objects, which could run code"):
            load_file(tmp_path / name)


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
@pytest.mark.parametrize("kept", [0, 4, 100, 400])
def test_truncated_arrays_are_recognised(tmp_path, name, kept):
    path = tmp_path / name
    (np.save if name.endswith("npy") else np.savez)(path, VALUES)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match="truncated, damaged"):
        load_file(path)


def test_an_archive_with_a_damaged_member(npz):
    content = bytearray(npz.read_bytes())
    content[200] ^= 0xFF
    npz.write_bytes(bytes(content))
    with pytest.raises(ValueError, match="array 'counts' cannot be read"):
        load_file(npz, key="counts")


def test_array_files_with_the_others_ending(tmp_path):
    np.save(tmp_path / "x.npy", VALUES)
    (tmp_path / "x.npy").rename(tmp_path / "x.npz")
    with pytest.raises(ValueError, match=r"rename it to \.npy"):
        load_file(tmp_path / "x.npz")


def test_a_table_with_labels(csv):
    parts = load_file(csv, label="kind", scaling="standardise")
    assert parts.data_set.feature_names == ("height", "width", "depth")
    assert np.allclose(parts.data_set.data.numpy(), VALUES)
    assert parts.data_set.label_names == ("cat", "dog")
    assert torch.allclose(parts.train.mean(0), torch.zeros(3), atol=1e-6)


def test_text_columns_are_named_with_their_first_text(csv):
    with pytest.raises(ValueError, match=r"not numeric: 'kind' \(row 0: 'cat'\).*label="):
        load_file(csv)
    assert load_file(csv, drop=["kind"]).width == 3


def test_a_wrong_column_names_the_nearest(csv):
    with pytest.raises(ValueError, match=r"no column 'kinds' \(label\). Did you mean 'kind'"):
        load_file(csv, label="kinds")


def test_missing_entries_are_located(csv):
    lines = csv.read_text().splitlines()
    lines[3] = "1.0,,2.0,cat"
    csv.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"1 NaN .*\(row 2, column 'width'\)"):
        load_file(csv, label="kind")


def test_a_table_without_header(tmp_path):
    path = tmp_path / "x.csv"
    np.savetxt(path, VALUES, delimiter=";")
    with pytest.raises(ValueError, match="header=False"):
        load_file(path, separator=";")
    assert len(load_file(path, separator=";", header=False).data_set.data) == 20


def test_row_numbers_of_pandas_do_not_become_data(tmp_path):
    import pandas

    path = tmp_path / "x.csv"
    pandas.DataFrame(VALUES, columns=["a", "b", "c"]).to_csv(path)
    with pytest.raises(ValueError, match="probably the row number"):
        load_file(path)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n3,4,5\n", b"\xff\xfe\x00a"])
def test_what_is_no_table_is_refused(tmp_path, content):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read as a table"):
        load_file(path)


def test_a_missing_file_names_the_nearest(npz):
    with pytest.raises(FileNotFoundError, match=r"Did you mean .*cells\.npz"):
        load_file(npz.with_name("cell.npz"))
    with pytest.raises(FileNotFoundError, match=r"Usable files there: \['cells\.npz'\]"):
        load_file(npz.with_name("qqq.npy"))
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_file(npz.parent / "nowhere" / "cells.npz")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        load_file(npz.parent)


def test_other_kinds_and_options_are_refused(tmp_path):
    (tmp_path / "x.xlsx").write_bytes(b"")
    with pytest.raises(ValueError, match=r"'\.xlsx' are not read"):
        load_file(tmp_path / "x.xlsx")
    np.save(tmp_path / "x.npy", VALUES)
    with pytest.raises(ValueError, match="no labels"):
        load_file(tmp_path / "x.npy", label="y")


def test_columns_without_names_are_called_by_numbers(tmp_path):
    path = tmp_path / "cells.csv"
    np.savetxt(path, np.column_stack([VALUES, np.arange(20) % 2]), delimiter=",")
    parts = load_file(path, header=False, label=3, drop=[0])
    assert parts.data_set.feature_names == ("1", "2")
    assert len(parts.data_set.label_names) == 2
