"""Figures: what a latent space looks like, and how far straight lines are from geodesics.

Every function draws on axes that it is given, or builds a `matplotlib.figure.Figure`; pyplot and
the caller's settings are left alone.
"""

from geolatent.viz.comparison_figure import (
    comparison_figure,
    effects_figure,
    excess_figure,
    profiles_figure,
)
from geolatent.viz.data_profile import data_profile
from geolatent.viz.decoded_strip import decoded_strip
from geolatent.viz.effect_forest import effect_forest
from geolatent.viz.excess_distribution import excess_distribution
from geolatent.viz.geodesic_circles import GeodesicCircles, geodesic_circles
from geolatent.viz.geometry_map import geometry_map
from geolatent.viz.latent_field import LatentField, latent_field
from geolatent.viz.latent_map import latent_map
from geolatent.viz.local_excess import LocalExcess, local_excess
from geolatent.viz.map_layers import (
    draw_circles,
    draw_codes,
    draw_curves,
    draw_excess,
    draw_indicatrices,
    draw_relief,
)
from geolatent.viz.path_speed import relative_speed
from geolatent.viz.plane_section import PlaneSection
from geolatent.viz.power_figure import power_figure
from geolatent.viz.save_figure import save_figure
from geolatent.viz.sensitivity_figure import sensitivity_figure
from geolatent.viz.speed_profile import speed_profile
from geolatent.viz.style import PATH_STYLES, LineStyle, figure_style

__all__ = [
    "PATH_STYLES",
    "GeodesicCircles",
    "LatentField",
    "LineStyle",
    "LocalExcess",
    "PlaneSection",
    "comparison_figure",
    "data_profile",
    "decoded_strip",
    "draw_circles",
    "draw_codes",
    "draw_curves",
    "draw_excess",
    "draw_indicatrices",
    "draw_relief",
    "effect_forest",
    "effects_figure",
    "excess_distribution",
    "excess_figure",
    "figure_style",
    "geodesic_circles",
    "geometry_map",
    "latent_field",
    "latent_map",
    "local_excess",
    "power_figure",
    "profiles_figure",
    "relative_speed",
    "save_figure",
    "sensitivity_figure",
    "speed_profile",
]
