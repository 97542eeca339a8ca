import pytest
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


def beside(gap, *, codes, seed):
    """Two normals of one covariance, where the log odds are linear: monotone on most lines."""
    random = torch.Generator().manual_seed(seed)
    label = torch.randint(0, 2, (codes,), generator=random)
    z = torch.randn(codes, 2, generator=random)
    z[:, 0] += gap * label
    return Subject(nn.Identity(), z, labels=label, seed=seed)


@pytest.mark.parametrize(("gap", "codes"), [(2.0, 120), (0.0, 150)])
def test_false_alarms_of_monotone_paths(gap, codes):
    """`geolatent calibrate` counts them. A classifier with memory would fall where chance rules."""
    findings = [examine(MonotonePaths(), beside(gap, codes=codes, seed=k)) for k in range(4)]
    assert all(finding.verdict != "violated" for finding in findings)
    assert all(0 <= bound <= 1 for finding in findings for bound in finding.interval)
    assert min(finding.measurement.sample for finding in findings) > 20


def test_neither_end_of_a_path_took_part_in_the_fit():
    """Each half of the codes is labelled the other way round: to the other half all paths fall."""
    claim, codes = MonotonePaths(), torch.randn(200, 2, generator=torch.Generator().manual_seed(5))
    label = (codes[:, 0] > 0).long()
    subject = Subject(nn.Identity(), codes, labels=label)
    second = subject.sample(claim.claim.name, 200)[100:]
    label[second] = 1 - label[second]
    assert claim.measure(subject).effect > 0.9


def test_paths_are_walked_between_so_many_codes_and_refitted_while_there_is_time():
    many = blobs(-1.0, 1.0, labels=[0, 1])
    many.until = -1.0
    few = examine(MonotonePaths(items=80), many)
    assert few.measurement.sample < 40
    assert "Cut short by the time budget after 10 of 50 refits" in few.reason


def test_what_is_missing_is_said():
    codes = torch.randn(30, 2)
    assert "labels" in examine(MonotonePaths(), Subject(nn.Identity(), codes)).reason
    rare = Subject(nn.Identity(), codes, labels=torch.arange(30))
    assert "two classes" in examine(MonotonePaths(), rare).reason


def test_it_says_what_it_does_not_identify():
    assert "does not identify" in MonotonePaths.__doc__
