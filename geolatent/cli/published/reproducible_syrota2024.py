"""Are geodesic distances reproducible? (Syrota et al. 2024)."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from typing_extensions import override

from geolatent.cli.published.clustering_f_measure import clustering_f_measure
from geolatent.cli.published.decorrelated_curve import decorrelated_curve
from geolatent.cli.published.published_experiment import PublishedExperiment, Request
from geolatent.cli.published.published_table import Condition, PublishedTable
from geolatent.cli.published.table_entry import Reference, TableEntry
from geolatent.cli.published.trained_rows import Measured, Row, TrainedRows, train_rows
from geolatent.cli.train import TrainedRun
from geolatent.geodesics import connect, measure
from geolatent.interpolation import random_pairs
from geolatent.likelihoods import Ensemble
from geolatent.statistics import k_means

_SEEDS = tuple(range(10))
_PAIRS = 50
_NODES = 16  # segments of the curves whose energy depends on their number
_SUBSET = 100
_LEVEL = 0.05

_ENSEMBLE, _RBF = "ensemble of 8", "one decoder, RBF precision"
_EUCLIDEAN, _GEODESIC, _POTENTIAL = "Euclidean", "geodesic", "geodesic, nodes drawn independently"
_RIEMANNIAN_F, _EUCLIDEAN_F = "F-measure, Riemannian (%)", "F-measure, Euclidean (%)"

# Arvanitidis et al. 2018 on MNIST, by a secondary source: Riemannian, Euclidean.
_TRIPLES = {(0, 1, 2): (94.3, 77.6), (3, 4, 7): (89.5, 77.8), (5, 6, 9): (81.1, 64.9)}


@final
class ReproducibleSyrota2024(PublishedExperiment):
    """Do distances of the same data vary less between trainings along geodesics than straight?

    Measured by the coefficient of variation over seeds, for 50 fixed pairs of test data; and by how
    well k-means with either distance finds three digits.

    References:
        Syrota, S., Moreno-Muñoz, P., Hauberg, S. (2024). Decoder ensembling for learned latent
        geometries. arXiv 2408.07507. Arvanitidis, G., Hansen, L. K., Hauberg, S. (2018). Latent
        space oddity: on the curvature of deep generative models. arXiv 1710.11379.
    """

    @override
    def make(self, request: Request) -> PublishedTable:
        rows = [
            Row(_ENSEMBLE, ("likelihood=ensemble",)),
            Row(_RBF, ("likelihood=gaussian_rbf",)),
            *(
                Row(
                    _triple_name(digits),
                    ("likelihood=gaussian_rbf", f"data.classes={list(digits)}".replace(" ", "")),
                )
                for digits in _TRIPLES
            ),
        ]
        runs = train_rows(
            "reproducible_syrota2024", rows, request, seeds=_SEEDS, measure=distances_or_clusters
        )
        entries, conditions = [], []
        variations = {
            (row, distance): variation(runs.items(row, distance))
            for row in (_ENSEMBLE, _RBF)
            for distance in (_EUCLIDEAN, _GEODESIC, _POTENTIAL)
        }
        for (row, distance), values in variations.items():
            if values:
                entries.append(TableEntry(row, f"CV, {distance}", (_mean(values),)))
        for claim, less, more, published in _comparisons():
            test = paired_test(variations[less], variations[more])
            conditions.append(_condition(claim, test))
            if test is not None:
                references = tuple(Reference(f"published, {name}", t) for name, t in published)
                entries.append(TableEntry(claim, "paired t over pairs", (test.t,), references))
        for digits, recalled in _TRIPLES.items():
            found, condition = _clusters(_triple_name(digits), recalled, runs)
            entries += found
            conditions.append(condition)
        return PublishedTable(
            experiment="reproducible_syrota2024",
            title="Are geodesic distances reproducible? Coefficients of variation over trainings",
            source="Syrota et al. 2024, arXiv 2408.07507; clusters: Arvanitidis et al. 2018, "
            "arXiv 1710.11379",
            seeds=runs.seeds,
            cuts=runs.cuts,
            entries=tuple(entries),
            conditions=tuple(conditions),
            notes=_notes(
                runs,
                *(
                    variations[key]
                    for key in ((_ENSEMBLE, _GEODESIC), (_ENSEMBLE, _POTENTIAL), (_RBF, _GEODESIC))
                ),
            ),
        )


def distances_or_clusters(trained: TrainedRun) -> dict[str, Measured]:
    """Distances of the fixed pairs; of the three digits, how well clusters find them."""
    if trained.cfg.data.classes is not None:
        return cluster_measures(trained)
    return pair_distances(trained)


@torch.no_grad()
def pair_distances(trained: TrainedRun) -> dict[str, Measured]:
    """Of the codes of fixed pairs of test data; NaN for a geodesic that was not found."""
    model, test = trained.model, trained.data.test
    like = next(model.parameters())
    codes = model.encode(test.to(like))
    first, second = random_pairs(len(codes), min(_PAIRS, len(codes) // 2), seed=0)
    start, end = codes[first], codes[second]
    metric = model.induced_metric()
    path = connect(metric, start, end)
    found: dict[str, Measured] = {
        _EUCLIDEAN: (start - end).norm(dim=-1).tolist(),
        _GEODESIC: path.length.where(path.converged, torch.nan).tolist(),
    }
    if isinstance(model.likelihood, Ensemble):
        times = torch.linspace(0, 1, _NODES + 1).to(like)
        with torch.enable_grad():
            curves = decorrelated_curve(model, path(times))
        length = measure(metric, curves.nodes).length
        found[_POTENTIAL] = length.where(curves.settled, torch.nan).tolist()
    return found


@torch.no_grad()
def cluster_measures(trained: TrainedRun) -> dict[str, Measured]:
    """F-measures of k-means on a random subset of the training data, for both distances."""
    model, data = trained.model, trained.data
    like = next(model.parameters())
    random = torch.Generator().manual_seed(int(trained.cfg.seed))
    rows = torch.randperm(len(data.train), generator=random)[:_SUBSET]
    codes = model.encode(data.train[rows].to(like))
    classes = data.train_labels
    assert classes is not None
    found = k_means(model.induced_metric(), codes, len(classes.unique()), restarts=2)
    return {
        _RIEMANNIAN_F: 100 * clustering_f_measure(classes[rows], found.labels.cpu()),
        _EUCLIDEAN_F: 100 * clustering_f_measure(classes[rows], found.flat_labels.cpu()),
        "clusters settled": float(found.converged),
    }


def variation(distances: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """Standard deviation over mean of each pair's distances.

    Args:
        distances: for each seed those of all pairs.

    Returns:
        One for each pair, NaN where a distance is; empty for fewer than two seeds.
    """
    if len(distances) < 2:
        return ()
    table = torch.tensor(distances, dtype=torch.float64)
    return tuple((table.std(0) / table.mean(0)).tolist())


@dataclass(frozen=True)
class PairedTest:
    """A one-sided paired t-test.

    Attributes:
        t: negative where the first values are smaller.
        p: probability of so small a t if they are not.
        share: of pairs whose first value is smaller.
        pairs: that both values are known of.
    """

    t: float
    p: float
    share: float
    pairs: int


def paired_test(less: Sequence[float], more: Sequence[float]) -> PairedTest | None:
    """Whether values are smaller than their partners; None for fewer than two pairs."""
    from scipy.stats import ttest_rel  # slow to import

    both = [
        (a, b)
        for a, b in zip(less, more, strict=len(less) == len(more))
        if math.isfinite(a) and math.isfinite(b)
    ]
    if len(both) < 2:
        return None
    found = ttest_rel([a for a, _ in both], [b for _, b in both], alternative="less")
    share = sum(a < b for a, b in both) / len(both)
    return PairedTest(float(found.statistic), float(found.pvalue), share, len(both))


def _comparisons() -> list[tuple[str, tuple[str, str], tuple[str, str], list[tuple[str, float]]]]:
    published = [("least, of MNIST, FMNIST, CelebA", -15.0), ("greatest", -22.0)]
    return [
        (
            "ensemble: CV(geodesic) < CV(Euclidean)",
            (_ENSEMBLE, _GEODESIC),
            (_ENSEMBLE, _EUCLIDEAN),
            published,
        ),
        (
            "ensemble, nodes drawn independently: CV(geodesic) < CV(Euclidean)",
            (_ENSEMBLE, _POTENTIAL),
            (_ENSEMBLE, _EUCLIDEAN),
            published,
        ),
        (
            "RBF precision: CV(geodesic) < CV(Euclidean)",
            (_RBF, _GEODESIC),
            (_RBF, _EUCLIDEAN),
            [],
        ),
        (
            "geodesic: CV(ensemble) < CV(RBF precision)",
            (_ENSEMBLE, _GEODESIC),
            (_RBF, _GEODESIC),
            [],
        ),
    ]


def _condition(claim: str, test: PairedTest | None) -> Condition:
    if test is None:
        return Condition(claim, "not run", None)
    said = f"t = {test.t:.2f}, p = {test.p:.2g}, in {test.share:.0%} of {test.pairs} pairs"
    return Condition(claim, said, test.t < 0 and test.p < _LEVEL)


def _clusters(
    row: str, published: tuple[float, float], runs: TrainedRows
) -> tuple[list[TableEntry], Condition]:
    entries = []
    values = {name: runs.values(row, name) for name in (_RIEMANNIAN_F, _EUCLIDEAN_F)}
    if values[_RIEMANNIAN_F]:
        for (name, found), number in zip(values.items(), published, strict=True):
            reference = Reference("MNIST, secondary source", number)
            entries.append(TableEntry(row, name, found, (reference,)))
        gain = tuple(a - b for a, b in zip(*values.values(), strict=True))
        entries.append(TableEntry(row, "difference (%)", gain))
    test = paired_test(values[_EUCLIDEAN_F], values[_RIEMANNIAN_F])
    claim = f"{row}: F-measure (Riemannian) > F-measure (Euclidean)"
    if test is None or math.isnan(test.t):
        return entries, Condition(claim, "not decided", None)
    said = f"t = {-test.t:.2f}, p = {test.p:.2g}, in {test.share:.0%} of {test.pairs} subsets"
    return entries, Condition(claim, said, test.t < 0 and test.p < _LEVEL)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return statistics.fmean(known) if known else math.nan


def _triple_name(digits: Sequence[int]) -> str:
    return f"digits {', '.join(map(str, digits))}"


def _notes(runs: TrainedRows, *geodesic: Sequence[float]) -> tuple[str, ...]:
    lost = ", ".join(str(sum(map(math.isnan, values))) for values in geodesic)
    settled = [n for row in runs.measured for n in runs.values(row, "clusters settled")]
    return (
        "Data: scikit-learn's 1797 digits of 8 × 8 pixels, a stand-in for MNIST. Where a sign is "
        "the target, not the value. Every seed trains encoder and decoder anew on the same split.",
        "CV: standard deviation over mean of one pair's distance over the seeds; in the table the "
        "mean over 50 disjoint pairs of test data.",
        "Geodesics of the ensemble: of its expected metric. Nodes drawn independently: curves of "
        f"least energy with the disagreement of the members at each of {_NODES} + 1 nodes, "
        "measured by the expected metric; how much it weighs depends on their number.",
        f"Pairs left out since a curve did not converge in some seed: {lost} of ensemble, ensemble "
        "with nodes drawn independently and RBF precision.",
        "Clusters: k-means of 100 training images, each subset with a model of its own (RBF "
        "precision) of its three digits; the F-measure of each class with the cluster that fits "
        f"it best. Riemannian clusters that did not settle: {settled.count(0.0)} of "
        f"{len(settled)}.",
        f"A condition holds at p < {_LEVEL:g}, one-sided. Pairs share their models: the t-test "
        "over pairs is that of the publication, and speaks of these seeds.",
    )
