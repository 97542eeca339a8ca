"""The page of an audit as a reader has it: in a browser, where there is one (CONTRIBUTING.md)."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from geolatent.assumptions import Claim, Finding, Measurement, Tolerance
from geolatent.report import write_audit_page

# WCAG 2.2: the relative luminance of a colour, the contrast of two, what is behind an element.
CONTRAST = """
const rgb = text => text.match(/[\\d.]+/g).map(Number);
const luminance = color => {
  const [r, g, b] = color.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [dim, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (bright + 0.05) / (dim + 0.05);
};
const behind = element => {
  for (let e = element; e; e = e.parentElement) {
    const color = rgb(getComputedStyle(e).backgroundColor);
    if (color.length < 4 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
"""
PIXELS = """
const pixels = canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  return pen.getImageData(0, 0, canvas.width, canvas.height).data;
};
"""
STRIPS = f"""() => {{ {PIXELS} return ["linear", "geodesic"].map(
  id => [...document.getElementById(id).children].map(
    c => [...pixels(c)].filter((_, i) => !(i % 4)))); }}"""
DESKTOP = {"viewport": {"width": 1100, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def browser():
    api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium is installed")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module")
def whole(report):
    """The report with a finding of every verdict."""
    claim = Claim(
        name="a claim of somebody's own with a long name",
        sentence="It is so.",
        kind="data",
        effect="a share",
        tolerance=Tolerance(at_most=0.1, reason="that is what we say"),
        remedy="Say `make it=so`.",
    )
    made = {
        verdict: Finding(replace(claim, name=f"{claim.name}, {verdict}"), verdict, "", found)
        for verdict, found in {
            "holds": Measurement(0.02, (0.01, 0.03), 90),
            "violated": Measurement(0.3, (0.2, 0.4), 90),
            "inconclusive": Measurement(0.1, (0.05, 0.15), 90),
        }.items()
    }
    return replace(report, findings={**report.findings, **{f.name: f for f in made.values()}})


@pytest.fixture(scope="module")
def file(whole, tmp_path_factory):
    return write_audit_page(whole, tmp_path_factory.mktemp("page") / "audit.html")


@pytest.fixture
def visit(browser, file):
    """A function that opens the page; nothing may be fetched and nothing may go wrong."""
    contexts, asked, wrong = [], [], []

    def open_page(**options):
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong
    assert set(asked) == {file.as_uri()}


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_verdicts_come_first_and_nothing_is_cut_off(visit, whole, file, device):
    page = visit(**device)
    assert file.stat().st_size < 1_000_000
    section = page.locator("section").first
    assert section.locator("td.left > strong").all_inner_texts() == [
        finding.verdict
        for kind in dict.fromkeys(f.claim.kind for f in whole.values())
        for finding in whole.values()
        if finding.claim.kind == kind
    ]
    assert section.bounding_box()["y"] < page.locator("#map").bounding_box()["y"]
    wide = page.evaluate(
        "() => [...document.querySelectorAll('html, .scroll, main *')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth"
        " && getComputedStyle(e).display !== 'inline').map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []
    edges = page.evaluate(
        "() => Math.max(...[...document.querySelectorAll('main *')]"
        ".map(e => e.getBoundingClientRect().right))"
    )
    assert edges <= device["viewport"]["width"]


def decoded(report, pair):
    """Grey values of both ways of a pair, from the report's own numbers."""
    values = report.atlas.decoded
    low, high = np.percentile(values, [1, 99])
    return np.clip((high - values[pair]) / (high - low), 0, 1) * 255


def test_moving_and_clicking_on_the_map_decodes_both_ways(visit, report):
    page = visit(**DESKTOP)
    atlas = report.atlas
    order = np.argsort(-atlas.excess, kind="stable")
    said = page.locator("#said")
    assert said.inner_text().startswith(f"pair 1 of {len(order)}: the line is ")
    first = page.evaluate(STRIPS)
    np.testing.assert_allclose(np.array(first), decoded(report, order[0]), atol=1)
    assert first[0] != first[1]
    np.testing.assert_allclose(np.array(first[0])[[0, -1]], np.array(first[1])[[0, -1]], atol=1)
    boxes = [page.locator(f"#{name}").bounding_box() for name in ("linear", "geodesic")]
    assert boxes[0]["x"] == boxes[1]["x"]
    assert 0 < boxes[1]["y"] - boxes[0]["y"] < 2 * boxes[0]["height"]

    # The start of another pair near the upper or lower edge, where the page puts it.
    everything = np.concatenate([atlas.codes, *atlas.lines, *atlas.geodesics])
    low, spread = everything.min(0), np.ptp(everything, 0)
    starts = (atlas.geodesics[:, 0] - low) / spread.max()
    pair = max(order[1:], key=lambda k: abs(starts[k, 1] - spread[1] / spread.max() / 2))
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    pad = 20
    scale = min(box["width"] - 2 * pad, (box["height"] - 2 * pad) * spread.max() / spread[1])
    x = box["x"] + (box["width"] - scale) / 2 + scale * starts[pair, 0]
    y = box["y"] + box["height"] - pad - scale * starts[pair, 1]  # upwards
    page.mouse.move(x, y)
    np.testing.assert_allclose(np.array(page.evaluate(STRIPS)), decoded(report, pair), atol=1)
    page.mouse.move(5, 5)
    assert page.evaluate(STRIPS) == first  # what was only looked at is not kept
    page.mouse.click(x, y)
    page.mouse.move(5, 5)
    np.testing.assert_allclose(np.array(page.evaluate(STRIPS)), decoded(report, pair), atol=1)
    longer = f"{100 * atlas.excess[pair]:.1f}%"
    assert said.inner_text() == (
        f"pair {list(order).index(pair) + 1} of {len(order)}: the line is {longer} longer"
    )


def test_the_map_of_a_claim_shows_in_colour_what_counts_against_it(visit):
    page = visit(**DESKTOP, color_scheme="light")
    assert page.locator("canvas.where").count() == 1
    colored = page.evaluate(f"""() => {{ {PIXELS}
      const found = pixels(document.querySelector("#straight-lines canvas.where"));
      let bent = 0, grey = 0;
      for (let i = 0; i < found.length; i += 4) {{
        if (found[i] > found[i + 2] + 60 && found[i + 3] > 99) bent++;
        else if (found[i + 3]) grey++;
      }}
      return [bent, grey]; }}""")
    assert min(colored) > 100


def test_pairs_that_a_page_could_not_hold_decoded_say_so(browser, report, tmp_path):
    atlas = replace(report.atlas, decoded=report.atlas.decoded[:8])
    file = write_audit_page(replace(report, atlas=atlas), tmp_path / "few.html")
    page = browser.new_page()
    page.goto(file.as_uri())
    for place in range(1, 10):
        strip = page.locator("#linear")
        assert strip.is_visible() == (place <= 8)
        told = "for the first 8 only" in page.locator("#said").inner_text()
        assert told == (place > 8)
        page.locator("#after").click()
    page.close()


def test_a_finger_chooses_a_pair_on_a_phone(visit):
    page = visit(**PHONE)
    first = page.evaluate(STRIPS)
    page.locator("#map").tap(position={"x": 300, "y": 40})
    assert page.evaluate(STRIPS) != first


def test_all_of_it_can_be_reached_with_the_keyboard(visit):
    page = visit(**DESKTOP)
    said, reached = page.locator("#said"), []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.hash"))
        if reached[-1] == "map":
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
            assert said.inner_text().startswith("pair 3 of")
            page.keyboard.press("ArrowLeft")
            assert said.inner_text().startswith("pair 2 of")
        if reached[-1] == "before":
            page.keyboard.press("Enter")
            assert said.inner_text().startswith("pair 1 of")
        if reached[-1] == "after":
            page.keyboard.press("Enter")
            assert said.inner_text().startswith("pair 2 of")
            break
    assert reached[-3:] == ["map", "before", "after"]
    assert "#straight-lines" in reached  # from the table to what was found


@pytest.mark.parametrize("media", ["screen", "print"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_dots_can_be_told_from_what_is_behind_them(visit, scheme, media):
    page = visit(**DESKTOP, color_scheme=scheme)
    page.emulate_media(media=media, color_scheme=scheme)
    paper = page.evaluate(f"() => {{ {CONTRAST} return luminance(behind(document.body)); }}")
    assert paper < 0.05 if (scheme, media) == ("dark", "screen") else paper > 0.9
    texts = "p, h1, h2, dt, dd, th, td, a, .tag, td strong, .small, .straight, .geodesic, svg text"
    pale = page.evaluate(
        f"""() => {{ {CONTRAST}
        const seen = [...document.querySelectorAll("{texts}")].filter(e => e.textContent.trim());
        return seen.map(e => {{
          const style = getComputedStyle(e), color = e.closest("svg") ? style.fill : style.color;
          return [e.tagName + "." + e.getAttribute("class"), contrast(rgb(color), behind(e))];
        }}).filter(([, ratio]) => ratio < 4.5); }}"""
    )
    assert pale == []
    chips = page.evaluate(
        "() => [...document.querySelectorAll('.tag')].map(e => getComputedStyle(e).color)"
    )
    assert len(set(chips)) >= 3  # holds, violated, and what is neither
    dots = page.evaluate(
        f"""() => {{ {CONTRAST} {PIXELS} const map = behind(document.getElementById("map"));
        return [...document.querySelectorAll(".classes canvas")].map(c => {{
          const middle = 4 * (c.width * (c.height / 2) + c.width / 2);
          return contrast([...pixels(c).slice(middle, middle + 3)], map);
        }}); }}"""
    )
    assert len(dots) == 3
    assert min(dots) >= 3  # graphics, not text


def test_print_shows_everything_but_the_buttons(visit, whole):
    page = visit(**DESKTOP, color_scheme="dark")
    page.emulate_media(media="print")
    assert not page.locator("#before").is_visible()
    unmeasured = [name for name, finding in whole.items() if finding.measurement is None]
    assert page.locator("section.claim").count() == len(whole) - len(unmeasured)
    assert page.locator("dl.unmeasured dt").count() == len(unmeasured) == 1
    for place in (
        "h1",
        "table",
        "#map",
        "#linear canvas >> nth=0",
        "canvas.where",
        "#card",
        "#making",
    ):
        assert page.locator(place).first.is_visible()
    for section in page.locator("section.claim").all():
        assert section.bounding_box()["height"] > 0
    bars = page.locator(".bar .effect").evaluate_all(
        "bars => bars.map(e => getComputedStyle(e).printColorAdjust)"
    )
    assert set(bars) == {"exact"}  # printers leave backgrounds out unless they are told
    assert len(page.pdf()) > 10_000
