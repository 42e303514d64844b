"""What is never trained on, so that benchmarks on it mean something: vector animations, and scenes by seed.

Whole repositories are held out, not single files: what one artist drew in one style stays together.
"""

from __future__ import annotations

HELD_OUT_REPOSITORIES = (
    "basmilius/weather-icons",
    "CommunityToolkit/Lottie-Windows",
    "thorvg/thorvg",
    "xvrh/lottie-flutter",
)
"""As `lottie_index.json` names them."""

HELD_OUT_SEED = 1_000_003
"""Added to the seed of a training run for its own evaluation; benchmarks draw scenes from this very seed."""


def is_held_out(repository: str) -> bool:
    """Whether animations of `repository` (`owner/name`) are for measuring only."""
    return repository in HELD_OUT_REPOSITORIES
