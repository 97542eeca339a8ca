"""Testing what a latent space is taken for."""

import platform
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import geolatent
from geolatent.assumptions.assumption import Assumption
from geolatent.assumptions.atlas import make_atlas
from geolatent.assumptions.audit_report import AuditReport
from geolatent.assumptions.catalogue import catalogue
from geolatent.assumptions.claim import Claim
from geolatent.assumptions.examine import examine
from geolatent.assumptions.finding import Finding
from geolatent.assumptions.finding_store import FindingStore
from geolatent.assumptions.model_card import model_card
from geolatent.assumptions.readiness import Evidence
from geolatent.assumptions.subject import Replica, Subject
from geolatent.geodesics.block_progress import progress_bar
from geolatent.latents import LatentModel

_OF_GEODESICS = ("straight-lines", "isometric", "solver-converged")


@torch.no_grad()
def audit(
    model: LatentModel | nn.Module | Callable[[Tensor], Tensor],
    codes: Tensor,
    *,
    data: Tensor | np.ndarray | None = None,
    labels: Tensor | np.ndarray | None = None,
    nuisance: Mapping[str, Tensor | np.ndarray] | None = None,
    training: Tensor | np.ndarray | None = None,
    replicas: Sequence[Replica] = (),
    reported: Mapping[str, float] | None = None,
    assumptions: Sequence[str | Assumption] | None = None,
    evidence: Evidence | None = None,
    pairs: int = 200,
    seconds: float | None = None,
    directory: str | Path | None = None,
    seed: int = 0,
    image_shape: tuple[int, ...] | None = None,
    label_names: Sequence[str] = (),
    card: Mapping[str, Any] | None = None,
    progress: bool = False,
) -> AuditReport:
    """Test assumptions on a model, or on a decoder that somebody else trained.

    Every assumption is measured with a 95 % interval and judged against a tolerance that was
    stated beforehand; claims of geometry are measured on the nearest affine decoder too.

    Args:
        model: a model, or any decoder `(*b, d) -> (*b, ...)`.
        codes: of the data, `(n, d)`; of data that the model was not trained on, if possible.
        data: what was encoded, `(n, ...)`, row for row.
        labels: a class for each code, `(n,)`.
        nuisance: variables that codes should not tell, such as a hospital, by name, `(n,)` each:
            groups by number; `{}` states that there are none.
        training: what the model was trained on, `(m, ...)`: duplicates are looked for.
        replicas: the same model trained with other seeds, each with its codes of the same data.
        reported: averages over the data that are stated somewhere, `"nll"` and `"kl"`, in nats.
        assumptions: names, or your own objects; all of the catalogue if not given.
        evidence: what you know of the model beyond what is tested here, for its readiness.
        pairs: disjoint random pairs that geodesics are computed for, at most.
        seconds: after them no further assumption is begun, and one that measures pair by pair or
            code by code stops; it concludes from what was measured. Those left out are
            inconclusive.
        directory: where findings are kept; the same audit again goes on from there.
        seed: of everything random; the caller's random state stays as it was.
        image_shape: of one datum, for pictures in the report, `(h, w)` or `(c, h, w)`.
        label_names: of label 0, 1, ..., for the map in the report.
        card: what is known of the model and its training, by name, for the report's model card.
        progress: show a bar on stderr.

    Returns:
        The findings, by name.

    Raises:
        ValueError: an assumption is unknown or named twice, or the subject's parts do not fit.
        TypeError: the model is neither a model nor callable.
    """
    chosen = _chosen(assumptions)
    if seconds is not None and not (isinstance(seconds, int | float) and seconds >= 0):
        raise ValueError(f"seconds must be a number, not negative, got {seconds!r}.")
    began = time.monotonic()
    subject = Subject(
        model,
        codes,
        data=data,
        labels=labels,
        nuisance=nuisance,
        training=training,
        replicas=replicas,
        reported=reported,
        pairs=pairs,
        seed=seed,
        until=None if seconds is None else began + seconds,
    )
    if (subject.codes.std(0) <= 1e-6 * subject.codes.abs().amax(0)).all():
        warnings.warn(
            "all codes are equal but for rounding: nothing has a length, and most claims cannot be "
            "tested. Did the encoder collapse, or was one code repeated?",
            stacklevel=2,
        )
    store = None if directory is None else FindingStore(directory, subject.fingerprint())
    findings: dict[str, Finding] = {}
    order = list(range(len(chosen)))
    for row in progress_bar(order, title="audit") if progress else order:
        assumption = chosen[row]
        finding = None if store is None else store.read(assumption)
        if finding is None and seconds is not None and time.monotonic() - began > seconds:
            findings[assumption.claim.name] = Finding(
                assumption.claim, "inconclusive", f"The time budget of {seconds:g} s was spent."
            )
            continue
        if finding is None:
            finding = examine(assumption, subject)
            if store is not None and not finding.cut_short:  # with more time there is more to find
                store.write(assumption, finding)
        findings[assumption.claim.name] = finding
    about = _about(subject, time.monotonic() - began) | {"card": model_card(subject, card or {})}
    spent = seconds is not None and time.monotonic() - began > seconds
    # Geodesics that no assumption asked for are not worth their time.
    wanted = any(f.claim.name in _OF_GEODESICS for f in findings.values())
    atlas = None
    if subject.has_pairs or (wanted and not spent):
        atlas = make_atlas(subject, image_shape=image_shape, label_names=label_names)
    return AuditReport(findings, about, evidence or Evidence(), atlas)


def _chosen(assumptions: Sequence[str | Assumption] | None) -> list[Assumption]:
    known = catalogue()
    if assumptions is None:
        return list(known.values())
    if isinstance(assumptions, str | Assumption):
        raise TypeError("assumptions are several: give a list of names or objects.")
    unknown = [a for a in assumptions if isinstance(a, str) and a not in known]
    if unknown:
        raise ValueError(f"unknown assumptions {unknown}; choose from {list(known)}.")
    chosen = [known[a] if isinstance(a, str) else a for a in assumptions]
    for assumption in chosen:
        if not isinstance(assumption, Assumption):
            said = assumption.__name__ if isinstance(assumption, type) else repr(assumption)
            raise TypeError(f"assumptions are names or objects, such as {said}(), got {said}.")
        if not isinstance(getattr(assumption, "claim", None), Claim):
            raise TypeError(f"{type(assumption).__name__} sets no claim in its constructor.")
    names = [assumption.claim.name for assumption in chosen]
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"name at least one assumption, and each once; got {names}.")
    return chosen


def _about(subject: Subject, seconds: float) -> dict[str, Any]:
    return {
        "model": subject.name,
        "codes": len(subject.codes),
        "dimension": subject.codes.shape[1],
        "dtype": str(subject.codes.dtype).removeprefix("torch."),
        "pairs": subject.pair_count,
        "data": subject.data is not None,
        "labels": subject.labels is not None,
        "nuisance": sorted(subject.nuisance or {}),
        "replicas": len(subject.replicas),
        "seed": subject.seed,
        "seconds": round(seconds, 2),
        "versions": {
            "geolatent": geolatent.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
