from io import BytesIO

import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from geolatent.viz import excess_figure


def test_a_notebook_shows_the_picture_without_pyplot(comparison):
    found, about = DisplayFormatter().format(excess_figure({"bowl": comparison}))
    picture = Image.open(BytesIO(found["image/png"]))
    width, height = about["image/png"]["width"], about["image/png"]["height"]
    assert width == 710
    assert picture.width == pytest.approx(1.6 * width, abs=1)
    assert picture.height == pytest.approx(1.6 * height, abs=2)
    assert len(set(picture.convert("L").tobytes())) > 50
