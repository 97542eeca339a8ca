import re
from html.parser import HTMLParser

import pytest
import torch

from geolatent.interpolation import summarise_bend
from geolatent.report import Making, ModelSection, Page, ReportFigure, write_page

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>'
VOID = {"meta", "img", "br", "link", "hr", "input"}


class Reader(HTMLParser):
    """Collects text and attributes; fails on tags that do not close in order."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.attributes, self.tags = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def read(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture
def page():
    excess = torch.linspace(0, 0.4, 120, dtype=torch.float64)
    bent = summarise_bend(torch.cat([excess, torch.tensor([torch.nan]).double()]))
    flat = summarise_bend(torch.linspace(0, 0.001, 120, dtype=torch.float64))
    return Page(
        title="Is it <flat>?",
        subject="Data & pairs.",
        sections=(
            ModelSection(
                name='<script>alert("x")</script>',
                assumption="Nothing & everything.",
                bend=bent,
                null=flat,
                measures={"test ELBO (nats)": -12.34567, "active dimensions": 2},
                figures=(
                    ReportFigure(title="Usual", caption='A "quoted" caption', image=PNG),
                    ReportFigure(title="Greatest", caption="c", image=SVG, extreme=True),
                ),
            ),
            ModelSection(name="second", assumption="a", bend=flat, measures={"only here": "yes"}),
        ),
        making=Making(
            command="make demo && true",
            versions={"torch": "2.13.0"},
            seeds={"pairs": 17},
            remarks=("On one core.",),
        ),
    )


def test_the_page_holds_the_numbers_it_was_given(page, tmp_path):
    text = read(write_page(page, tmp_path / "deep" / "index.html")).text
    bend = page.sections[0].bend
    for value in (bend.median, bend.ninetieth_percentile, bend.greatest, bend.share):
        assert f"{100 * value:.1f}%" in text
    for low, high in (bend.median_interval, bend.share_interval):
        assert f"{100 * low:.1f} to {100 * high:.1f}%" in text
    for part in ("−12.35", "active dimensions 2 –", "only here – yes", "pairs measured 120 120"):
        assert part in text
    assert "pairs that failed 1 0" in text
    assert "affine null: pairs that bend by more than 5% 0.0% 0.0 to 3.0% –" in text
    for part in ("make demo && true", "2.13.0", "seed: pairs 17", "On one core.", "Data & pairs."):
        assert part in text
    assert "Flat is fine in “second”" in text


def test_names_are_escaped(page, tmp_path):
    reader = read(write_page(page, tmp_path / "index.html"))
    assert "script" not in reader.tags
    assert '<script>alert("x")</script>' in reader.text
    assert "Is it <flat>?" in reader.text
    assert ("alt", 'Usual. A "quoted" caption') in reader.attributes


def test_the_page_needs_no_network_and_no_script(page, tmp_path):
    path = write_page(page, tmp_path / "index.html")
    assert not re.search(r"https?:|//[a-z]|@import", path.read_text(encoding="utf-8"))
    reader = read(path)
    sources = [value for name, value in reader.attributes if name in ("src", "href")]
    assert all(value.startswith(("data:image/", "#")) for value in sources)
    assert sum(value.startswith("data:image/png;base64,") for value in sources) == 1
    assert sum(value.startswith("data:image/svg+xml;base64,") for value in sources) == 1
    anchors = {value for name, value in reader.attributes if name == "id"}
    assert {value[1:] for value in sources if value.startswith("#")} <= anchors


def test_extremes_are_marked_as_such(page, tmp_path):
    text = read(write_page(page, tmp_path / "index.html")).text
    assert "Greatest extreme, not typical" in text
    assert text.count("extreme, not typical") == 1


def test_light_dark_phone_and_print(page, tmp_path):
    style = write_page(page, tmp_path / "index.html").read_text(encoding="utf-8")
    for part in ("prefers-color-scheme: dark", "@media print", "max-width: 40rem", "viewport"):
        assert part in style


def test_the_same_page_twice_and_pictures_from_files(page, tmp_path):
    file = tmp_path / "figure.png"
    file.write_bytes(PNG)
    from_file = ReportFigure(title="Usual", caption='A "quoted" caption', image=file)
    first = page.sections[0]
    again = Page(
        title=page.title,
        subject=page.subject,
        sections=(
            ModelSection(
                name=first.name,
                assumption=first.assumption,
                bend=first.bend,
                null=first.null,
                measures=first.measures,
                figures=(from_file, first.figures[1]),
            ),
            page.sections[1],
        ),
        making=page.making,
    )
    one, two = write_page(page, tmp_path / "1.html"), write_page(again, tmp_path / "2.html")
    assert one.read_bytes() == two.read_bytes()


def test_what_is_no_picture_leaves_no_page(page, tmp_path):
    bad = ReportFigure(title="Bad", caption="c", image=b"GIF89a")
    broken = Page(
        title="t", subject="s", sections=page.sections, making=page.making, overview=(bad,)
    )
    with pytest.raises(ValueError, match="neither PNG nor SVG"):
        write_page(broken, tmp_path / "index.html")
    assert not list(tmp_path.iterdir())


def test_two_models_of_one_name_are_refused(page):
    twice = (page.sections[1], page.sections[1])
    with pytest.raises(ValueError, match="different names"):
        Page(title="t", subject="s", sections=twice, making=page.making)
