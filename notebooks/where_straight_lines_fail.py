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
# # Where straight lines fail, and where they do not
#
# There are more ways from one code to another than a straight line. We walk six of them between the
# same random pairs, ask what each changes in data space, look where the map is bent, and then
# train the same model with a decoder that is asked to be flat. What does flatness cost?

# %%
import torch

from geolatent.data import digits
from geolatent.interpolation import compare, random_pairs
from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import Gaussian
from geolatent.models import VAE, FlatDecoder, Regulariser
from geolatent.networks import MLP
from geolatent.training import TrainingConfig, evaluate, fit
from geolatent.viz import comparison_figure, effects_figure, excess_figure, geometry_map

data = digits()


def train(regulariser: Regulariser | None) -> VAE:
    """The same model from the same initial weights."""
    torch.manual_seed(0)
    latent = EuclideanSpace(2)
    encoder, decoder = MLP(data.width, latent.parameter_size), MLP(2, data.width)
    model = VAE(encoder, latent, decoder, Gaussian(scale=0.3, learn_scale=True))
    fit(model, data, TrainingConfig(epochs=80, learning_rate=2e-3, regulariser=regulariser))
    return model


usual = train(None)

# %% [markdown]
# ## Six paths
#
# Of 100 disjoint pairs of test digits. Each path is compared with the straight line of the same
# pair: median difference with its interval, and the share of pairs that differ by more than what
# matters. Intervals are over pairs, not over trainings.

# %%
with torch.no_grad():
    codes = usual.encode(data.test)
start, end = random_pairs(len(codes), 100, seed=0)
walks = compare(
    usual,
    codes[start],
    codes[end],
    paths=("linear", "spherical", "assumed", "geodesic", "density", "graph"),
    data=data.train,
    labels=data.train_labels,
    null=True,
)
effects_figure(walks)

# %% [markdown]
# The declared geometry is flat, so its geodesics are the straight lines. On an affine decoder the
# geodesic changes nothing; slerp, density and graph are detours there too:

# %%
effects = walks.effects().set_index(["path", "measure"])
columns = ["difference", "low", "high", "share", "verdict", "null_difference", "null_share"]
effects.loc[(slice(None), ["length", "second_differences"]), columns].round(3)

# %% [markdown]
# ## Where
#
# Panel d says at which codes a short straight line in a random direction is too long, and by how
# much; c where the surface is a cap or a saddle.

# %%
about = {"labels": data.test_labels, "label_names": data.data_set.label_names}
geometry_map(usual, codes, **about)

# %%
comparison_figure(
    usual,
    walks,
    codes,
    pair="most bent",
    **about,
    image_shape=data.data_set.image_shape,
    ends=(data.test[start], data.test[end]),
)

# %% [markdown]
# ## A model on which flat is fine
#
# `FlatDecoder` (Chen et al. 2020) adds the distance of the induced metric from a multiple of the
# identity to the loss.

# %%
flat = train(FlatDecoder(weight=3e-3))
with torch.no_grad():
    flat_codes = flat.encode(data.test)
flat_walks = compare(flat, flat_codes[start], flat_codes[end], data=data.train, null=True)
print(flat_walks)

# %%
excess_figure({"usual": walks, "asked to be flat": flat_walks}, null=walks.null)

# %%
geometry_map(flat, flat_codes, **about)

# %%
for name, model in (("usual", usual), ("asked to be flat", flat)):
    found = evaluate(model, data.test, samples=8)
    print(f"{name}: evidence lower bound {found.elbo:.2f} nats, log likelihood "
          f"{found.log_likelihood:.2f}, KL {found.kl:.2f}")  # fmt: skip

# %% [markdown]
# ## What was seen
#
# - On the usual model about a quarter of the geodesics are more than 5 % shorter than the straight
#   line. What they change is the way, not the destination: second differences fall, that is,
#   pictures change more evenly.
# - Distance to the data, uncertainty and evidence hardly differ in the median. Straight lines here
#   are uneven rather than wrong: one in 25 passes through a picture that is more than a tenth purer
#   or less pure than those of the geodesic, one in five crosses another number of classes.
# - slerp is longer than the straight line, on an affine decoder as much: no use of it here.
# - Asked to be flat, the same model has no pair in 100 whose straight line is 5 % too long: flat is
#   fine there, and the map says so everywhere. It costs about 2 nats an item.
# - Its curvature is not zero, only too small for the distances between codes to notice.
#
# One training of each: intervals are over pairs, not over seeds.
