import numpy as np
import pytest
import torch

from geolatent.data import DataSet, split, split_by_indices


def labelled(counts, seed=0):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    data = torch.arange(float(2 * len(labels))).reshape(-1, 2)
    return DataSet(
        name="x",
        data=data,
        labels=torch.from_numpy(labels),
        label_names=tuple(map(str, range(len(counts)))),
    )


def indices(parts):
    return [p.tolist() for p in (parts.train_indices, parts.validation_indices, parts.test_indices)]


@pytest.mark.parametrize("stratified", [True, False])
def test_every_row_is_in_exactly_one_part(stratified):
    parts = split(labelled([50, 31, 20]), validation=0.2, test=0.1, stratified=stratified)
    train, validation, test = indices(parts)
    assert sorted(train + validation + test) == list(range(101))
    assert (len(validation), len(test)) == (20, 10)


def test_each_class_has_its_share_to_within_one_item():
    data_set = labelled([500, 103, 40, 7])
    parts = split(data_set, validation=0.15, test=0.2, seed=3)
    for labels, share in ((parts.validation_labels, 0.15), (parts.test_labels, 0.2)):
        counts = torch.bincount(labels, minlength=4)
        expected = share * torch.bincount(data_set.labels)
        assert bool(((counts - expected).abs() <= 1).all()), (counts, expected)


def test_a_random_split_does_not_have_them():
    data_set = labelled([500, 103, 40, 7])
    parts = split(data_set, validation=0.15, test=0.2, seed=3, stratified=False)
    counts = torch.bincount(parts.test_labels, minlength=4)
    assert bool(((counts - 0.2 * torch.bincount(data_set.labels)).abs() > 1).any())


def test_the_seed_decides():
    data_set = labelled([40, 40])
    assert indices(split(data_set, seed=1)) == indices(split(data_set, seed=1))
    assert indices(split(data_set, seed=1)) != indices(split(data_set, seed=2))


def test_the_callers_random_state_is_not_used():
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    split(labelled([40, 40]))
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_a_small_share_is_not_silently_empty():
    parts = split(labelled([4, 4]), validation=0.01, test=0.0)
    assert [len(part) for part in indices(parts)] == [7, 1, 0]


@pytest.mark.parametrize(
    ("validation", "test", "expected"),
    [(1.0, 0.1, "validation=1.0"), (0.1, -0.1, "test=-0.1"), (0.5, 0.5, "leave none to train on")],
)
def test_impossible_shares_are_refused(validation, test, expected):
    with pytest.raises(ValueError, match=expected):
        split(labelled([10, 10]), validation=validation, test=test)


def test_given_rows_are_taken_in_their_order():
    data_set = labelled([5, 5])
    parts = split_by_indices(
        data_set, train=[3, 1], validation=np.array([0]), test=torch.tensor([9])
    )
    assert parts.train.tolist() == [[6, 7], [2, 3]]
    assert parts.validation.tolist() == [[0, 1]]
    assert parts.test_labels.tolist() == [int(data_set.labels[9])]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({"train": [0, 1], "test": [1]}, "first is 1, in train and test.*disjoint"),
        ({"train": [0, 0]}, "first is 0, in train"),
        ({"train": [0, 10]}, "train: 1 rows are out of range, the first is 10.*0 to 9"),
        ({"train": [0], "validation": [-1]}, "validation: 1 rows"),
        ({"train": []}, "no rows to train on"),
    ],
)
def test_impossible_rows_are_refused(rows, expected):
    with pytest.raises(ValueError, match=expected):
        split_by_indices(labelled([5, 5]), **rows)


def test_scaling_looks_at_the_training_part_only():
    parts = split_by_indices(labelled([5, 5]), train=[0, 1, 2], test=[9], scaling="minmax")
    assert parts.train.amin() == 0
    assert parts.train.amax() == 1
    assert parts.test.tolist() == [[4.5, 4.5]]
    assert parts.scaling.inverse(parts.test).tolist() == [[18.0, 19.0]]
