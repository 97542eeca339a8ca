"""Statistics of codes in any metric, each with the distance to its flat answer."""

from geolatent.statistics.frechet_mean import FrechetMean, frechet_mean

__all__ = ["FrechetMean", "frechet_mean"]
