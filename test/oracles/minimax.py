"""Prints the coefficients of the native backend's vector maths, as TypeScript.

Each row of TABLE is a function, an interval, the count of a polynomial's coefficients and the weight of the error. The coefficients
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
EXCHANGES = 40


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
    """A weighted polynomial approximation of a function on a grid."""

    def __init__(self, f, weight, low, high, count):
        xs = chebyshev(low, high, POINTS_PER_POWER * (count + 2))
        # At the interval's ends a function may be a quotient of zeros; a hair inside, it is not.
        nudge = (mp.mpf(high) - low) * mp.mpf(10) ** -20
        inner = [min(max(x, low + nudge), high - nudge) for x in xs]
        self.values = [f(x) for x in inner]
        self.weights = [weight(x) for x in inner]
        self.powers = [[x**k for k in range(count)] for x in xs]

    def errors(self, coefficients):
        return [
            (mp.fdot(powers, coefficients) - value) / weight
            for powers, value, weight in zip(self.powers, self.values, self.weights)
        ]

    def remez(self, fixed):
        """Coefficients with the smallest largest error, where those that are not None are given."""
        size = fixed.count(None) + 1
        last = len(self.values) - 1
        places = [round(last * (1 - mp.cos(mp.pi * i / (size - 1))) / 2) for i in range(size)]
        # Where given coefficients leave an error that no others can level out, the exchange never settles.
        for _ in range(EXCHANGES):
            coefficients, level = self.levelled(places, fixed)
            errors = self.errors(coefficients)
            found = alternation(errors, size)
            if max(map(abs, errors)) <= abs(level) * (1 + mp.mpf(10) ** -4) or len(found) < size:
                break
            places = found
        return coefficients

    def levelled(self, places, fixed):
        """P(x) - f(x) = ±E w(x), with alternating signs: the coefficients of P that are free, and E."""
        free = [k for k, c in enumerate(fixed) if c is None]
        rows, right = [], []
        for k, i in enumerate(places):
            powers = self.powers[i]
            rows.append([powers[power] for power in free] + [(-1) ** k * self.weights[i]])
            right.append(self.values[i] - mp.fsum(powers[power] * c for power, c in enumerate(fixed) if c is not None))
        solution = list(mp.lu_solve(mp.matrix(rows), mp.matrix(right)))
        coefficients = list(fixed)
        for power, c in zip(free, solution):
            coefficients[power] = c
        return coefficients, solution[-1]

    def rounded(self, leading, precision):
        """Rounds coefficient by coefficient, and fits what is left; the leading ones may be given."""
        coefficients = leading + [None] * (len(self.powers[0]) - len(leading))
        for k in range(len(leading), len(coefficients)):
            coefficients[k] = precision(self.remez(coefficients)[k])
        return coefficients, max(map(abs, self.errors(coefficients)))


class Row:
    """What is approximated where, by how many coefficients, and what its error is divided by."""

    def __init__(self, element, f, low, high, count, weight, leading=()):
        self.element = element
        self.interval = (low, high)
        self.fit = Fit(f, weight, low, high, count)
        self.leading = list(leading)

    def run(self):
        return self.fit.rounded(self.leading, ROUND[self.element])


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


def log2_slope(f):
    """log2(1 + f) / f"""
    return mp.log1p(f) / f / LN2


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
    "exp.float": lambda: Row("float", exp_rest, -LN2 / 2, LN2 / 2, 5, lambda r: mp.exp(r) / r**2),
    "exp.double": lambda: Row("double", exp_rest, -LN2 / 2, LN2 / 2, 10, lambda r: mp.exp(r) / r**2),
    "log.float": lambda: Row(
        "float", log_rest, SQRT_HALF - 1, mp.sqrt(2) - 1, 9, lambda f: abs(mp.log1p(f) / f**3)
    ),
    "log.double": lambda: Row(
        "double", atanh_rest, mp.mpf(0), (3 - 2 * mp.sqrt(2)) ** 2, 7, lambda z: mp.atanh(mp.sqrt(z)) / z ** 1.5
    ),
    "sin.float": lambda: Row("float", sin_rest, mp.mpf(0), QUARTER, 3, lambda z: sin_weight(z) / z),
    "sin.double": lambda: Row("double", sin_rest, mp.mpf(0), QUARTER, 6, lambda z: sin_weight(z) / z),
    "cos.float": lambda: Row("float", cos_rest, mp.mpf(0), QUARTER, 3, cos_weight),
    "cos.double": lambda: Row("double", cos_rest, mp.mpf(0), QUARTER, 6, cos_weight),
    "asin.float": lambda: Row("float", asin_rest, mp.mpf(0), mp.mpf(1) / 4, 5, lambda z: asin_weight(z) / z),
    "asin.double": lambda: Row("double", asin_rest, mp.mpf(0), mp.mpf(1) / 4, 12, lambda z: asin_weight(z) / z),
    "atan.float": lambda: Row("float", atan_rest, mp.mpf(0), mp.mpf(1), 8, lambda z: atan_weight(z) / z),
    "atan.double": lambda: Row("double", atan_rest, mp.mpf(0), mp.mpf(1), 20, lambda z: atan_weight(z) / z),
    "erf.float": lambda: Row("float", *erfc_log("float"), 9, erf_weight),
    "erf.double": lambda: Row("double", *erfc_log("double"), 24, erf_weight),
    "pow": lambda: Row(
        "double", atanh_second_rest, mp.mpf(0), (3 - 2 * mp.sqrt(2)) ** 2, 8, lambda z: mp.atanh(mp.sqrt(z)) / z**2.5
    ),
    "log2": lambda: Row("double", log2_slope, SQRT_HALF - 1, mp.sqrt(2) - 1, 14, log2_slope),
    "exp2": lambda: Row("double", lambda r: 2**r, -mp.mpf(1) / 2, mp.mpf(1) / 2, 7, lambda r: 2**r, [mp.mpf(1)]),
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
        print(f"[{', '.join(printed(c, row.element) for c in coefficients)}],")
    for name, (value, bits, element) in SPLITS.items() if not names else ():
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
