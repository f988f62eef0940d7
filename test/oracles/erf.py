"""Prints what engine/backends/erf.test.ts expects of erf: mpmath's values at 60 digits, rounded to double.

    pip install mpmath==1.4.1
    python test/oracles/erf.py
"""

import mpmath as mp

mp.mp.dps = 60
POINTS = [1e-300, 1e-9, 0.1, 0.3, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 1.9999, 2, 2.0001, 2.25, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 5.9, 6, 30]

for x in POINTS:
    print(f"  [{x!r}, {float(mp.erf(mp.mpf(x)))!r}],")
