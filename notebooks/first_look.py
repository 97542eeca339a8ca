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
# # A first look: is this latent space flat?
#
# Everyone who trains a variational autoencoder adds its codes, averages them and walks in straight
# lines from one to another. All of that assumes that the latent space is flat. Here we train one on
# handwritten digits, draw pairs of test digits at random, and compare the straight line between
# their codes with the geodesic of the geometry that the decoder induces.

# %%
import torch

from geolatent.data import digits
from geolatent.interpolation import affine_null, compare, random_pairs
from geolatent.latents import EuclideanSpace
from geolatent.likelihoods import Gaussian
from geolatent.models import VAE
from geolatent.networks import MLP
from geolatent.training import TrainingConfig, evaluate, fit
from geolatent.viz import comparison_figure, excess_figure

torch.manual_seed(0)

# %% [markdown]
# ## Data and model
#
# 1797 images of 8 × 8 pixels, split once into training, validation and test parts. The model is
# four parts, each of which can be exchanged on its own: an encoder, a latent space (what is
# *assumed*), a decoder (what *induces* a geometry) and a likelihood.

# %%
data = digits()
likelihood = Gaussian(scale=0.3, learn_scale=True)
latent = EuclideanSpace(2)
model = VAE(
    encoder=MLP(data.width, latent.parameter_size),
    latent=latent,
    decoder=MLP(latent.feature_size, likelihood.feature_size(data.width)),
    likelihood=likelihood,
)
result = fit(model, data, TrainingConfig(epochs=150, learning_rate=2e-3, patience=30))
evaluate(model, data.test)

# %% [markdown]
# ## The comparison
#
# Pairs are drawn at random and no digit is in two of them, so that the interval is honest. Lengths
# are Fisher-Rao distances of the decoded distributions, in standard deviations of the noise.

# %%
with torch.no_grad():
    codes, train_codes = model.encode(data.test), model.encode(data.train)
start, end = random_pairs(len(codes), 100, seed=0)
comparison = compare(model, codes[start], codes[end], data=data.train)
print(comparison.bend())
comparison.summary()

# %% [markdown]
# The same on the affine decoder closest to ours, on which the answer has to be "flat". What is
# found here is what the procedure adds of its own.

# %%
null = compare(affine_null(model.induced_metric(), train_codes).immersion, codes[start], codes[end])
print(null.bend())

# %%
excess_figure({"Euclidean": comparison}, null=null)

# %% [markdown]
# ## One pair that nobody chose, and the one that bends most
#
# On the map, brightness is the magnification factor: how much data space a unit of latent area
# holds.

# %%
ends = (data.test[start], data.test[end])
options = {
    "labels": data.train_labels,
    "label_names": data.data_set.label_names,
    "image_shape": data.data_set.image_shape,
    "ends": ends,
}
comparison_figure(model, comparison, train_codes, pair="first drawn", **options)

# %%
comparison_figure(model, comparison, train_codes, pair="most bent", **options)

# %% [markdown]
# ## A decoder that somebody else trained
#
# Nothing above needs our `VAE`: any callable from codes to data will do. It is then assumed flat,
# as its users do, and lengths are in the units of the data.

# %%
decoder = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.Tanh(), torch.nn.Linear(32, 64))
print(compare(decoder, codes[start], codes[end]).bend())
