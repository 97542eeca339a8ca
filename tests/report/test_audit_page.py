"""The page of an audit."""

import json
import re

import numpy as np
import torch

from geolatent.assumptions import (
    LEVELS,
    AuditReport,
    Claim,
    Evidence,
    Finding,
    Measurement,
    Tolerance,
    audit,
)
from geolatent.report import render_audit, write_audit_page
from geolatent.report.audit_page import headline, scale


def embedded(html):
    found = re.search(r'<script type="application/json" id="atlas">(.*?)</script>', html, re.S)
    return json.loads(found.group(1))


def test_verdicts_come_first_and_nothing_is_fetched(report):
    html = render_audit(report)
    assert html.index(headline(report)) < html.index("<h2>")
    for name in report:
        assert f'id="{name}"' in html
        assert report[name].claim.sentence in html
    assert "No hyperbolic space is declared." in html
    assert not re.findall(r'(?:src|href)="(?!#)', html)
    assert "http" not in html.replace("http-equiv", "")


def test_every_finding_has_its_strip_with_round_numbers(report):
    html = render_audit(report)
    strips = re.findall(r'<svg class="strip-axis".*?</svg>', html, re.S)
    measured = [name for name in report if report[name].measurement is not None]
    assert len(strips) == len(measured) == 2
    places = scale(report["straight-lines"])
    assert f'cx="{6 * places["effect"]}"' in strips[1]
    values = [float(label.replace("−", "-")) for _, label in places["ticks"]]
    assert 3 <= len(values) <= 6
    spots = [at for at, _ in places["ticks"]]
    ratios = np.diff(spots) / np.diff(values)
    assert np.ptp(ratios) < 0.05 * ratios.mean()  # places are rounded


def test_the_page_knows_how_many_levels_there_are_and_what_the_model_is(report):
    html = render_audit(report)
    assert f"Readiness {report.readiness.level} of {len(LEVELS)}:" in html
    assert 'id="card"' in html
    assert "Sequential, from codes of dimension 2" in html
    assert "a decoder was given, without a record" in report.to_markdown()


def test_the_map_holds_every_pair_and_its_pictures(report):
    atlas = embedded(render_audit(report))
    pairs = len(atlas["excess"])
    assert pairs == 40
    assert len(atlas["codes"]) == len(atlas["labels"]) == 80
    assert (atlas["rows"], atlas["columns"]) == (3, 4)
    assert atlas["names"] == ["ape", "bee", "2"]  # the third was given no name
    assert set(atlas["labels"]) == {0, 1, 2}
    assert atlas["excess"] == sorted(atlas["excess"], reverse=True)
    import base64

    assert len(base64.b64decode(atlas["decoded"])) == pairs * 2 * atlas["steps"] * 12
    # Both ways share their ends, in the unit square.
    for line, geodesic in zip(atlas["lines"], atlas["geodesics"], strict=True):
        assert line[0] == geodesic[0]
        assert line[-1] == geodesic[-1]
        assert all(-0.001 <= x <= 1.001 for point in line for x in point)


def test_what_counts_against_a_claim_is_on_its_map(report):
    html = render_audit(report)
    finding = report["straight-lines"]
    items = finding.measurement.items
    bent = items.values > 0.05
    marks = embedded(html)["marks"]
    assert set(marks) == {"straight-lines"}  # every geodesic was found: nothing to show
    assert len(marks["straight-lines"]) == bent.sum() > 0
    assert f"In colour: the {bent.sum()} of 40 pairs that count against the claim." in html
    assert "None of 40 pairs counts against the claim." in html
    # In the coordinates of the codes: the worst pair is the one that the map begins with.
    atlas = embedded(html)
    worst = atlas["lines"][int(np.argmax(atlas["excess"]))]
    assert marks["straight-lines"][0] == [worst[0], worst[-1]]


def test_save_writes_the_page_by_its_suffix(report, tmp_path):
    page = report.save(tmp_path / "deep.html")
    assert page.read_text() == render_audit(report)
    assert write_audit_page(report, tmp_path / "a" / "b.html").stat().st_size < 1_000_000


def test_a_page_stays_small_with_many_pairs_and_codes():
    decoder = torch.nn.Linear(2, 3).eval()
    report = audit(
        decoder, torch.randn(2500, 2), pairs=1200, assumptions=["solver-converged", "isometric"]
    )
    html = render_audit(report)
    assert len(html) < 500_000
    assert len(embedded(html)["excess"]) == 250
    assert len(embedded(html)["marks"]["isometric"]) == 120


def test_texts_of_others_cannot_break_the_page():
    claim = Claim(
        name="mine",
        sentence="</script><b>x",
        kind="data",
        effect="a & b",
        tolerance=Tolerance(at_most=1, reason="<i>"),
        remedy="`<u>`",
    )
    finding = Finding(claim, "violated", "r", Measurement(1.5, (1.4, 1.6), 30))
    about = {"model": "<m>", "codes": 1, "dimension": 1}
    html = render_audit(AuditReport({"mine": finding}, about, Evidence()))
    assert "<b>x" not in html
    assert "<i>" not in html
    assert "<m>" not in html
    assert "<code>&lt;u&gt;</code>" in html


def test_the_headline_names_what_is_violated_and_counts_the_rest():
    def found(*verdicts):
        tolerance = Tolerance(at_most=1, reason="r")
        claim = Claim(name="c", sentence="", kind="data", effect="", tolerance=tolerance, remedy="")
        findings = {f"{v}-{i}": Finding(claim, v, "") for i, v in enumerate(verdicts)}
        return headline(AuditReport(findings, {}, Evidence()))

    assert found("holds", "violated", "not-applicable", "violated") == (
        "Of 3 claims, violated: 2 (violated-1, violated-3); inconclusive: 0; holding: 1."
    )
    assert found("inconclusive") == "Of 1 claims, violated: 0; inconclusive: 1; holding: 0."
    assert found("not-applicable") == "Nothing could be tested."


def test_bars_put_intervals_beside_tolerances():
    tolerance = Tolerance(at_least=-1, at_most=1, reason="r")
    claim = Claim(name="c", sentence="", kind="data", effect="", tolerance=tolerance, remedy="")
    outside = scale(Finding(claim, "violated", "", Measurement(3.0, (2.0, 4.0), 30)))
    assert outside["from"] < outside["to"] < outside["low"] < outside["effect"] < outside["high"]
    inside = scale(Finding(claim, "holds", "", Measurement(0.0, (-0.5, 0.5), 30)))
    assert inside["from"] < inside["low"] < 50 < inside["high"] < inside["to"]
    assert scale(Finding(claim, "inconclusive", "", Measurement(float("nan"), (0, 0), 0))) is None
    assert scale(Finding(claim, "not-applicable", "")) is None
