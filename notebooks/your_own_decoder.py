# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Your own decoder
#
# Nothing needs our models. Any callable or `nn.Module` from codes `(b, d)` to data `(b, ...)` has a
# geometry, is taken as flat as its users take it, and can be audited. Here it is a small
# autoencoder in plain torch; for pythae, scvi-tools and diffusers see docs/foreign_decoders.md.

# %%
import numpy as np
import torch
from geomstats.learning.frechet_mean import FrechetMean
from geoopt import ManifoldParameter
from geoopt.optim import RiemannianAdam
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from geolatent.assumptions import audit
from geolatent.curvature import gaussian
from geolatent.data import digits
from geolatent.geodesics import connect, distance_matrix
from geolatent.interop import LearnedManifold, geomstats_space
from geolatent.interpolation import random_pairs
from geolatent.metrics import PullbackMetric
from geolatent.viz import geometry_map

_ = torch.manual_seed(0)
data = digits()
encoder = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
decoder = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
for _ in range(60):
    for rows in torch.randperm(len(data.train)).split(128):
        error = (decoder(encoder(data.train[rows])) - data.train[rows]).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
decoder.requires_grad_(False)
with torch.no_grad():
    codes = encoder(data.test)

# %% [markdown]
# ## Geodesics, distances, curvature
#
# The metric is the one that the decoder pulls back: lengths are in the units of the data.

# %%
metric = PullbackMetric(decoder)
start, end = (codes[rows] for rows in random_pairs(len(codes), 100, seed=0))
path = connect(metric, start, end)
excess = path.straight_excess
curvature = gaussian(metric, codes)
print(f"{int(path.converged.sum())} of {len(path)} geodesics converged; the straight line is "
      f"{excess.median():.1%} too long in the median, {excess.max():.0%} at most")  # fmt: skip
print(f"curvature × squared typical distance: 90 % of codes between "
      f"{np.quantile(curvature * path.length.median() ** 2, [0.05, 0.95]).round(1)}")  # fmt: skip

# %%
geometry_map(decoder, codes, labels=data.test_labels)

# %% [markdown]
# ## In scikit-learn
#
# `metric="precomputed"` takes all-pairs distances. Does the geometry help to tell digits apart?
# Ten folds of the same codes, straight and geodesic.

# %%
distances = distance_matrix(metric, codes, method="graph", progress=False).values.numpy()
straight = torch.cdist(codes, codes).numpy()
labels = data.test_labels.numpy()
neighbours = KNeighborsClassifier(5, metric="precomputed")
difference = cross_val_score(neighbours, distances, labels, cv=10) - cross_val_score(
    neighbours, straight, labels, cv=10
)
print(f"accuracy, geodesic minus straight: {difference.mean():+.3f}, "
      f"standard deviation over folds {difference.std(ddof=1):.3f}")  # fmt: skip

# %% [markdown]
# ## In geomstats and geoopt
#
# The mean of the zeros, once by geomstats' own algorithm on our solvers, once by geoopt's optimiser
# on the sum of squared distances. The arithmetic mean of the codes beside them.

# %%
zeros = codes[data.test_labels == 0][:12].double()
double = PullbackMetric(decoder.double())
mean = FrechetMean(geomstats_space(double, dim=2)).set(epsilon=1e-6).fit(zeros.numpy()).estimate_

manifold = LearnedManifold(double)
moving = ManifoldParameter(zeros.mean(0), manifold=manifold)
adam = RiemannianAdam([moving], lr=0.05)
for _ in range(60):
    adam.zero_grad()
    manifold.dist(moving.expand_as(zeros), zeros).square().sum().backward()
    adam.step()
print("geomstats  ", mean.round(3))
print("geoopt     ", moving.detach().numpy().round(3))
print("arithmetic ", zeros.mean(0).numpy().round(3))
_ = decoder.float()

# %% [markdown]
# ## The audit
#
# With an `encoder` it would be a model; a bare decoder has no posterior and no likelihood, and says
# so where a claim is about them.

# %%
report = audit(decoder, codes, data=data.test, labels=data.test_labels, training=data.train)
print(report)

# %% [markdown]
# ## What was seen
#
# - Its curvature is not tolerably small for over a third of the codes, and distances in codes are
#   not proportional to those in data (`isometric`). Straight lines are nearly geodesics all the
#   same: 0.2 % too long in the median, 2 % at most. Flat is fine for interpolation here.
# - Neighbours in the geometry are no better at telling digits apart than straight ones.
# - geomstats and geoopt agree on a mean to the third digit; the arithmetic mean is close by.
# - The audit says what it cannot know of a bare decoder.
#
# One training; intervals are over pairs and codes, not over seeds.
