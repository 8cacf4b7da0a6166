"""Means over seeds with their uncertainty."""

import math
import statistics
from collections.abc import Sequence

# Student's t, two-sided 95 %, by degrees of freedom; the normal distribution's beyond.
_T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
         2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
         2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042)  # fmt: skip


def mean_and_half_width(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half of its 95 % confidence interval (Student's t); 0 for a single value."""
    mean = statistics.fmean(values)
    if len(values) < 2 or not math.isfinite(mean):
        return mean, 0.0
    freedom = len(values) - 1
    t = _T_95[freedom - 1] if freedom <= len(_T_95) else 1.96
    return mean, t * statistics.stdev(values) / math.sqrt(len(values))
