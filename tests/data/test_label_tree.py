import pytest
import torch

from geolatent.data import BLOOD_LINEAGE, LabelTree


def test_distances_are_edges():
    tree = LabelTree({"b": "a", "c": "a", "d": "c", "e": "c"})
    table = tree.distances(("a", "b", "d", "e"))
    expected = torch.tensor([[0, 1, 2, 2], [1, 0, 3, 3], [2, 3, 0, 2], [2, 3, 2, 0]])
    assert torch.equal(table, expected.double())
    assert tree.line("d") == ("a", "c", "d")


def test_what_is_no_tree_is_refused():
    with pytest.raises(ValueError, match="one root"):
        LabelTree({"a": "b", "c": "d"})
    with pytest.raises(ValueError, match="one root"):
        LabelTree({})
    with pytest.raises(ValueError, match="descends from itself"):
        LabelTree({"a": "b", "b": "a", "c": "root"})
    with pytest.raises(ValueError, match="'z' is not a node"):
        LabelTree({"a": "b"}).distances(("z",))


def test_the_lineage_of_blood():
    assert BLOOD_LINEAGE.line("CD8+ Cytotoxic T") == (
        "CD34+", "lymphoid", "T and NK", "T", "CD8+ T", "CD8+ Cytotoxic T"
    )  # fmt: skip
    distances = BLOOD_LINEAGE.distances(("CD14+ Monocyte", "Dendritic", "CD19+ B"))
    assert distances[0].tolist() == [0, 2, 4]
