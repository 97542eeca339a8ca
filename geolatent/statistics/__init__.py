"""Statistics of codes in any metric, each with the distance to its flat answer."""

from geolatent.statistics.frechet_mean import FrechetMean, frechet_mean
from geolatent.statistics.log_maps import LogMaps, log_maps

__all__ = ["FrechetMean", "LogMaps", "frechet_mean", "log_maps"]
