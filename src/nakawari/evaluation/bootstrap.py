"""How far a mean could have come out otherwise, had other triplets been drawn from the same source."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 0

Values = npt.NDArray[np.float64]


def intervals(
    values: Values, *, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = SEED
) -> Values:
    """Percentile bootstrap intervals of column means.

    Args:
        values: [n, m], n triplets and m metrics; all columns are resampled alike.
        confidence: share of resampled means between the ends.
        resamples: how many means are drawn.
        seed: the same seed and values give the same intervals.

    Returns:
        [m, 2], lower and upper end.

    Source: Efron 1979.
    """
    rng = np.random.default_rng(seed)
    count = values.shape[0]
    # how often each triplet is drawn is all that a resample is: no n × resamples table is needed
    means = np.stack(
        [rng.multinomial(count, np.full(count, 1 / count)) @ values / count for _ in range(resamples)]
    )
    tail = (1 - confidence) / 2
    ends: Values = np.quantile(means, [tail, 1 - tail], axis=0).T
    return ends
