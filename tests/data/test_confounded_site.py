import numpy as np
import pytest
import torch

from geolatent.data import confounded_site


def test_the_site_agrees_with_the_class_as_often_as_said():
    parts = confounded_site()
    data_set = parts.data_set
    assert data_set.data.shape == (357, 64)
    assert data_set.label_names == ("3", "8")
    agreeing = (data_set.nuisance["site"] == data_set.labels).float().mean()
    assert agreeing == pytest.approx(0.95, abs=0.03)
    independent = confounded_site(agreement=0.5).data_set
    table = torch.zeros(2, 2).index_put_(
        (independent.labels, independent.nuisance["site"]), torch.ones(357), accumulate=True
    )
    assert table.min() > 60


def test_parts_have_their_sites():
    parts = confounded_site()
    assert len(parts.test_nuisance["site"]) == len(parts.test_labels) == len(parts.test)
    whole = torch.cat([parts.train_nuisance["site"], parts.validation_nuisance["site"]])
    assert len(whole) + len(parts.test) == 357
    right = parts.test.reshape(-1, 8, 8)[:, :, -1].mean(1)
    assert torch.equal(
        right > parts.test.reshape(-1, 8, 8)[:, :, 0].mean(1), parts.test_nuisance["site"] == 1
    )


def test_without_a_ramp_the_images_are_the_digits():
    a, b = (confounded_site(strength=0, agreement=p, seed=1).data_set for p in (0.5, 0.95))
    assert torch.equal(a.data, b.data)
    assert a.value_range == (0, 1)


def test_a_classifier_rides_on_the_site():
    """Trained where site and class agree, tested where they do and where they do not."""
    from sklearn.linear_model import LogisticRegression

    parts = confounded_site()
    digits = confounded_site(strength=0)
    classifier = LogisticRegression(max_iter=2000).fit(
        parts.train.numpy(), parts.train_labels.numpy()
    )
    y = parts.test_labels.numpy()
    rising = np.tile(np.linspace(0, 1, 8), 8)

    def accuracy(site):
        ramp = np.where(site[:, None] == 1, rising, 1 - rising)
        return classifier.score(0.6 * digits.test.numpy() + 0.4 * ramp, y)

    assert accuracy(y) > 0.97
    assert accuracy(1 - y) < 0.5


def test_mistakes_are_said():
    with pytest.raises(ValueError, match="strength"):
        confounded_site(strength=1.5)
