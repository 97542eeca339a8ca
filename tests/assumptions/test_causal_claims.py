import torch
from torch import nn

from geolatent.assumptions import MonotonePaths, Subject, examine


def blobs(*centres, labels, each=100, scale=0.35, seed=0):
    """Clouds around centres on a line, with a class each."""
    random = torch.Generator().manual_seed(seed)
    codes = torch.cat(
        [torch.tensor([x, 0.0]) + scale * torch.randn(each, 2, generator=random) for x in centres]
    )
    classes = torch.tensor(labels).repeat_interleave(each)
    return Subject(nn.Identity(), codes, labels=classes, seed=seed)


def test_two_neighbours_have_monotone_paths():
    finding = examine(MonotonePaths(), blobs(-1.0, 1.0, labels=[0, 1]))
    assert finding.verdict == "holds"
    assert finding.claim.kind == "causal"


def test_a_class_on_both_sides_of_another_is_found():
    """0, 1, 0, 1 in a row: from the first to the last, the third lowers the probability."""
    finding = examine(MonotonePaths(), blobs(-3.0, -1.0, 1.0, 3.0, labels=[0, 1, 0, 1]))
    assert finding.verdict == "violated"
    # Half of the paths between the classes are between neighbours that have nothing between them.
    assert 0.2 < finding.effect < 0.6
    start, end = finding.where.codes[0]
    assert abs(start[0] - end[0]) > 3


def test_what_happens_seldom_is_undecided():
    """A small island of the one class in the other."""
    codes = torch.rand(500, 2, generator=torch.Generator().manual_seed(1)) * 4 - 2
    labels = (codes[:, 0] > 0).long()
    island = (codes - torch.tensor([1.0, 0.0])).norm(dim=1) < 0.45
    labels[island] = 0
    finding = examine(MonotonePaths(), Subject(nn.Identity(), codes, labels=labels, pairs=500))
    assert finding.verdict == "inconclusive"


def test_false_alarms_of_monotone_paths():
    """Two normals of one covariance, where the log odds are linear: monotone on every line."""
    claim = MonotonePaths()
    findings = [
        examine(claim, blobs(-0.7, 0.7, labels=[0, 1], each=60, scale=0.7, seed=k))
        for k in range(10)
    ]
    violated = sum(finding.verdict == "violated" for finding in findings)
    print(f"{violated} of 10 violated")
    assert violated == 0


def test_false_alarms_where_nothing_changes():
    """Labels of chance: the probability is one half everywhere, and memory would be a fall."""
    findings = []
    for k in range(8):
        random = torch.Generator().manual_seed(k)
        coin = torch.randint(0, 2, (300,), generator=random)
        codes = torch.randn(300, 2, generator=random)
        subject = Subject(nn.Identity(), codes, labels=coin, seed=k)
        findings.append(examine(MonotonePaths(), subject))
    violated = sum(finding.verdict == "violated" for finding in findings)
    print(f"{violated} of 8 violated")
    assert violated <= 1
    assert min(finding.measurement.sample for finding in findings) > 50


def test_what_is_missing_is_said():
    codes = torch.randn(30, 2)
    assert "labels" in examine(MonotonePaths(), Subject(nn.Identity(), codes)).reason
    rare = Subject(nn.Identity(), codes, labels=torch.arange(30))
    assert "two classes" in examine(MonotonePaths(), rare).reason


def test_it_says_what_it_does_not_identify():
    assert "does not identify" in MonotonePaths.__doc__
