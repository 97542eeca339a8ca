import numpy as np
import pytest
import torch
from torch import nn

from geolatent.assumptions import NoDuplicates, NoNuisance, Represented, Subject, examine
from geolatent.data import confounded_site


def linear_codes(data_set, dim=4):
    """Codes of a linear autoencoder, in closed form, and its decoder."""
    mean = data_set.data.mean(0)
    axes = torch.linalg.svd(data_set.data - mean, full_matrices=False).Vh[:dim]
    return (lambda z: mean + z @ axes), (data_set.data - mean) @ axes.T


def of_site(strength, agreement, **more):
    data_set = confounded_site(strength=strength, agreement=agreement).data_set
    decoder, codes = linear_codes(data_set)
    return Subject(
        decoder,
        codes,
        data=data_set.data,
        labels=data_set.labels,
        nuisance=data_set.nuisance,
        **more,
    )


def test_a_dose_of_site_has_its_response():
    """Strength of the ramp against what can be read off: nothing, then all."""
    claim = NoNuisance(permutations=4)
    doses = (0.0, 0.1, 0.2, 0.4)
    independent = [examine(claim, of_site(a, 0.5)) for a in doses]
    effects = [finding.effect for finding in independent]
    assert abs(effects[0]) < 0.15
    assert effects[0] < effects[2] <= effects[3] + 0.02
    assert [f.verdict for f in (independent[0], independent[3])] == ["holds", "violated"]
    assert effects[3] > 0.95
    confounded = examine(claim, of_site(0.4, 0.95))
    assert confounded.verdict == "violated"


def test_a_shortcut_is_caught():
    """A code that is a classifier's score, which learnt the hospital instead of the disease."""
    from sklearn.linear_model import LogisticRegression

    data_set = confounded_site(strength=0.4, agreement=0.95).data_set
    x, y = data_set.data.double().numpy(), data_set.labels.numpy()
    shortcut = LogisticRegression(max_iter=2000).fit(x, y).decision_function(x)
    codes = torch.from_numpy(np.stack([shortcut, np.zeros_like(shortcut)], 1))
    rides = Subject(nn.Identity(), codes, labels=data_set.labels, nuisance=data_set.nuisance)
    finding = examine(NoNuisance(permutations=8), rides)
    assert finding.verdict == "violated"
    # Codes that are the class itself tell the site only as far as the label does.
    honest = Subject(
        nn.Identity(),
        torch.stack([data_set.labels, 0 * data_set.labels], 1).double()
        + 0.1 * torch.randn(357, 2).double(),
        labels=data_set.labels,
        nuisance=data_set.nuisance,
    )
    conditional = examine(NoNuisance(permutations=8), honest)
    assert conditional.verdict != "violated"
    honest.labels = None
    assert examine(NoNuisance(permutations=8), honest).verdict == "violated"


def test_what_cannot_be_told_from_the_class_concludes_nothing():
    finding = examine(NoNuisance(permutations=2), of_site(0.4, 1.0))
    assert finding.verdict == "inconclusive"
    assert finding.measurement.sample == 0


def three_classes(*, confounded):
    """Site is class in so many of three classes of 60, and a coin that codes do not know else."""
    random = torch.Generator().manual_seed(1)
    label = torch.arange(3).repeat_interleave(60)
    coin = torch.randint(0, 2, (180,), generator=random)
    site = torch.where(label < confounded, label, coin)
    codes = torch.randn(180, 2, generator=random)
    return Subject(nn.Identity(), codes, labels=label, nuisance={"site": site})


def test_classes_that_cannot_be_tested_may_tell_everything():
    finding = examine(NoNuisance(permutations=2, tolerated=0.5), three_classes(confounded=0))
    assert finding.verdict == "holds"
    open_ = examine(NoNuisance(permutations=2, tolerated=0.5), three_classes(confounded=2))
    assert open_.verdict == "inconclusive"
    assert (open_.measurement.sample, open_.measurement.failed) == (60, 120)
    assert open_.interval[1] > 2 / 3
    assert "120 of 180 codes are not in a class" in open_.reason


def test_a_nuisance_that_is_read_in_one_class_of_three_is_read_in_that_share():
    subject = three_classes(confounded=2)
    subject.codes[:, 0] += 20 * subject.nuisance["site"]
    finding = examine(NoNuisance(permutations=2, tolerated=0.2), subject)
    assert finding.verdict == "violated"
    assert finding.interval[0] < 1 / 3


