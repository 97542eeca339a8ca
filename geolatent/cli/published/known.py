"""The published experiments by name."""

import importlib

from geolatent.cli.published.published_experiment import PublishedExperiment

_CLASSES = {
    "tree_nagano2019": "TreeNagano2019",
    "limits_mishne2023": "LimitsMishne2023",
    "branching_mathieu2019": "BranchingMathieu2019",
    "flattening_palma2025": "FlatteningPalma2025",
    "reproducible_syrota2024": "ReproducibleSyrota2024",
}


def known_experiment(name: str | None) -> PublishedExperiment:
    """The published experiment of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in _CLASSES:
        known = ", ".join(_CLASSES)
        if name is None:
            raise ValueError(f"experiment is needed and has no value. Published tables: {known}.")
        raise ValueError(
            f"experiment={name} is one run, made by geolatent train experiment={name}. "
            f"Published tables: {known}."
        )
    module = importlib.import_module(f"geolatent.cli.published.{name}")
    experiment: PublishedExperiment = getattr(module, _CLASSES[name])()
    return experiment
