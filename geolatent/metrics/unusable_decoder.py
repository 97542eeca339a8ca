"""What is said of a decoder that cannot have a geometry."""

from functools import partial
from typing import final

import numpy as np
from jaxtyping import Float
from torch import Tensor


@final
class UnusableDecoder(ValueError):
    """Its message says which decoder, what it did and what to do."""


def require_image(decoder: object, codes: Float[Tensor, "b d"], image: object) -> None:
    """Raise `UnusableDecoder` unless the image is a tensor of one row for each code."""
    name = name_of(decoder)
    if not isinstance(image, Tensor):
        raise UnusableDecoder(f"the decoder {name} returns {_described(image)}.")
    if not image.ndim or image.shape[0] != codes.shape[0]:
        raise UnusableDecoder(
            f"the decoder {name} returns shape {tuple(image.shape)} for codes of shape "
            f"{tuple(codes.shape)}: it must return (b, …) for (b, d), one image for each code."
        )


def name_of(function: object) -> str:
    """The class of a module or object, the name of a function."""
    if isinstance(function, partial):
        return name_of(function.func)
    name = getattr(function, "__qualname__", type(function).__name__)
    return str(name).rsplit("<locals>.", maxsplit=1)[-1].removeprefix("_")


def _described(image: object) -> str:
    """What came instead of a tensor, and how to make one of it."""
    if image is None:
        return "None; does its function end without a return?"
    if isinstance(image, np.ndarray | np.generic):
        return (
            "a NumPy array, which has no derivatives: compute it with torch's functions, from "
            "weights that torch.as_tensor makes of yours"
        )
    kind, remedy = type(image).__name__, "its tensor"
    if isinstance(image, dict):
        remedy = f"decoder(z)[key], its keys are {', '.join(map(repr, image))}"
    elif isinstance(image, tuple | list):
        kind, remedy = f"{kind} of {len(image)}", "decoder(z)[0], or whichever is the image"
    return f"a {kind} instead of a tensor: pass a function that returns {remedy}"
