"""Evidence that may be looked at any time: of a rate above its limit, of shares not kept.

Both are bets that start with 1 and cannot be expected to win while all is well: whoever stops at
the first moment at which a bet has won a hundredfold is wrong once in a hundred times at most
(Ville 1939), however often they looked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln

_RATES = 20
_WEIGHT = 100.0
"""How firmly the bet on shares stands near those that were asked for, in units: a mismatch of a few
per cent of a share is what really happens."""


def log_evidence_of_rate(n_hits: int, n: int, limit: float) -> float:
    """Logarithm of what bets on higher rates have won, if the rate is `limit` at most.

    The stakes are spread evenly over rates from just above the limit to 1; each gains the ratio of
    its likelihood to that of the limit.

    >>> round(log_evidence_of_rate(10, 100, 0.01), 1), round(log_evidence_of_rate(1, 100, 0.01), 1)
    (12.5, -1.3)
    """
    rates = limit + (1 - limit) * np.geomspace(1 / 256, 255 / 256, _RATES)
    if limit == 0:
        return float("inf") if n_hits else 0.0
    of_hit, of_miss = np.log(rates / limit), np.log((1 - rates) / (1 - limit))
    return float(np.logaddexp.reduce(n_hits * of_hit + (n - n_hits) * of_miss) - np.log(_RATES))


def mismatch_p_value(counts: Sequence[int], shares: Sequence[float]) -> float:
    """How surprising counts are, if units come by these shares: valid however often it is asked.

    One over the Bayes factor of a Dirichlet prior around the shares (Lindon and Malek 2022,
    'Anytime-valid inference for multinomial count data', NeurIPS).

    Args:
        counts: Units by model.
        shares: Of the same models; they need not sum to one.

    >>> round(mismatch_p_value([900, 100], [0.9, 0.1]), 2)
    1.0
    >>> mismatch_p_value([950, 50], [0.9, 0.1]) < 1e-4
    True
    """
    seen, asked = np.asarray(counts, dtype=float), np.asarray(shares, dtype=float)
    asked = asked / asked.sum()
    prior = _WEIGHT * asked
    evidence = (
        gammaln(prior.sum())
        - gammaln(prior.sum() + seen.sum())
        + (gammaln(prior + seen) - gammaln(prior)).sum()
        - (seen * np.log(asked)).sum()
    )
    return float(np.exp(min(0.0, -evidence)))
