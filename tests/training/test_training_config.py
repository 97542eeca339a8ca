import json

import pytest

from geolatent.training import TrainingConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("uncertainty_learning_rate", -1.0),
        ("optimizer", "adan"),
        ("betas", (0.9, 1.0)),
        ("betas", (0.9,)),
        ("weight_decay", -1e-3),
        ("clip_norm", 0.0),
        ("beta", -1.0),
        ("beta", float("inf")),
        ("kl_warmup", -1),
        ("patience", 0),
        ("min_delta", -0.1),
        ("uncertainty_epochs", -1),
        ("evaluation_samples", 0),
        ("seed", -1),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(field, value):
    # An unknown optimiser is met by the type check of the test suite before our own.
    with pytest.raises(Exception, match=field):
        TrainingConfig(**{field: value})


def test_the_message_says_field_value_and_what_is_valid():
    with pytest.raises(ValueError, match=r"batch_size=-3 must be a whole number of at least 1\."):
        TrainingConfig(batch_size=-3)


def test_a_warmup_without_an_epoch_after_it_is_refused():
    with pytest.raises(ValueError, match="kl_warmup=5 must be less than epochs=5"):
        TrainingConfig(epochs=5, kl_warmup=5)


def test_the_weight_of_the_kl_term_rises_linearly():
    config = TrainingConfig(epochs=10, kl_warmup=4, beta=2.0)
    assert [config.beta_in("main", epoch) for epoch in range(1, 8)] == [0, 0.5, 1, 1.5, 2, 2, 2]
    assert config.beta_in("uncertainty", 1) == 2
    assert TrainingConfig(beta=3.0).beta_in("main", 1) == 3


def test_it_survives_json():
    config = TrainingConfig(betas=[0.8, 0.99], clip_norm=1.5)
    assert config.betas == (0.8, 0.99)
    again = json.loads(json.dumps(config.as_dict()))
    assert again == config.as_dict()
    assert TrainingConfig(**again) == config
