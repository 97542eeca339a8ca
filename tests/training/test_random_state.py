import json

import numpy as np
import pytest
import torch

from geolatent.training.random_state import RandomState, derived_seeds, isolated_random

# Python's own generator is not drawn from here: beartype draws from it for its checks. The script
# killed_run.py looks at it, without beartype.


def draws():
    normal = float(np.random.normal())  # noqa: NPY002 - the global state is tested
    return torch.rand(2).tolist(), normal


def test_a_state_comes_back_through_json():
    draws()  # an odd number of normal draws: numpy keeps the second of the pair
    state = RandomState.capture()
    values = json.loads(json.dumps(state.values()))
    tensors = {name: tensor.clone() for name, tensor in state.tensors().items()}
    expected = [draws() for _ in range(3)]
    again = RandomState.of(tensors, values)
    again.restore()
    assert [draws() for _ in range(3)] == expected
    assert again.python == state.python


def test_the_callers_states_are_left_alone_even_after_an_error():
    state = RandomState.capture()
    expected = draws()
    state.restore()
    with pytest.raises(KeyError, match="inside"), isolated_random(3):  # noqa: PT012 - what is inside counts
        draws()
        raise KeyError("inside")
    assert draws() == expected


def test_the_seed_decides_what_is_drawn_inside():
    found = []
    for seed in (1, 1, 2):
        with isolated_random(seed):
            found.append(draws())
    assert found[0] == found[1]
    assert all(one != other for one, other in zip(found[0], found[2], strict=True))


def test_derived_seeds_differ():
    seeds = [*derived_seeds(0, 3), *derived_seeds(1, 3)]
    assert len(set(seeds)) == 6
