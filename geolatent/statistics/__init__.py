"""Statistics of codes in any metric, each with the distance to its flat answer."""

from geolatent.statistics.frechet_mean import FrechetMean, frechet_mean
from geolatent.statistics.geodesic_regression import GeodesicRegression, geodesic_regression
from geolatent.statistics.k_means import KMeans, k_means
from geolatent.statistics.k_medoids import KMedoids, k_medoids
from geolatent.statistics.kernel_density import KernelDensity, kernel_density
from geolatent.statistics.land import Land, land
from geolatent.statistics.log_maps import LogMaps, log_maps
from geolatent.statistics.nearest_neighbours import Neighbours, nearest_neighbours
from geolatent.statistics.principal_geodesics import PrincipalGeodesics, principal_geodesics
from geolatent.statistics.volume_distortion import volume_distortion

__all__ = [
    "FrechetMean",
    "GeodesicRegression",
    "KMeans",
    "KMedoids",
    "KernelDensity",
    "Land",
    "LogMaps",
    "Neighbours",
    "PrincipalGeodesics",
    "frechet_mean",
    "geodesic_regression",
    "k_means",
    "k_medoids",
    "kernel_density",
    "land",
    "log_maps",
    "nearest_neighbours",
    "principal_geodesics",
    "volume_distortion",
]