def test_a_nuisance_has_to_be_groups():
    days = {"days of age": torch.arange(200)}
    subject = Subject(nn.Identity(), torch.randn(200, 2), nuisance=days)
    finding = examine(NoNuisance(permutations=2), subject)
    assert finding.verdict == "inconclusive"
    assert "200 values of days of age 5 times each; a nuisance has to be groups" in finding.reason


def test_the_worst_of_several_is_no_surprise():
    """Bonferroni: beside nuisances that say nothing the interval of the worst is wider."""
    random = torch.Generator().manual_seed(4)
    site, *coins = torch.randint(0, 2, (5, 120), generator=random)
    codes = torch.randn(120, 2, generator=random)
    codes[:, 0] += 2 * site
    one, several = {"site": site}, {f"coin {k}": coin for k, coin in enumerate(coins)}
    alone, among = (
        NoNuisance(permutations=2).measure(Subject(nn.Identity(), codes, nuisance=nuisance))
        for nuisance in (one, one | several)
    )
    assert among.effect == alone.effect
    assert among.interval[0] < alone.interval[0]
    assert among.interval[1] > alone.interval[1]


def test_the_worst_nuisance_counts():
    subject = of_site(0.4, 0.5)
    subject.nuisance["coin"] = torch.randint(0, 2, (357,))
    finding = examine(NoNuisance(permutations=4), subject)
    assert finding.verdict == "violated"
    assert finding.measurement.details["coin"] < 0.2 < finding.measurement.details["site"]
    # One that is the class leaves the claim open, unless another one breaks it.
    subject.nuisance["class"] = subject.labels
    assert examine(NoNuisance(permutations=4), subject).verdict == "violated"
    del subject.nuisance["site"]
    assert examine(NoNuisance(permutations=4), subject).verdict == "inconclusive"


def test_curved_nuisance_is_read():
    """A ring around a disc: no line tells them apart."""
    angle = 6.283 * torch.rand(200)
    site = torch.arange(200) % 2
    radius = 1 + 2.0 * site
    codes = radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
    subject = Subject(nn.Identity(), codes, nuisance={"site": site})
    assert examine(NoNuisance(permutations=4), subject).verdict == "violated"


def test_false_alarms_of_nuisance():
    """Coins that codes know nothing of; `geolatent calibrate` counts them."""
    findings = []
    for k in range(10):
        random = torch.Generator().manual_seed(k)
        codes = torch.randn(80, 2, generator=random)
        coin = torch.randint(0, 2, (80,), generator=random)
        subject = Subject(nn.Identity(), codes, nuisance={"coin": coin}, seed=k)
        findings.append(examine(NoNuisance(permutations=10), subject))
    assert all(finding.verdict != "violated" for finding in findings)
    assert sum(finding.interval[0] > 0 for finding in findings) <= 2


def groups(scale, *, sizes=(150, 150), seed=0):
    """Two groups whose errors have the given ratio."""
    random = torch.Generator().manual_seed(seed)
    label = torch.arange(2).repeat_interleave(torch.tensor(sizes))
    error = torch.where(label == 1, scale, 1.0)[:, None] ** 0.5
    codes = torch.randn(sum(sizes), 3, generator=random)
    data = codes + error * torch.randn(sum(sizes), 3, generator=random)
    return Subject(nn.Identity(), codes, data=data, labels=label, seed=seed)


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.0, "holds"), (2.0, "inconclusive"), (4.0, "violated")]
)
def test_errors_of_groups(ratio, verdict):
    finding = examine(Represented(), groups(ratio))
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(ratio, rel=0.3)
    assert finding.measurement.details["share of label 1"] == 0.5
    assert finding.where.values[0] == finding.measurement.items.values.max()


def test_the_worst_of_many_groups_is_no_surprise():
    """Bonferroni: beside groups that say nothing the interval of the worst is wider."""
    subject = groups(3.0)
    alone = Represented().measure(subject)
    random = torch.Generator().manual_seed(7)
    subject.nuisance = {"plate": torch.randint(0, 5, (300,), generator=random)}
    among = Represented().measure(subject)
    assert among.effect == pytest.approx(alone.effect)
    assert among.interval[0] < alone.interval[0]
    assert among.interval[1] > alone.interval[1]


def test_a_group_of_few_is_not_shown_to_be_represented():
    assert examine(Represented(), groups(1.0, sizes=(290, 10))).verdict == "inconclusive"
    assert examine(Represented(fewest=5), groups(30.0, sizes=(290, 10))).verdict == "violated"


