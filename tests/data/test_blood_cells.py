import builtins

import h5py
import numpy as np
import pytest
import torch

from geolatent.data import MissingExtra, blood_cells


def test_counts_are_recovered_from_the_logarithms(cell_file):
    file, counts = cell_file
    data_set = blood_cells(path=file).data_set
    assert torch.equal(data_set.data, torch.from_numpy(counts).float())
    logarithms = blood_cells(path=file, values="log").data_set.data
    assert not torch.equal(logarithms, logarithms.round())
    assert torch.equal(logarithms == 0, data_set.data == 0)


def test_what_is_known_about_the_cells(cell_file):
    data_set = blood_cells(path=cell_file[0]).data_set
    assert data_set.feature_names[:2] == ("G0", "G1")
    assert set(data_set.label_names) == {"CD19+ B", "CD34+", "Dendritic"}
    tree = data_set.label_tree
    assert tree is not None
    assert tree.distances(("CD34+", "Dendritic")).tolist() == [[0, 2], [2, 0]]
    assert data_set.groups["cell cycle"].names == ("G1", "S")
    assert len(data_set.groups["cluster"].codes) == len(data_set.data)


def test_other_normalisations_are_refused_as_counts(cell_file):
    file, _ = cell_file
    with h5py.File(file, "r+") as store:
        store["raw.X/data"][:] = 0.9 * store["raw.X/data"][:]
    with pytest.raises(ValueError, match=r"away from whole numbers.*values='log'"):
        blood_cells(path=file)
    blood_cells(path=file, values="log")


@pytest.mark.usefixtures("as_in_production")
def test_other_files_are_refused(cell_file, tmp_path):
    file, _ = cell_file
    with h5py.File(file, "r+") as store:
        del store["obs"]
    with pytest.raises(ValueError, match=r"expected an \.h5ad file like"):
        blood_cells(path=file)
    text = tmp_path / "text.h5ad"
    text.write_text("not HDF5")
    with pytest.raises(ValueError, match=r"expected an \.h5ad file like"):
        blood_cells(path=text)
    with pytest.raises(FileNotFoundError, match="no such file"):
        blood_cells(path=tmp_path / "absent.h5ad")
    with pytest.raises(ValueError, match="choose one of"):
        blood_cells(path=file, values="raw")


def test_unknown_cell_types_are_refused(cell_file):
    file, _ = cell_file
    with h5py.File(file, "r+") as store:
        store["uns/bulk_labels_categories"][0] = np.bytes_("Neuron")
    with pytest.raises(ValueError, match=r"\['Neuron'\] are not in the tree"):
        blood_cells(path=file)


def test_missing_packages_are_named(cell_file, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("geolatent.data.packaged_file.find_spec", lambda name: None)
        with pytest.raises(MissingExtra, match=r"scanpy.*geolatent-toolkit\[cells\]"):
            blood_cells()
    real = builtins.__import__

    def without_h5py(name, *args, **kwargs):
        if name == "h5py":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_h5py)
    with pytest.raises(MissingExtra, match=r"h5py.*geolatent-toolkit\[cells\]"):
        blood_cells(path=cell_file[0])
