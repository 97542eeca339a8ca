from dataclasses import replace

import pytest
import torch

from geolatent.interpolation import Bend, summarise_bend
from geolatent.report import ModelSection, finding, headline, verdict
from geolatent.report.finding import share_bounds


def bend(bent, pairs, *, failed=0, large=0.2, small=0.01) -> Bend:
    values = [large] * bent + [small] * (pairs - bent) + [float("nan")] * failed
    return summarise_bend(torch.tensor(values, dtype=torch.float64))


def section(name, bend, null=None):
    return ModelSection(name=name, assumption="flat", bend=bend, null=null)


@pytest.mark.parametrize(
    ("bent", "pairs", "expected"),
    [
        (0, 200, "holds"),
        (8, 200, "holds"),  # interval to 7.7 %
        (20, 200, "inconclusive"),
        (0, 20, "inconclusive"),  # nothing seen in so few pairs excludes 10 % not yet
        (60, 200, "violated"),
    ],
)
def test_verdicts_need_the_whole_interval(bent, pairs, expected):
    assert verdict(bend(bent, pairs)) == expected


def test_failed_pairs_count_against_both_verdicts():
    assert verdict(bend(0, 200, failed=40)) == "inconclusive"
    assert verdict(bend(30, 150)) == "violated"
    assert verdict(bend(30, 150, failed=100)) == "inconclusive"
    low, high = share_bounds(bend(30, 150, failed=10))
    assert low == pytest.approx(bend(30, 160).share_interval[0])
    assert high == pytest.approx(bend(40, 160).share_interval[1])


def test_nothing_is_concluded_from_a_measurement_that_bends_a_flat_decoder():
    null = bend(60, 200)
    assert verdict(bend(60, 200), null=null) == "inconclusive"
    assert "nothing can be concluded" in finding(section("a", bend(60, 200), null))
    assert verdict(bend(60, 200), null=bend(1, 200)) == "violated"


def test_flat_is_said_as_readily_as_bent():
    flat = finding(section("a", bend(2, 200)))
    assert flat.startswith("Flat is fine here")
    bent = finding(section("a", bend(150, 200)))
    assert bent.startswith("Straight lines are not geodesics here")
    assert "75% of 200 random pairs bend by more than 5%" in bent
    assert "the typical pair is among them" in bent
    some = finding(section("a", bend(60, 200)))
    assert "the typical pair bends by less than 5%" in some
    unclear = finding(section("a", bend(20, 200)))
    assert unclear.startswith("Undecided")
    assert "take more pairs" in unclear


def test_the_words_carry_the_numbers():
    some = bend(60, 200, failed=3, small=0.012)
    words = finding(section("a", some, bend(0, 100)))
    assert "1.2% longer" in words
    low, high = some.share_interval
    assert f"({low:.0%} to {high:.0%})" in words
    assert "3 more pairs could not be measured" in words
    assert "finds 0% (at most 4%)" in words
    assert "none of 5 pairs" in finding(section("a", bend(0, 0, failed=5)))


def test_the_headline_sorts_the_models():
    sections = [section("A", bend(60, 200)), section("B", bend(0, 200))]
    assert headline(sections) == "Flat is fine in “B”; straight lines are not geodesics in “A”."


def test_the_threshold_is_the_one_that_was_used():
    coarse = replace(bend(60, 200), threshold=0.2)
    assert "bend by more than 20%" in finding(section("a", coarse))
