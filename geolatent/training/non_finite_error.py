"""The error of a run whose numbers are no longer numbers."""


class NonFiniteError(ArithmeticError):
    """A loss or a weight became infinite or NaN.

    Args:
        term: what is not finite, for example 'log likelihood'.
        stage: stage of the run.
        epoch: epoch of the stage, counted from 1.
        step: optimiser step of the stage, counted from 1.
        checkpoint: the last checkpoint and its epoch, in words.
    """

    def __init__(self, *, term: str, stage: str, epoch: int, step: int, checkpoint: str) -> None:
        self.term = term
        self.stage = stage
        self.epoch = epoch
        self.step = step
        super().__init__(
            f"The {term} is not finite at step {step}, in epoch {epoch} of stage {stage!r}. "
            f"{checkpoint} What usually helps: a smaller learning rate; clipping the gradient "
            "(clip_norm=1.0); the model in float64 (model.double()); data on the scale of 1 "
            "(scaling='standardise')."
        )
