"""A figure of a page that notebooks can show."""

from io import BytesIO
from typing import final

from matplotlib.figure import Figure

from geolatent.viz.style import figure_style

_DOTS = 160  # per inch, twice those of a screen: pictures are shown at half of their pixels
_SCREEN = 100


@final
class PageFigure(Figure):
    """matplotlib's figure, shown by a notebook whose cell ends with it.

    A `Figure` that is made without matplotlib's hook in the kernel, which would change the caller's
    settings, is a line of text there.
    """

    @figure_style()
    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """What Jupyter asks for: the picture, and how large it is on the screen."""
        stream = BytesIO()
        self.savefig(stream, format="png", dpi=_DOTS)
        width, height = (round(_SCREEN * float(inches)) for inches in self.get_size_inches())
        return stream.getvalue(), {"width": width, "height": height}
