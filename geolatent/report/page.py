"""What a page says, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from geolatent.interpolation import Bend


@final
@dataclass(frozen=True, kw_only=True)
class ReportFigure:
    """A picture with what is needed to read it.

    Attributes:
        title: short.
        caption: what is seen and how to read it; also read aloud instead of the picture.
        image: a PNG or SVG file, or its content.
        extreme: shows cases chosen for being extreme, and is marked as such.
    """

    title: str
    caption: str
    image: bytes | Path
    extreme: bool = False


@final
@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """One model: what it assumes and what was found.

    Attributes:
        name: short, unique on the page.
        assumption: what the model takes for granted, in one sentence.
        bend: how much longer straight lines are than geodesics.
        null: the same measurement on an affine decoder; what it adds of its own.
        measures: further numbers for the table, by their names (with units).
        figures: in order.
    """

    name: str
    assumption: str
    bend: Bend
    null: Bend | None = None
    measures: Mapping[str, float | int | str] = field(default_factory=dict)
    figures: tuple[ReportFigure, ...] = ()


@final
@dataclass(frozen=True, kw_only=True)
class Making:
    """How a page can be made again.

    Attributes:
        command: as typed.
        versions: of the packages, by name.
        seeds: by what they seed.
        remarks: whole sentences.
    """

    command: str
    versions: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@final
@dataclass(frozen=True, kw_only=True)
class Page:
    """A page that compares models.

    Attributes:
        title: of the page.
        subject: which data and which pairs, in a sentence or two.
        sections: the models, at least one, with different names.
        making: how it was made.
        overview: figures that show all models.

    Raises:
        ValueError: there is no section, or two have the same name.
    """

    title: str
    subject: str
    sections: tuple[ModelSection, ...]
    making: Making
    overview: tuple[ReportFigure, ...] = ()

    def __post_init__(self) -> None:
        names = [section.name for section in self.sections]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a page needs one or more models of different names, got {names}.")