def test_data_that_are_given_back_exactly_have_no_worst_group():
    subject = groups(1.0)
    exact = Subject(lambda z: z, subject.codes, data=subject.codes, labels=subject.labels)
    finding = examine(Represented(), exact)
    assert finding.verdict == "not-applicable"
    assert "given back exactly" in finding.reason


def test_a_group_that_fails_is_not_shown_either():
    subject = groups(1.0)
    fails = Subject(
        lambda z: torch.where(z[..., :1] > 2, torch.nan, z),
        subject.codes,
        data=subject.data,
        labels=subject.labels,
    )
    finding = examine(Represented(), fails)
    assert finding.verdict == "inconclusive"
    assert finding.measurement.failed > 0
    nowhere = Subject(lambda z: z * torch.nan, fails.codes, data=fails.data, labels=fails.labels)
    finding = examine(Represented(), nowhere)
    assert finding.verdict == "inconclusive"
    assert finding.reason.endswith("gives NaN or infinity at most of those that could not.")


def test_false_alarms_of_groups_at_the_edge():
    """Twice the error is tolerated: at exactly that, 2.5 % (Bonferroni: less) either way."""
    verdicts = [examine(Represented(), groups(2.0, seed=k)).verdict for k in range(200)]
    print(f"{verdicts.count('violated')} of 200 violated, {verdicts.count('holds')} hold")
    assert verdicts.count("violated") <= 10
    assert verdicts.count("holds") <= 10


def split_of(duplicates, count=400):
    random = torch.Generator().manual_seed(3)
    training = torch.randn(500, 6, generator=random)
    data = torch.randn(count, 6, generator=random)
    data[:duplicates] = training[:duplicates] + 1e-3 * torch.randn(duplicates, 6, generator=random)
    return Subject(nn.Identity(), data, data=data, training=training)


@pytest.mark.parametrize(
    ("duplicates", "verdict"), [(0, "holds"), (8, "inconclusive"), (40, "violated")]
)
def test_duplicates_are_counted(duplicates, verdict):
    finding = examine(NoDuplicates(), split_of(duplicates))
    assert finding.effect == duplicates / 400
    assert finding.verdict == verdict
    if duplicates:
        assert finding.where.values.max() < 0.1


def test_training_on_what_is_audited_is_found_however_often_it_is_repeated():
    """All of the data and 250 of them again: most training data have an equal."""
    data = torch.randn(400, 6, generator=torch.Generator().manual_seed(3))
    whole = Subject(nn.Identity(), data, data=data, training=torch.cat([data, data[:250]]))
    finding = examine(NoDuplicates(), whole)
    assert (finding.verdict, finding.effect) == ("violated", 1.0)
    only = examine(NoDuplicates(), Subject(nn.Identity(), data, data=data, training=data[:1]))
    assert only.effect == 1 / 400  # a single datum has no neighbours
    oversampled = split_of(8)
    oversampled.training = oversampled.training[:100].repeat(3, 1)
    assert examine(NoDuplicates(), oversampled).effect == 8 / 400


def test_of_bits_nothing_is_said():
    bits = torch.randint(0, 2, (300, 3)).float()
    subject = Subject(nn.Identity(), bits, data=bits, training=bits)
    assert "equal" in examine(NoDuplicates(), subject).reason


def test_what_is_missing_is_said():
    bare = Subject(nn.Identity(), torch.randn(50, 2))
    for claim, missing in (
        (NoNuisance(), "nuisance"),
        (Represented(), "data"),
        (NoDuplicates(), "training"),
    ):
        finding = examine(claim, bare)
        assert finding.verdict == "not-applicable"
        assert missing in finding.reason
    data = Subject(nn.Identity(), bare.codes, data=bare.codes)
    assert "groups" in examine(Represented(), data).reason
    one = Subject(nn.Identity(), bare.codes, data=bare.codes, labels=torch.zeros(50))
    assert "one group" in examine(Represented(), one).reason
    wrong = Subject(nn.Identity(), bare.codes, data=torch.randn(50, 3), labels=torch.arange(50))
    with pytest.raises(ValueError, match="shape"):
        examine(Represented(), wrong)
    with pytest.raises(ValueError, match="training data"):
        Subject(nn.Identity(), bare.codes, training=bare.codes)
    with pytest.raises(ValueError, match="finite"):
        Subject(nn.Identity(), bare.codes, data=bare.codes, training=bare.codes + torch.nan)
