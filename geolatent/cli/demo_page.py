"""What the page of the demo says."""

from collections.abc import Sequence
from pathlib import Path

from geolatent.cli.compared_run import ComparedRun
from geolatent.cli.provenance import git_commit, versions
from geolatent.report import Making, ModelSection, Page, ReportFigure

_MEASURES = {
    "test ELBO (nats an item)": "test_elbo",
    "test importance-weighted bound (nats)": "test_iwae",
    "test reconstruction error (RMS, data's units)": "test_rmse",
    "epochs": "epochs",
    "training time (s)": "seconds",
}

_MAP = (
    "Left: the latent space from above, dark where a step changes the decoded data most, with the "
    "codes of the test items. Right: speed along the paths; a geodesic has constant speed. Below: "
    "what is decoded along each path."
)


def demo_page(results: Sequence[ComparedRun], overview: Path, *, command: str) -> Page:
    """Put the page together.

    Args:
        results: the models, at least one.
        overview: the figure with all of them.
        command: as typed.
    """
    first = results[0]
    data, pairs = first.run.data, first.pairs
    commit = git_commit()
    return Page(
        title="Straight lines and geodesics in latent spaces",
        subject=(
            f"{data.name}: {data.data_set.source} {len(pairs.start)} random pairs of the "
            f"{len(pairs.codes)} items of the {pairs.part} part, no item in two pairs, the same "
            "pairs for every model."
        ),
        sections=tuple(_section(found) for found in results),
        making=Making(
            command=command,
            versions={**versions(), **({"commit": commit} if commit else {})},
            seeds={
                "pairs": pairs.seed,
                **{f"training, {found.title}": int(found.run.cfg.seed) for found in results},
            },
            remarks=(
                "Pairs are drawn at random; only pictures marked as extreme show chosen ones.",
                "Geodesics are local minima next to the straight line: where shorter paths exist, "
                "the excess is a lower bound.",
            ),
        ),
        overview=(
            ReportFigure(
                title="How many pairs bend, and by how much",
                caption=(
                    "For every amount of excess length, the share of pairs with more of it. "
                    "Bars: 95 % intervals of the share above 5 % and of the median."
                ),
                image=overview,
            ),
        ),
    )


def _section(found: ComparedRun) -> ModelSection:
    metrics, null = found.run.metrics, found.pairs.comparison.null
    figures = found.figures
    measures: dict[str, float | int | str] = {
        name: metrics[key] for name, key in _MEASURES.items() if key in metrics
    }
    if "assumed" in found.pairs.comparison.paths:
        declared = found.pairs.comparison.assumed_bend()
        measures["declared geodesics: excess length, median"] = f"{declared.median:.1%}"
    return ModelSection(
        name=found.title,
        assumption=str(found.run.cfg.about.assumption),
        bend=found.pairs.comparison.bend(),
        null=None if null is None else null.bend(),
        measures=measures,
        figures=(
            ReportFigure(title="The first pair drawn", caption=_MAP, image=figures["first_drawn"]),
            ReportFigure(
                title="The pair that bends most",
                caption=f"The same for the greatest excess of all pairs. {_MAP}",
                image=figures["most_bent"],
                extreme=True,
            ),
            ReportFigure(
                title="All pairs in time",
                caption=(
                    "Median over the pairs and the band of 80 % of them: speed, distance of the "
                    "decoded path to its nearest training item, and the model's own uncertainty "
                    "where it varies."
                ),
                image=figures["profiles"],
            ),
        ),
    )
