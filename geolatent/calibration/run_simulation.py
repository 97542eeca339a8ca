"""Audits of simulated subjects, which go on where they stopped."""

import json
from collections.abc import Mapping
from pathlib import Path

from geolatent.assumptions import examine
from geolatent.calibration.outcome import Outcome
from geolatent.calibration.simulation import Simulation
from geolatent.storage import atomic_write, source_digest

_SAVED_EVERY = 10


def run_simulation(simulation: Simulation, draws: int, file: Path) -> list[Outcome]:
    """Test the assumption on so many subjects, and keep what came out.

    Outcomes that the file holds are not made again, unless they come from other code or from a
    simulation with another effect or tolerance.

    Args:
        simulation: what is drawn.
        draws: how many.
        file: of the outcomes, JSON; its folder is made.

    Returns:
        The outcomes in the order of the draws.
    """
    about = {
        "code": source_digest(),
        "claim": simulation.name,
        "family": simulation.family,
        "tolerance": str(simulation.assumption.claim.tolerance),
        "effect": round(simulation.effect, 6),
    }
    outcomes = _kept(file, about)
    for draw in range(len(outcomes), draws):
        subject = simulation.draw(simulation.seed(draw))
        outcomes.append(Outcome.of(examine(simulation.assumption, subject)))
        if len(outcomes) % _SAVED_EVERY == 0 or len(outcomes) == draws:
            content = {"about": about, "outcomes": [one.to_dict() for one in outcomes]}
            file.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(file, json.dumps(content).encode())
    return outcomes[:draws]


def _kept(file: Path, about: Mapping[str, object]) -> list[Outcome]:
    if not file.is_file():
        return []
    content = json.loads(file.read_text(encoding="utf-8"))
    if content["about"] != about:
        return []
    return [Outcome.from_dict(one) for one in content["outcomes"]]
