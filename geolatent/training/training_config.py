"""What a training run is told."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from geolatent.models import Regulariser
from geolatent.training.epoch_record import Stage

OptimizerName = Literal["adam", "adamw"]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    r"""Every choice of a training run, checked when it is made.

    The loss of a batch is the mean over its items of

    .. math:: -\log p(x | z) + \beta_e \, KL(q(z | x) ‖ p(z)), \qquad
        \beta_e = \beta \min(1, (e - 1) / \mathrm{kl\_warmup}) \text{ in epoch } e = 1, 2, \dots

    and, in the main stage, of what a regulariser adds for the batch.

    The best epoch is the one with the least validation loss at the full β. It is looked for, and
    patience is counted, only from epoch kl_warmup + 1 on, the first with the full β: weights of
    the warm-up minimise something else, and would win or lose for that reason alone.

    Args:
        epochs: passes over the training data, more than kl_warmup.
        batch_size: items a step; the last batch of an epoch has what is left.
        learning_rate: step size of the optimiser.
        optimizer: 'adam' (weight decay is added to the gradient) or 'adamw' (decoupled).
        betas: decay rates of Adam's two averages, each in [0, 1).
        amsgrad: divide by the greatest second average so far (Reddi et al. 2018, arXiv 1904.09237).
        weight_decay: at least 0; never applied to parameters on a manifold.
        clip_norm: greatest norm of the gradient, or None.
        flip_probability: of each bit of binary data in the training batches, drawn anew for every
            batch, in [0, 1); the model encodes and describes the flipped data.
        beta: weight of the KL term, at least 0.
        sampled_kl: whether the KL term of the training loss is always its estimate at the sample,
            also where there is a closed form.
        kl_warmup: epochs over which that weight rises linearly from 0.
        regulariser: penalty on the decoder's geometry, or None. It does not count in the
            validation loss.
        patience: stop after so many epochs without improvement, or None; needs validation data.
        min_delta: an improvement is a decrease of the validation loss by more than this, in nats.
        plateau_patience: divide the learning rate by ten after more than so many epochs without a
            new minimum of the loss at the β of its epoch (the validation loss, or else the training
            loss with its penalty), lower by at least 1e-4 of it; or None.
        uncertainty_epochs: passes of the second stage, for decoders that have one; 0 leaves it out.
        uncertainty_learning_rate: step size of the second stage.
        evaluation_samples: draws from the posterior for each validation item.
        seed: of everything random in the run.

    Raises:
        ValueError: a value is out of range.
    """

    epochs: int = 100
    batch_size: int = 128
    learning_rate: float = 1e-3
    optimizer: OptimizerName = "adam"
    betas: Sequence[float] = (0.9, 0.999)
    amsgrad: bool = False
    weight_decay: float = 0.0
    clip_norm: float | None = None
    flip_probability: float = 0.0
    beta: float = 1.0
    sampled_kl: bool = False
    kl_warmup: int = 0
    regulariser: Regulariser | None = None
    patience: int | None = 20
    min_delta: float = 0.0
    plateau_patience: int | None = None
    uncertainty_epochs: int = 100
    uncertainty_learning_rate: float = 1e-2
    evaluation_samples: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        for field, least in _LEAST_WHOLE.items():
            value = getattr(self, field)
            if field in ("patience", "plateau_patience") and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{field}={value!r} must be a whole number of at least {least}.")
        for field in ("learning_rate", "uncertainty_learning_rate", "clip_norm"):
            value = getattr(self, field)
            if field == "clip_norm" and value is None:
                continue
            if not _is_real(value) or value <= 0:
                raise ValueError(f"{field}={value!r} must be a positive, finite number.")
        for field in ("weight_decay", "beta", "min_delta"):
            value = getattr(self, field)
            if not _is_real(value) or value < 0:
                raise ValueError(f"{field}={value!r} must be a finite number of at least 0.")
        if not _is_real(self.flip_probability) or not 0 <= self.flip_probability < 1:
            raise ValueError(f"flip_probability={self.flip_probability!r} must be in [0, 1).")
        for field in ("amsgrad", "sampled_kl"):
            if not isinstance(getattr(self, field), bool):
                raise ValueError(f"{field}={getattr(self, field)!r} must be true or false.")
        if self.optimizer not in get_args(OptimizerName):
            raise ValueError(
                f"optimizer={self.optimizer!r} is unknown: choose one of {get_args(OptimizerName)}."
            )
        betas = tuple(self.betas)
        if len(betas) != 2 or not all(_is_real(rate) and 0 <= rate < 1 for rate in betas):
            raise ValueError(f"betas={self.betas!r} must be two numbers in [0, 1).")
        object.__setattr__(self, "betas", betas)
        if self.kl_warmup >= self.epochs:
            raise ValueError(
                f"kl_warmup={self.kl_warmup} must be less than epochs={self.epochs}: the best "
                "epoch is chosen among those after the warm-up, and there would be none."
            )

    def epochs_of(self, stage: Stage) -> int:
        """The greatest number of epochs of a stage."""
        return self.epochs if stage == "main" else self.uncertainty_epochs

    def warmup_of(self, stage: Stage) -> int:
        """The epochs of a stage that cannot be the best one."""
        return self.kl_warmup if stage == "main" else 0

    def beta_in(self, stage: Stage, epoch: int) -> float:
        """Weight of the KL term in an epoch, counted from 1."""
        warmup = self.warmup_of(stage)
        return self.beta if epoch > warmup else self.beta * (epoch - 1) / warmup

    def learning_rate_of(self, stage: Stage) -> float:
        """The step size that a stage begins with."""
        return self.learning_rate if stage == "main" else self.uncertainty_learning_rate

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON gives them back."""
        fields = {**asdict(self), "betas": list(self.betas)}
        if self.regulariser is not None:
            fields["regulariser"] |= {"kind": type(self.regulariser).__name__}
        return fields


_LEAST_WHOLE = {
    "epochs": 1,
    "batch_size": 1,
    "kl_warmup": 0,
    "patience": 1,
    "plateau_patience": 0,
    "uncertainty_epochs": 0,
    "evaluation_samples": 1,
    "seed": 0,
}


def _is_real(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
