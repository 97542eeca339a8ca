"""One style for every figure, on screen and in print."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

import matplotlib
from matplotlib import patheffects
from matplotlib.colors import LinearSegmentedColormap

PNG_DPI = 200
"""Dots per inch of raster files: a column's width is 690 of them."""

COLUMN_WIDTH = 3.45
"""Inches: one column of a two-column page."""

PAGE_WIDTH = 7.1
"""Inches: both columns."""


@final
@dataclass(frozen=True)
class LineStyle:
    """How one kind of path looks in every figure; kinds differ in colour and in pattern.

    Attributes:
        label: what the kind is called in legends.
        color: hexadecimal.
        pattern: matplotlib's `linestyle`.
    """

    label: str
    color: str
    pattern: Any


PATH_STYLES: Mapping[str, LineStyle] = MappingProxyType(
    {
        "linear": LineStyle("straight line", "#D55E00", (0, (3.2, 1.4))),
        "spherical": LineStyle("slerp", "#E69F00", (0, (1, 1.1))),
        "assumed": LineStyle("declared geodesic", "#009E73", (0, (5, 1.4, 1, 1.4))),
        "geodesic": LineStyle("geodesic", "#0072B2", "solid"),
        "density": LineStyle("density geodesic", "#CC79A7", (0, (7, 1.4))),
        "graph": LineStyle("data graph", "#56B4E9", (0, (2, 1, 1, 1))),
    }
)
"""Kinds of paths, in the colours of Okabe and Ito (2008), which colour-blind readers tell apart."""

OWN_STYLES = tuple(
    LineStyle("", color, pattern)
    for pattern in ("solid", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1.2, 1, 1.2, 1, 1.2)))
    for color in ("#000000", "#7F7F7F")
)
"""Kinds under names of a user's own, in their order."""

SUBJECT_STYLES = (
    LineStyle("", "#000000", "solid"),
    LineStyle("", "#CC79A7", (0, (5, 1.2))),
    LineStyle("", "#E69F00", (0, (6, 1.2, 1, 1.2))),
    LineStyle("", "#56B4E9", (0, (1.2, 1))),
)
"""Models beside each other, in order; never on the same axes as kinds of paths."""

NULL_COLOR = "#8A8A8A"
"""What flatness looks like to the same measurement."""

CLASS_COLORS = (
    "#332288",
    "#CC6677",
    "#117733",
    "#B8960C",
    "#88CCEE",
    "#882255",
    "#44AA99",
    "#999933",
    "#AA4499",
    "#6B4C2A",
)
"""After Paul Tol's "muted" scheme; figures name the classes as well, since ten colours are many."""

MAGNIFICATION_COLORS = LinearSegmentedColormap.from_list(
    "geolatent_relief", ["#FBFAF7", "#E9E7E1", "#CFCDC7", "#ABAAA8", "#828488", "#5E626B"]
)
"""Light to slate without hue: hue is left to classes and paths."""

CONDITION_COLORS = LinearSegmentedColormap.from_list(
    "geolatent_condition", ["#FDF8EE", "#F5DCB5", "#E3AE6E", "#B87333", "#7A4416", "#4A2708"]
)
"""Pale to brown: lightness alone orders it."""

CURVATURE_COLORS = LinearSegmentedColormap.from_list(
    "geolatent_curvature",
    ["#2D004B", "#6F4F9B", "#B6AED4", "#F7F7F7", "#F5B868", "#C06D0D", "#7F3B08"],
)
"""Purple for saddles, orange for caps, after ColorBrewer's PuOr, which colour-blind readers see."""

EXCESS_COLORS = LinearSegmentedColormap.from_list(
    "geolatent_excess", ["#FFFFFF", "#FCE3D2", "#F4A97F", "#D55E00", "#8A2F00", "#3F1200"]
)
"""White to dark in the colour of straight lines."""

UNCERTAINTY_COLORS = LinearSegmentedColormap.from_list(
    "geolatent_uncertainty", ["#F4F9F7", "#C5E3D8", "#7FBFAB", "#3B8C78", "#1B5A50", "#0A2F2B"]
)
"""Pale to deep green: light is where the decoder knows."""

INK = "#22252B"
QUIET = "#6A6E76"
HALO = (patheffects.withStroke(linewidth=2.4, foreground="white"),)
"""A white edge that keeps lines and letters apart from what they cross."""

# Any: matplotlib types the names of its parameters, differently in each version.
_PARAMETERS: Any = MappingProxyType(
    {
        # The one family that every matplotlib ships: figures are the same on every machine.
        "font.family": "DejaVu Sans",
        "mathtext.fontset": "dejavusans",
        "font.size": 7.5,
        "axes.titlesize": 8.0,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 7.5,
        "xtick.labelsize": 6.8,
        "ytick.labelsize": 6.8,
        "legend.fontsize": 6.8,
        "legend.frameon": False,
        "legend.handlelength": 2.6,
        "figure.titlesize": 9.0,
        "figure.facecolor": "white",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": QUIET,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.linewidth": 0.6,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "lines.linewidth": 1.5,
        "savefig.dpi": PNG_DPI,
        "pdf.fonttype": 42,
        "svg.hashsalt": "geolatent",
    }
)


@contextmanager
def figure_style() -> Iterator[None]:
    """The style, from matplotlib's own defaults and whatever the caller has set untouched after.

    matplotlib keeps its parameters in one global table, so that two threads cannot draw in
    different styles at the same time.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_PARAMETERS)
        yield
