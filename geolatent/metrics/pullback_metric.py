"""The metric a decoder pulls back to its codes."""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import final

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import _SpectralNorm
from typing_extensions import override

from geolatent.metrics.chain import chain_jacobian, parts_of, shrunk
from geolatent.metrics.metric import ImmersedMetric, ReducibleMetric
from geolatent.metrics.parts_behind import parts_behind
from geolatent.metrics.slow_jacobian import Jacobian, slow_jacobian
from geolatent.metrics.unusable_decoder import UnusableDecoder, name_of, require_image

_BATCH_DEPENDENT = (
    nn.modules.batchnorm._BatchNorm,
    nn.modules.dropout._DropoutNd,
    nn.RReLU,
    _SpectralNorm,  # it goes on estimating its norm
)
# What torch says of dropout and batch normalisation that nobody saw before.
_IN_TRAINING = re.compile("called random operation|more than 1 value per channel when training")
_DEEPEST = 4  # a model in a method in a closure in a function


@final
class PullbackMetric(ReducibleMetric):
    r"""G(z) = J(z)ᵀ J(z) of any map from codes into a Euclidean space.

    .. math:: ⟨u, v⟩_z = ⟨J_φ(z) u, J_φ(z) v⟩

    With a bare decoder as φ, distances are those of the decoded data in their own units. With the
    immersion of a likelihood (`VAE.induced_metric`) they are Fisher-Rao distances of the decoded
    distributions, in standard deviations.

    Args:
        immersion: any callable `(*b, d) -> (*b, ...)` or `nn.Module` that treats the codes of a
            batch one by one; trailing dimensions are flattened.

    Raises:
        ValueError: a module behind it has dropout or batch normalisation in training mode, or
            batch normalisation without running statistics: its output would depend on chance or
            on the other codes of the batch.
    """

    def __init__(self, immersion: Callable[[Tensor], Tensor]) -> None:
        _require_evaluation_mode(immersion)
        self._immersion = immersion
        self._slow_jacobian: Jacobian | None = None  # once the fast one has failed

    @property
    def decoder_name(self) -> str:
        """The class of the decoder, or its own name if it is a function: for messages."""
        return name_of(self._immersion)

    @override
    def immersion(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b p"]:
        batch = z.shape[:-1]
        # One batch dimension: decoders written for (batch, d) need not know about curves.
        codes = z.reshape(math.prod(batch), z.shape[-1])
        with _training_mode_in_words():
            image = self._immersion(codes)
        require_image(self._immersion, codes, image)
        return image.reshape(*batch, math.prod(image.shape[1:]))

    @override
    def jacobian(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b p d"]:
        codes = z.reshape(-1, z.shape[-1])
        jacobian = self._jacobian(codes)
        return jacobian.reshape(*z.shape[:-1], *jacobian.shape[1:])

    @override
    def reduced(self) -> ImmersedMetric:
        _require_evaluation_mode(self._immersion)  # it may have changed since
        smaller = shrunk(parts_of(self._immersion))
        return self if smaller is None else PullbackMetric(smaller)

    @override
    def matrix(self, z: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d d"]:
        jacobian = self.jacobian(z)
        return jacobian.mT @ jacobian

    def _jacobian(self, codes: Tensor) -> Tensor:
        if self._slow_jacobian is None:
            try:
                with _training_mode_in_words():
                    return chain_jacobian(parts_of(self._immersion), codes)
            except RuntimeError as error:
                self._slow_jacobian = slow_jacobian(self.immersion, codes, error)
        return self._slow_jacobian(codes)


def _require_evaluation_mode(function: object) -> None:
    """Raise where the modules behind a function mix or disturb the codes of a batch."""
    for module in _modules_behind(function):
        for name, part in module.named_modules():
            label = f"{type(part).__name__} ({name or 'the module itself'})"
            if isinstance(part, nn.modules.batchnorm._NormBase) and part.running_mean is None:
                if isinstance(part, nn.modules.batchnorm._BatchNorm):
                    raise ValueError(
                        f"{label} keeps no running statistics, so that what it makes of a code "
                        "depends on the others of the batch: there is no geometry of single codes."
                    )
            elif part.training and isinstance(part, _BATCH_DEPENDENT):
                raise ValueError(
                    f"{label} is in training mode, so the decoder has no fixed geometry; call "
                    "decoder.eval() first."
                )


@contextmanager
def _training_mode_in_words() -> Iterator[None]:
    """Say what to do where torch meets chance, or statistics of a batch."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if not _IN_TRAINING.search(str(error)):
            raise
        raise UnusableDecoder(
            "the decoder depends on chance or on the other codes of the batch, as with dropout or "
            "batch normalisation in training mode, so it has no fixed geometry; call "
            f'decoder.eval() first (torch says "{error}").'
        ) from error


def _modules_behind(function: object) -> list[nn.Module]:
    """The modules that a module, bound method, partial, function or object is made of, as seen."""
    found: list[nn.Module] = []
    layer, seen = [function], {id(function)}
    for _ in range(_DEEPEST):
        found += [part for part in layer if isinstance(part, nn.Module)]
        rest = [part for part in layer if not isinstance(part, nn.Module)]
        layer = [part for thing in rest for part in parts_behind(thing) if id(part) not in seen]
        # Libraries are not looked into: their functions read globals without end.
        layer = [part for part in layer if not _of_torch(part)]
        seen.update(map(id, layer))
    return found


def _of_torch(part: object) -> bool:
    module = getattr(part, "__module__", None) if callable(part) else None
    is_function = isinstance(part, FunctionType | MethodType)
    return is_function and isinstance(module, str) and module.split(".")[0] == "torch"
