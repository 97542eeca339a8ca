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
# # Hyperbolic codes for a tree
#
# The nodes of a tree grow in number exponentially with the distance, and so does the room of a
# hyperbolic plane; that of a flat one grows quadratically. Does a model that declares a hyperbolic
# latent space keep the distances of a tree better? This is the table of Nagano et al. (2019) at
# small cost: a smaller tree, one seed, fewer steps. All of it is in docs/published_tables.md:
# `geolatent reproduce experiment=tree_nagano2019`.

# %%
import matplotlib.pyplot as plt
import pandas as pd
import torch

from geolatent.assumptions import audit
from geolatent.data import binary_tree
from geolatent.geodesics import connect
from geolatent.latents import EuclideanSpace, LatentSpace, WrappedNormalSpace
from geolatent.likelihoods import Bernoulli
from geolatent.manifolds import Lorentz, PoincareBall
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.training import TrainingConfig, fit
from geolatent.viz import draw_codes, draw_curves, latent_field

# %% [markdown]
# ## The tree, and three spaces for it
#
# 127 nodes, each described by 127 bits: itself and its ancestors. The number of bits in which two
# nodes differ is their distance in the tree. Training flips a tenth of the bits.
#
# The Lorentz model and the Poincaré ball are the same hyperbolic plane in other coordinates; the
# decoder is fed with these.

# %%
data = binary_tree(levels=7)
nodes = data.train
parents = torch.arange(2, 128) // 2 - 1  # of node 2, 3, ...; the root is row 0


def train(space: LatentSpace) -> VAE:
    """One hidden layer, as in the paper."""
    torch.manual_seed(0)
    hidden = {"hidden": [100], "initialisation": "lecun_glorot"}
    one = [0.0, 0.0, -0.54, -0.54]  # so that training starts from the paper's scales
    encoder = MLP(data.width, space.parameter_size, output_bias=one, **hidden)
    model = VAE(encoder, space, MLP(space.feature_size, data.width, **hidden), Bernoulli())
    config = TrainingConfig(
        epochs=700, batch_size=127, flip_probability=0.1, sampled_kl=True, patience=None
    )
    fit(model, data, config)
    return model


models = {
    "Euclidean": train(EuclideanSpace(2)),
    "Lorentz": train(WrappedNormalSpace(Lorentz(2, curvature=-1.0))),
    "Poincaré": train(WrappedNormalSpace(PoincareBall(2, curvature=-1.0))),
}

# %% [markdown]
# ## Distances of codes against distances in the tree
#
# Over all pairs of nodes. Pairs share nodes and there is one training each: no interval here, five
# seeds in the published table.

# %%
a, b = torch.tril_indices(len(nodes), len(nodes), -1)
in_tree = (nodes[a] != nodes[b]).sum(-1)
codes, rows = {}, {}
for name, model in models.items():
    with torch.no_grad():
        codes[name] = model.encode(nodes)
    latent = model.assumed_metric().distance(codes[name][a], codes[name][b])
    rows[name] = {
        "correlation": float(torch.corrcoef(torch.stack([latent, in_tree]))[0, 1]),
        "farthest code": float(codes[name].norm(dim=-1).max()),
    }
pd.DataFrame(rows).T.round(3)

# %% [markdown]
# ## The trees as they were learned
#
# Codes and the declared geodesics from each node to its parent: straight lines in the plane, arcs
# in the Poincaré disk.

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 4))
for ax, (name, model) in zip(axes, models.items(), strict=True):
    chart = latent_field(model, codes[name], resolution=8).chart
    edges = connect(model.assumed_metric(), codes[name][parents], codes[name][1:])
    draw_curves(ax, chart, edges.points, "assumed", width=0.5, ends=False)
    draw_codes(ax, chart, codes[name], labels=data.train_labels, label_names=("root",) + 6 * ("",))
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_title(name)
    if chart.round:  # the circle is at infinity
        ax.add_patch(plt.Circle((0, 0), 1, fill=False))

# %% [markdown]
# ## What the hyperbolic claim rests on

# %%
report = audit(
    models["Lorentz"], codes["Lorentz"], data=nodes, assumptions=["tree-like", "not-clipped"]
)
print(report)

# %% [markdown]
# ## How far out coordinates can be trusted
#
# Two points at radius r in opposite directions are 2 r apart. `valid_radius` is where the space
# warns, `largest_radius` the last one that can be stored.

# %%
direction = torch.tensor([0.6, 0.8], dtype=torch.float64)
found = []
for dtype in (torch.float32, torch.float64):
    for space in (Lorentz(2), PoincareBall(2)):
        row = {"space": f"{type(space).__name__}, {dtype}".replace("torch.", "")}
        row |= {"warns from": space.valid_radius(dtype), "largest": space.largest_radius(dtype)}
        for r in (4.0, 8.0, 16.0, 32.0):
            code = r * direction.to(dtype)
            apart = space.distance(space.point(code), space.point(-code))
            row[f"error at {r:g}"] = abs(float(apart) - 2 * r)
        found.append(row)
pd.DataFrame(found).set_index("space").map("{:.3g}".format)

# %% [markdown]
# ## What was seen
#
# - In the coordinates of the Lorentz model distances of codes follow the tree better than in the
#   plane (correlation 0.80 against 0.67), as in the published table.
# - In those of the Poincaré ball they do not (0.63), although it is the same space with the same
#   prior. What differs is what the decoder is fed with: hyperboloid coordinates grow with the
#   radius, those of the ball stay below one. So curvature alone does not do it.
# - The data are as tree-like as the claim asks, with a wide margin. 127 codes are too few to show
#   that hardly any is clipped; none was.
# - The farthest code is at radius 1.6, where the room is hardly more than in a flat plane, and far
#   from where numbers end: in float32 the ball is off by more than 1 at radius 16, the Lorentz
#   model is not.
#
# One training each: nothing is said of other seeds.
