"""Prints the coefficients of the native backend's vector maths, as TypeScript.

Each row of TABLE is a function, the powers of its polynomial, an interval and the weight of the error. The coefficients
are Remez's, rounded to the working precision one after the other from the lowest power: what a rounding loses, those
still free make up for. The error printed is that of the rounded coefficients in exact arithmetic.

    pip install mpmath==1.4.1 gmpy2
    python test/oracles/minimax.py [name ...]
"""

import struct
import sys

import mpmath as mp

mp.mp.dps = 60
POINTS_PER_POWER = 40


def to_double(x):
    return mp.mpf(float(x))


def to_float(x):
    """To the nearest float32; through float64, whose second rounding is harmless for a coefficient."""
    return mp.mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


ROUND = {"float": to_float, "double": to_double}


def chebyshev(low, high, count):
    """The extrema of the Chebyshev polynomial of degree count - 1 on the interval."""
    middle, half = (mp.mpf(low) + high) / 2, (mp.mpf(high) - low) / 2
    return [middle - half * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]


def alternation(errors, count):
    """Where the error is extreme with alternating signs: the `count` neighbours with the largest errors."""
    places = []
    for i, error in enumerate(errors):
        if places and (errors[places[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[places[-1]]):
                places[-1] = i
        else:
            places.append(i)
    while len(places) > count:
        if len(places) - count >= 2:
            # Removing an inner place leaves two neighbours of one sign; their smaller one goes with it.
            weakest = min(range(len(places)), key=lambda k: abs(errors[places[k]]))
            if 0 < weakest < len(places) - 1:
                other = min(weakest - 1, weakest + 1, key=lambda k: abs(errors[places[k]]))
                for k in sorted((weakest, other), reverse=True):
                    del places[k]
                continue
        del places[0 if abs(errors[places[0]]) < abs(errors[places[-1]]) else -1]
    return places


class Fit:
    """A weighted approximation of values on a grid by a quotient of polynomials; the denominator begins with 1."""

    def __init__(self, f, weight, low, high, numerator, denominator):
        self.xs = chebyshev(low, high, POINTS_PER_POWER * (len(numerator) + len(denominator) + 2))
        # At the interval's ends a function may be a quotient of zeros; a hair inside, it is not.
        nudge = (mp.mpf(high) - low) * mp.mpf(10) ** -20
        inner = [min(max(x, low + nudge), high - nudge) for x in self.xs]
        self.values = [f(x) for x in inner]
        self.weights = [weight(x) for x in inner]
        self.powers = [[x**k for k in numerator] for x in self.xs]
        self.lower = [[x**k for k in denominator] for x in self.xs]
        self.count = len(numerator)

    def errors(self, coefficients):
        top, bottom = coefficients[: self.count], coefficients[self.count :]
        return [
            (mp.fdot(p, top) / (1 + mp.fdot(q, bottom)) - value) / weight
            for p, q, value, weight in zip(self.powers, self.lower, self.values, self.weights)
        ]

    def remez(self, fixed):
        """Coefficients with the smallest largest error, where those that are not None are given."""
        free = [k for k, c in enumerate(fixed) if c is None]
        coefficients = [mp.mpf(0) if c is None else c for c in fixed]
        size = len(free) + 1
        last = len(self.xs) - 1
        places = [round(last * (1 - mp.cos(mp.pi * i / (size - 1))) / 2) for i in range(size)]
        error = mp.mpf(0)
        for _ in range(40):
            for _ in range(1 if len(self.lower[0]) == 0 else 8):
                coefficients, error = self.solve(places, fixed, free, coefficients, error)
            errors = self.errors(coefficients)
            worst = max(map(abs, errors))
            if worst <= abs(error) * (1 + mp.mpf(10) ** -4):
                break
            found = alternation(errors, size)
            if len(found) < size:
                break
            places = found
        return coefficients

    def solve(self, places, fixed, free, before, error):
        """P(x) - f(x) Q(x) = ±E w(x) Q(x), linear when the Q beside E is that of the step before."""
        rows, right = [], []
        for sign, i in enumerate(places):
            value, weight = self.values[i], self.weights[i]
            terms = self.powers[i] + [-value * q for q in self.lower[i]]
            bottom = 1 + mp.fdot(self.lower[i], before[self.count :])
            rows.append([terms[k] for k in free] + [(-1) ** sign * weight * bottom])
            right.append(value - mp.fsum(terms[k] * c for k, c in enumerate(fixed) if c is not None))
        solution = mp.lu_solve(mp.matrix(rows), mp.matrix(right))
        coefficients = list(fixed)
        for k, c in zip(free, solution):
            coefficients[k] = c
        return coefficients, solution[len(free)]

    def rounded(self, fixed, precisions):
        """Rounds coefficient by coefficient, and fits what is left."""
        coefficients = list(fixed)
        for k, known in enumerate(fixed):
            if known is None:
                coefficients[k] = precisions(k)(self.remez(coefficients)[k])
        return coefficients, max(map(abs, self.errors(coefficients)))


def one(x):
    return mp.mpf(1)


class Row:
    """What is approximated, by which powers, where, and what its error is divided by."""

    def __init__(self, element, f, low, high, powers, weight=None, fixed=(), denominator=(), wide=0):
        self.element = element
        self.fit = lambda: Fit(f, weight or f, low, high, list(powers), list(denominator))
        count = len(list(powers))
        self.count = count
        self.fixed = list(fixed) + [None] * (count - len(fixed)) + [None] * len(list(denominator))
        self.interval = (low, high)
        self.wide = wide

    def run(self):
        def precision(k):
            return to_double if k < self.wide else ROUND[self.element]

        return self.fit().rounded(self.fixed, precision)


LN2 = mp.log(2)
SQRT_HALF = mp.sqrt(mp.mpf(1) / 2)
# A reduced angle exceeds a quarter of pi by what its multiple of pi/2 was rounded wrongly.
QUARTER = (mp.pi / 4 * (1 + mp.mpf(2) ** -6)) ** 2


def exp_rest(r):
    """(exp(r) - 1 - r) / r²"""
    return (mp.expm1(r) - r) / r**2


def log_rest(f):
    """(log(1 + f) - f + f²/2) / f³"""
    return (mp.log1p(f) - f + f * f / 2) / f**3


def atanh_rest(z):
    """With z = s²: (2 atanh(s) - 2s) / s³"""
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / s**3


def atanh_second_rest(z):
    """With z = s²: (2 atanh(s) - 2s - 2/3 s³) / s⁵"""
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s - 2 * s**3 / 3) / s**5


def sin_rest(z):
    """With z = r²: (sin(r) - r) / r³"""
    r = mp.sqrt(z)
    return (mp.sin(r) - r) / r**3


def cos_rest(z):
    """With z = r²: (cos(r) - 1 + r²/2) / r⁴"""
    r = mp.sqrt(z)
    return (mp.cos(r) - 1 + z / 2) / z**2


def cos_weight(z):
    """cos(r) / r⁴"""
    return mp.cos(mp.sqrt(z)) / z**2


def asin_rest(z):
    """With z = r²: (asin(r) - r) / r³"""
    r = mp.sqrt(z)
    return (mp.asin(r) - r) / r**3


def asin_weight(z):
    """asin(r) / r"""
    return mp.asin(mp.sqrt(z)) / mp.sqrt(z)


def atan_rest(z):
    """With z = t²: (atan(t) - t) / t³"""
    t = mp.sqrt(z)
    return (mp.atan(t) - t) / t**3


def atan_weight(z):
    """atan(t) / t"""
    return mp.atan(mp.sqrt(z)) / mp.sqrt(z)


def erfc_log(element):
    """-log(erfc(x)) / x without the leading word of 2/√π, up to where erfc(x) is nothing beside 1."""
    leading = ROUND[element](2 / mp.sqrt(mp.pi))
    return lambda x: -mp.log(mp.erfc(x)) / x - leading, mp.mpf(0), mp.mpf(4 if element == "float" else 6)


def erf_weight(x):
    """An error δ of -log(erfc(x)) / x is one of x erfc(x) δ of erf(x)."""
    return mp.erf(x) / (x * mp.erfc(x))


def sin_weight(z):
    """sin(r) / r"""
    return mp.sin(mp.sqrt(z)) / mp.sqrt(z)


# The weight of a rest makes its error one of the whole: |result| / |what the rest is multiplied with|.
TABLE = {
    "exp.float": lambda: Row("float", exp_rest, -LN2 / 2, LN2 / 2, range(5), lambda r: mp.exp(r) / r**2),
    "exp.double": lambda: Row("double", exp_rest, -LN2 / 2, LN2 / 2, range(10), lambda r: mp.exp(r) / r**2),
    "log.float": lambda: Row(
        "float", log_rest, SQRT_HALF - 1, mp.sqrt(2) - 1, range(9), lambda f: abs(mp.log1p(f) / f**3)
    ),
    "log.double": lambda: Row(
        "double", atanh_rest, mp.mpf(0), (3 - 2 * mp.sqrt(2)) ** 2, range(7), lambda z: mp.atanh(mp.sqrt(z)) / z ** 1.5
    ),
    "sin.float": lambda: Row("float", sin_rest, mp.mpf(0), QUARTER, range(3), lambda z: sin_weight(z) / z),
    "sin.double": lambda: Row("double", sin_rest, mp.mpf(0), QUARTER, range(6), lambda z: sin_weight(z) / z),
    "cos.float": lambda: Row("float", cos_rest, mp.mpf(0), QUARTER, range(3), cos_weight),
    "cos.double": lambda: Row("double", cos_rest, mp.mpf(0), QUARTER, range(6), cos_weight),
    "asin.float": lambda: Row("float", asin_rest, mp.mpf(0), mp.mpf(1) / 4, range(5), lambda z: asin_weight(z) / z),
    "asin.double": lambda: Row("double", asin_rest, mp.mpf(0), mp.mpf(1) / 4, range(12), lambda z: asin_weight(z) / z),
    "atan.float": lambda: Row("float", atan_rest, mp.mpf(0), mp.mpf(1), range(8), lambda z: atan_weight(z) / z),
    "atan.double": lambda: Row("double", atan_rest, mp.mpf(0), mp.mpf(1), range(20), lambda z: atan_weight(z) / z),
    "erf.float": lambda: Row("float", *erfc_log("float"), range(9), erf_weight),
    "erf.double": lambda: Row("double", *erfc_log("double"), range(24), erf_weight),
    "pow": lambda: Row(
        "double", atanh_second_rest, mp.mpf(0), (3 - 2 * mp.sqrt(2)) ** 2, range(8), lambda z: mp.atanh(mp.sqrt(z)) / z**2.5
    ),
    "log2": lambda: Row("double", lambda f: mp.log1p(f) / f / LN2, SQRT_HALF - 1, mp.sqrt(2) - 1, range(14)),
    "exp2": lambda: Row("double", lambda r: 2**r, -mp.mpf(1) / 2, mp.mpf(1) / 2, range(7), None, [mp.mpf(1)]),
}

# Constants as sums: so many bits in each part but the last, which has what fits.
SPLITS = {
    "ln 2, float": (LN2, [15], "float"),
    "ln 2, double": (LN2, [41], "double"),
    "2/sqrt(pi), float": (2 / mp.sqrt(mp.pi), [], "float"),
    "2/3": (mp.mpf(2) / 3, [53], "double"),
    "pi/2, float, fma": (mp.pi / 2, [24, 24], "float"),
    "pi/2, float": (mp.pi / 2, [11, 11, 11], "float"),
    "pi/2, double, fma": (mp.pi / 2, [53, 53], "double"),
    "pi/2, double": (mp.pi / 2, [27, 23, 27], "double"),
}


def split(value, bits, element):
    """Parts of so many bits each, truncated, and what is left."""
    parts = []
    for count in bits:
        unit = mp.mpf(2) ** (mp.floor(mp.log(value, 2)) - count + 1)
        parts.append(mp.floor(value / unit) * unit)
        value -= parts[-1]
    return [*parts, ROUND[element](value)]


def main(names):
    for name in names or TABLE:
        row = TABLE[name]()
        coefficients, error = row.run()
        low, high = row.interval
        print(f"// {name} on [{mp.nstr(low, 6)}, {mp.nstr(high, 6)}], error 2^{mp.nstr(mp.log(error, 2), 4)}")
        for part in coefficients[: row.count], coefficients[row.count :]:
            if part:
                print(f"[{', '.join(printed(c, row.element) for c in part)}],")
    if names:
        return
    for name, (value, bits, element) in SPLITS.items():
        print(f"// {name}: [{', '.join(printed(c, element) for c in split(value, bits, element))}]")


def printed(c, element):
    """The shortest decimal that reads back as the coefficient."""
    for digits in range(1, 18):
        text = f"{float(c):.{digits - 1}e}"
        if ROUND[element](mp.mpf(text)) == c:
            return repr(float(text))
    return repr(float(c))


if __name__ == "__main__":
    main(sys.argv[1:])
