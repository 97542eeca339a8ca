"""What is audited: a decoder or model, its codes, and what is known of the data."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cached_property
from types import FunctionType
from typing import final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from geolatent.assumptions.geodesic_triangles import GeodesicTriangles, triangle_lengths
from geolatent.assumptions.triangles import Triangles
from geolatent.geodesics import Path, connect
from geolatent.interpolation import affine_null, random_pairs
from geolatent.latents import BareDecoder, LatentModel, as_latent_model
from geolatent.metrics import ImmersedMetric

_FEWEST = 4  # codes: two disjoint pairs
_BLOCK = 10  # items measured between two looks at the clock, at least
_PRINTED = 64  # codes whose metrics tell models apart
_DECODED = 1024  # codes decoded at once
_REPORTED = ("nll", "kl")


@final
@dataclass(frozen=True)
class Pairs:
    """Random disjoint pairs of codes and the geodesics between them.

    Attributes:
        start: rows of the starts in the subject's codes, `(b,)`.
        end: rows of the ends, `(b,)`.
        path: the geodesics of the induced metric.
    """

    start: Int[Tensor, "b"]
    end: Int[Tensor, "b"]
    path: Path

    @property
    def found(self) -> Bool[Tensor, "b"]:
        """Whose geodesic was found and has a length: nothing is in proportion to none."""
        return self.path.converged & (self.path.length > 0)

    @property
    def said(self) -> str:
        """How many have no length, a sentence; empty if all have one."""
        without = int((self.path.converged & ~(self.path.length > 0)).sum())
        if not without:
            return ""
        return (
            f"{without} of {len(self.path)} pairs have no length: the decoder gives the same at "
            "both ends, or their codes are equal."
        )


Replica = tuple[LatentModel | nn.Module | Callable[[Tensor], Tensor], Tensor]


@final
class Subject:
    """A decoder and its codes; what several assumptions need is computed once.

    Args:
        model: a model, or any decoder `(*b, d) -> (*b, ...)`, trained by anybody.
        codes: of the data, `(n, d)`; of data that the model was not trained on, if possible.
        data: what was encoded, `(n, ...)`, row for row.
        labels: a class for each code, `(n,)`, whole numbers.
        nuisance: variables that codes should not tell, by name, `(n,)` each, whole numbers; `{}`
            states that there are none.
        training: what the model was trained on, `(m, ...)`, items of the data's shape.
        replicas: the same model trained with other seeds, each with its codes of the same data.
        reported: averages over the data that somebody states, in nats an item: `"nll"` (negative
            log likelihood, or a bound of it) and `"kl"`.
        pairs: disjoint random pairs that geodesics are computed for, at most.
        seed: of everything random.
        until: a time of `time.monotonic` at which measurements stop; what was measured until then
            counts.

    Raises:
        TypeError: the model is neither a model nor callable, or codes are no floating-point tensor.
        ValueError: shapes do not fit together, there are too few codes, one is not finite, or
            something is reported that is not known here.
    """

    def __init__(
        self,
        model: LatentModel | nn.Module | Callable[[Tensor], Tensor],
        codes: Tensor,
        *,
        data: Tensor | np.ndarray | None = None,
        labels: Tensor | np.ndarray | None = None,
        nuisance: Mapping[str, Tensor | np.ndarray] | None = None,
        training: Tensor | np.ndarray | None = None,
        replicas: Sequence[Replica] = (),
        reported: Mapping[str, float] | None = None,
        pairs: int = 200,
        seed: int = 0,
        until: float | None = None,
    ) -> None:
        self.model = as_latent_model(model)
        self._triangles: dict[int, GeodesicTriangles] = {}
        self._given = [model, *(other for other, _ in replicas)]
        # What its user calls it: the class, or the function.
        self.name = model.__name__ if isinstance(model, FunctionType) else type(model).__name__
        if not isinstance(codes, Tensor) or not codes.is_floating_point():
            raise TypeError(f"codes must be a floating-point tensor (n, d), got {_said(codes)}.")
        if codes.ndim != 2 or not codes.shape[1] or len(codes) < max(_FEWEST, codes.shape[1] + 1):
            raise ValueError(
                f"codes must be (n, d) with n at least {_FEWEST} and above d, got "
                f"{tuple(codes.shape)}."
            )
        if not codes.isfinite().all():
            row = int((~codes.isfinite()).any(1).nonzero()[0])
            raise ValueError(f"codes must be finite; row {row} is {codes[row].tolist()}.")
        if pairs < 1:
            raise ValueError(f"pairs must be at least 1, got {pairs}.")
        self.codes = codes.detach()
        self.data = None if data is None else self._aligned("data", _finite("data", data))
        self.labels = None if labels is None else self._classes("labels", labels)
        if nuisance is not None and not isinstance(nuisance, Mapping):
            said = type(nuisance).__name__
            raise TypeError(f"nuisance must be variables by name, {{'site': site}}, got {said}.")
        self.nuisance: Mapping[str, Tensor] | None = None
        if nuisance is not None:
            self.nuisance = {
                name: self._classes(f"nuisance {name!r}", given) for name, given in nuisance.items()
            }
        self.training = None if training is None else _finite("training data", training)
        if self.training is not None and (
            self.data is None or self.training.shape[1:] != self.data.shape[1:]
        ):
            raise ValueError(
                f"training data of shape {tuple(self.training.shape)} need data whose items have "
                f"the same shape, got {'none' if self.data is None else tuple(self.data.shape)}."
            )
        self.replicas = tuple(
            (as_latent_model(other), _checked_replica(row, z, self.codes))
            for row, (other, z) in enumerate(replicas)
        )
        self.reported = {name: float(value) for name, value in (reported or {}).items()}
        unknown = {k: v for k, v in self.reported.items() if k not in _REPORTED or v != v}
        if unknown:
            raise ValueError(f"reported takes numbers named {_REPORTED}, got {unknown}.")
        self.pair_count = min(pairs, len(codes) // 2)
        self.seed = seed
        self.until = until

    def _aligned(self, name: str, values: Tensor) -> Tensor:
        if values.ndim == 0 or len(values) != len(self.codes):
            raise ValueError(
                f"{name} must have a row for each of the {len(self.codes)} codes, got "
                f"{tuple(values.shape)}."
            )
        return values

    def _classes(self, name: str, given: Tensor | np.ndarray) -> Int[Tensor, "n"]:
        values = self._aligned(name, _tensor(name, given))
        if values.ndim != 1:
            raise ValueError(f"{name} must be one number for each code, got {tuple(values.shape)}.")
        whole = values == values.round() if values.is_floating_point() else values == values
        if not whole.all():
            row = int((~whole).nonzero()[0])
            raise ValueError(
                f"{name} must be groups by number, row {row} is {float(values[row]):g}; cut what "
                "is continuous into groups (torch.bucketize)."
            )
        return values.long()

    def seed_of(self, name: str) -> int:
        """A seed that depends on the subject's and on the name alone."""
        digest = hashlib.sha256(f"{self.seed}:{name}".encode()).digest()
        return int.from_bytes(digest[:4], "big")

    def generator(self, name: str) -> torch.Generator:
        """A generator, on the CPU, that does not depend on what else was drawn."""
        return torch.Generator().manual_seed(self.seed_of(name))

    def sample(self, name: str, count: int) -> Int[Tensor, "k"]:
        """Rows of at most `count` codes, drawn without replacement."""
        return torch.randperm(len(self.codes), generator=self.generator(name))[:count]

    @contextmanager
    def seeded(self, name: str) -> Iterator[None]:
        """torch's global generators seeded inside the block, and as they were after it."""
        devices = [self.codes.device] if self.codes.is_cuda else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(self.seed_of(name))
            yield

    @cached_property
    def pairs(self) -> Pairs:
        """Disjoint random pairs, and their geodesics."""
        start, end = random_pairs(len(self.codes), self.pair_count, seed=self.seed)
        metric = self.model.induced_metric()
        parts = [
            connect(metric, self.codes[start[some]], self.codes[end[some]])
            for some in self.in_time(len(start))
        ]
        path = _joined(parts)
        return Pairs(start[: len(path)], end[: len(path)], path)

    def triangles(self, count: int) -> GeodesicTriangles:
        """Geodesic triangles of random codes with disjoint corners, at most so many."""
        count = min(count, len(self.codes) // 3)
        if count not in self._triangles:
            rows = self.sample("declared-geometry", 3 * count)
            corners = self.codes[rows.to(self.codes.device)].view(3, count, -1)
            metric = self.model.induced_metric()
            blocks = [
                triangle_lengths(metric, *corners[:, some].unbind(0))
                for some in self.in_time(count)
            ]
            good = torch.cat([good for _, good in blocks])
            self._triangles[count] = GeodesicTriangles(
                Triangles(*np.concatenate([lengths for lengths, _ in blocks], 1)),
                corners[:, : len(good)][:, good],
                len(good),
            )
        return self._triangles[count]

    @property
    def has_pairs(self) -> bool:
        """Whether geodesics of the pairs were computed already."""
        return "pairs" in self.__dict__

    def in_time(self, count: int) -> Iterator[slice]:
        """Blocks of `count` randomly ordered items, as many as there is time for, at least one.

        Without a deadline they are one block. With one, each takes about half of the time that is
        left, at the pace so far, so that the deadline is met to within the last and least block.
        """
        done, size, began = 0, count if self.until is None else _BLOCK, time.monotonic()
        while done < count:
            yield slice(done, min(done + size, count))
            done = min(done + size, count)
            if self.until is not None:
                now = time.monotonic()
                if now >= self.until:
                    return
                pace = done / max(now - began, 1e-9)
                size = max(_BLOCK, int(pace * (self.until - now) / 2))

    def fingerprint(self) -> str:
        """Of everything that findings depend on: codes, data, what the decoder does, the seed."""
        digest = hashlib.sha256(f"{self.pair_count} {self.seed}".encode())
        digest.update(f"{sorted(self.reported.items())} {self.nuisance is None}".encode())
        for name, values in self._parts():
            kept = values.detach().cpu().contiguous()
            digest.update(f"{name} {kept.dtype} {tuple(kept.shape)}".encode())
            digest.update(kept.reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    @torch.no_grad()
    def _parts(self) -> Iterator[tuple[str, Tensor]]:
        known = {"data": self.data, "labels": self.labels, "training": self.training}
        known |= {f"nuisance {name}": values for name, values in (self.nuisance or {}).items()}
        yield from ((name, values) for name, values in known.items() if values is not None)
        yield "metric", self.model.induced_metric().matrix(self.codes[:_PRINTED])
        everybody = zip(self._given, [(self.model, self.codes), *self.replicas], strict=True)
        for row, (given, (model, codes)) in enumerate(everybody):
            yield f"codes {row}", codes
            # What a function does elsewhere cannot be known.
            for block in torch.cat([codes, codes.lerp(codes.roll(1, 0), 0.5)]).split(_DECODED):
                yield f"decoded {row}", model.decode(block)
            if isinstance(given, nn.Module):  # encoder and likelihood too
                yield from ((f"state {row} {k}", v) for k, v in given.state_dict().items())

    def unit(self) -> Float[Tensor, "d"]:
        """Standard deviation of each coordinate of the codes; 1 for one that never changes."""
        deviation = self.codes.std(0)
        return torch.where(deviation > 0, deviation, 1)

    def null(self) -> "Subject":
        """The same codes under the affine decoder that is nearest to the model's."""
        return self._null

    @cached_property
    def _null(self) -> "Subject":
        metric = self.model.induced_metric()
        if isinstance(metric, ImmersedMetric):
            flat = affine_null(metric, self.codes).immersion
        else:
            # The constant matrix that is the mean of the metric over the codes that have one.
            matrix = metric.matrix(self.codes).double()
            mean = matrix[matrix.isfinite().all((1, 2))].mean(0)
            root = torch.linalg.cholesky(mean).to(self.codes)

            def flat(z: Tensor) -> Tensor:
                return z @ root

        return Subject(
            BareDecoder(flat),
            self.codes,
            pairs=self.pair_count,
            seed=self.seed,
            until=self.until,
        )


def _joined(parts: Sequence[Path]) -> Path:
    """Paths of several calls as of one; with as many nodes as the finest of them."""
    if len(parts) == 1:
        return parts[0]
    nodes = max(path.points.shape[1] for path in parts)
    columns = {
        field.name: torch.cat([getattr(path, field.name) for path in parts])
        for field in fields(Path)
        if field.name != "points"
    }
    times = torch.linspace(0, 1, nodes, dtype=torch.float64)
    points = [
        path.points if path.points.shape[1] == nodes else path(times.to(path.points))
        for path in parts
    ]
    return Path(points=torch.cat(points), **columns)


def _checked_replica(row: int, codes: Tensor, like: Tensor) -> Tensor:
    if len(codes) != len(like) or codes.ndim != 2 or not codes.isfinite().all():
        raise ValueError(
            f"replica {row} must come with finite codes of the same {len(like)} data, got "
            f"{tuple(codes.shape)}."
        )
    return codes.detach()


def _tensor(name: str, given: object) -> Tensor:
    if isinstance(given, Tensor):
        return given.detach()
    try:
        return torch.as_tensor(np.asarray(given))
    except TypeError as error:
        raise TypeError(
            f"{name} must be numbers, got {_said(given)}; names become numbers by "
            "np.unique(names, return_inverse=True)[1]."
        ) from error


def _finite(name: str, given: object) -> Tensor:
    values = _tensor(name, given)
    if not values.isfinite().all():
        row = int((~values.isfinite()).reshape(len(values), -1).any(1).nonzero()[0])
        raise ValueError(f"{name} must be finite; row {row} is not.")
    return values


def _said(value: object) -> str:
    return f"{value.dtype}" if isinstance(value, Tensor) else type(value).__name__
