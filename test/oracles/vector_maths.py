"""Writes what the float64 functions of the native backend's vector maths are measured with: inputs and exact results.

A gzipped file: a JSON header, padded to 8 bytes and preceded by its length, that names each function with its arity and
count; then for each function its inputs, the correctly rounded results, and for each result the 256ths of a unit in the
last place by which the exact one, mpmath's, is larger.

    pip install mpmath==1.4.1 gmpy2
    python test/oracles/vector_maths.py test/oracles/vector_maths.bin.gz [count of inputs for each function]
"""

import gzip
import json
import math
import random
import struct
import sys
from fractions import Fraction

import mpmath as mp

mp.mp.prec = 200


def unit(x):
    """The unit in the last place of float64 at a number that is not 0."""
    return mp.mpf(2) ** (max(mp.frexp(x)[1] - 1, -1022) - 52)


def nearest(x):
    """The float64 nearest to a number, and by how many 256ths of a unit the number is larger."""
    if x == 0 or not mp.isfinite(x):
        return float(x), 0
    place = unit(x)
    if abs(x) >= mp.mpf(2) ** 1024 - place / 2:
        return math.copysign(math.inf, x), 0
    count = mp.nint(x / place)
    rest = mp.nint((x / place - count) * 256)
    rounded = math.copysign(math.ldexp(int(abs(count)), int(mp.log(place, 2))), x)
    return rounded, int(max(-128, min(127, rest)))


def from_bits(bits):
    return struct.unpack("d", struct.pack("Q", bits))[0]


class Draw:
    """Inputs of many kinds, the same at every run."""

    def __init__(self, name):
        self.random = random.Random(name)

    def bits(self):
        """Any finite float64, each as likely as any other."""
        while True:
            x = from_bits(self.random.getrandbits(64))
            if math.isfinite(x):
                return x

    def uniform(self, low, high):
        return self.random.uniform(low, high)

    def magnitudes(self, low, high):
        """±2^e with e uniform."""
        return self.random.choice((-1, 1)) * 2.0 ** self.random.uniform(low, high)

    def beside(self, x, places=40):
        """One of the floats around a number."""
        place = float(unit(mp.mpf(x)))
        return float(x) + self.random.randint(-places, places) * place

    def beside_multiple(self, step, most):
        """Beside a multiple of a number such as pi/2."""
        exponent = self.random.uniform(0, math.log2(most))
        return self.random.choice((-1, 1)) * self.beside(float(int(2**exponent) * step), 2)


def real_power(x, y):
    if x == 0 or (x < 0 and y != mp.floor(y)):
        raise ValueError("a pole, or no real number")
    # Beyond any result's range mpmath would compute an enormous exponent.
    size = y * mp.log(abs(x))
    if abs(size) > 2000:
        size = mp.sign(size) * 2000
        return (-1 if x < 0 and y % 2 else 1) * mp.exp(size)
    return x**y


def floor_division(x, y):
    return mp.mpf(Fraction(float(x)) // Fraction(float(y)))


def floor_remainder(x, y):
    rest = Fraction(float(x)) % Fraction(float(y))
    return mp.mpf(rest.numerator) / rest.denominator


def near_overflow(d):
    """Powers near the largest and the smallest numbers."""
    x = abs(d.magnitudes(-300, 300))
    return x, d.random.choice((d.uniform(709, 710), d.uniform(-746, -707))) / math.log(x)


def beside_diagonal(d):
    x = d.uniform(-3, 3)
    return d.beside(x), x


QUOTIENTS = [
    lambda d: (d.bits(), d.bits()), lambda d: (d.uniform(-20, 20), d.uniform(-3, 3)),
    lambda d: (d.magnitudes(-60, 60), d.magnitudes(-20, 20)), lambda d: beside_product(d),
    lambda d: (float(d.random.randint(-1000, 1000)), float(d.random.randint(1, 50))),
]


def beside_product(d):
    """Quotients beside an integer, where rounding may reach it."""
    y = d.uniform(-10, 10)
    return d.beside(y * int(2 ** d.random.uniform(0, 51)), 2), y


# For each function: how it is computed, and its inputs; those whose result is not real are drawn again.
FUNCTIONS = {
    "exp": (mp.exp, [
        lambda d: d.uniform(-745, 710), lambda d: d.uniform(-2, 2), lambda d: d.magnitudes(-60, 10),
        lambda d: d.uniform(-746, -707), lambda d: d.uniform(709.5, 710), lambda d: d.bits(),
        lambda d: d.beside((d.random.randint(-1070, 1020) + mp.mpf(1) / 2) * mp.log(2)),
    ]),
    "log": (mp.log, [
        lambda d: abs(d.bits()), lambda d: d.uniform(0, 4), lambda d: d.uniform(0.6, 1.5),
        lambda d: 1 + d.magnitudes(-53, -2), lambda d: from_bits(d.random.getrandbits(d.random.randint(1, 53))),
        lambda d: d.beside(mp.sqrt(2) * mp.mpf(2) ** d.random.randint(-1000, 1000)),
    ]),
    "sin": (mp.sin, TURNS := [
        lambda d: d.uniform(-10, 10), lambda d: d.magnitudes(-40, 40), lambda d: d.bits(),
        lambda d: d.beside_multiple(mp.pi / 2, 2**30), lambda d: d.beside_multiple(mp.pi / 4, 2**30),
        lambda d: d.beside_multiple(mp.pi / 2, 2**60), lambda d: d.uniform(-1e5, 1e5), lambda d: d.uniform(-1, 1),
    ]),
    "cos": (mp.cos, TURNS),
    "tan": (mp.tan, TURNS),
    "asin": (mp.asin, ARCS := [
        lambda d: d.uniform(-1, 1), lambda d: d.magnitudes(-60, 0), lambda d: d.beside(0.5), lambda d: 1 - abs(d.magnitudes(-53, -1)),
        lambda d: abs(d.magnitudes(-53, -1)) - 1, lambda d: d.uniform(-0.7, 0.7),
    ]),
    "acos": (mp.acos, ARCS),
    "atan": (mp.atan, [
        lambda d: d.uniform(-4, 4), lambda d: d.uniform(-1, 1), lambda d: d.beside(1), lambda d: d.bits(),
        lambda d: d.magnitudes(-60, 60),
    ]),
    "expm1": (mp.expm1, [
        lambda d: d.uniform(-2, 2), lambda d: d.magnitudes(-60, 9), lambda d: d.uniform(-45, 710), lambda d: d.bits(),
        lambda d: d.uniform(709, 710), lambda d: d.beside((d.random.randint(-50, 50) + mp.mpf(1) / 2) * mp.log(2)),
    ]),
    "log1p": (mp.log1p, [
        lambda d: d.bits(), lambda d: d.uniform(-1, 3), lambda d: d.magnitudes(-60, 0), lambda d: abs(d.magnitudes(-2, 60)),
        lambda d: abs(d.magnitudes(-53, -1)) - 1, lambda d: d.uniform(-0.5, 0.8),
        lambda d: d.beside(mp.sqrt(2) * mp.mpf(2) ** d.random.randint(0, 60) - 1),
    ]),
    "sinh": (mp.sinh, HYPERBOLAS := [
        lambda d: d.uniform(-2, 2), lambda d: d.magnitudes(-60, 9), lambda d: d.uniform(-711, 711), lambda d: d.bits(),
        lambda d: d.uniform(709, 711), lambda d: d.beside((d.random.randint(-50, 50) + mp.mpf(1) / 2) * mp.log(2)),
    ]),
    "cosh": (mp.cosh, HYPERBOLAS),
    "tanh": (mp.tanh, [
        lambda d: d.uniform(-20, 20), lambda d: d.uniform(-1, 1), lambda d: d.magnitudes(-60, 5), lambda d: d.bits(),
    ]),
    "erf": (mp.erf, [
        lambda d: d.uniform(-6, 6), lambda d: d.uniform(-1, 1), lambda d: d.magnitudes(-60, 2.5), lambda d: d.bits(),
    ]),
    "rsqrt": (lambda x: 1 / mp.sqrt(x), [
        lambda d: abs(d.bits()), lambda d: d.uniform(0, 4), lambda d: from_bits(d.random.getrandbits(d.random.randint(1, 53))),
    ]),
    "pow": (real_power, [
        lambda d: (abs(d.bits()), d.magnitudes(-10, 10)), lambda d: (d.uniform(0, 4), d.uniform(-8, 8)),
        lambda d: (1 + d.magnitudes(-53, -2), d.magnitudes(0, 62)), lambda d: (abs(d.bits()), d.uniform(-3, 3)),
        lambda d: near_overflow(d), lambda d: (d.uniform(-30, 30), float(d.random.randint(-200, 200))),
        lambda d: (from_bits(d.random.getrandbits(d.random.randint(1, 53))), d.uniform(-1.5, 1.5)),
        lambda d: (d.bits(), d.bits()),
    ]),
    "floordiv": (floor_division, QUOTIENTS),
    "mod": (floor_remainder, QUOTIENTS),
    "atan2": (mp.atan2, [
        lambda d: (d.uniform(-2, 2), d.uniform(-2, 2)), lambda d: (d.bits(), d.bits()),
        lambda d: (d.magnitudes(-40, 40), d.magnitudes(-40, 40)), lambda d: (d.uniform(0, 1), d.magnitudes(0, 500)),
        lambda d: beside_diagonal(d), lambda d: (d.magnitudes(-1070, -1000), d.magnitudes(-1070, -900)),
    ]),
}


def rows(name, count):
    function, draws = FUNCTIONS[name]
    draw = Draw(name)
    arity = draws[0].__code__.co_argcount
    found = []
    while len(found) < count:
        made = draws[len(found) % len(draws)](draw)
        inputs = made if isinstance(made, tuple) else (made,)
        try:
            exact = function(*map(mp.mpf, inputs))
        except (ValueError, ZeroDivisionError):
            continue
        if isinstance(exact, mp.mpf) and mp.isfinite(exact) and exact != 0:
            found.append((inputs, nearest(exact)))
    return found


def main(path, count=1000, *names):
    header, data = {}, b""
    for name in names or FUNCTIONS:
        found = rows(name, int(count))
        arity = len(found[0][0])
        header[name] = {"arity": arity, "count": len(found)}
        for column in [*zip(*(inputs for inputs, _ in found)), [result for _, (result, _) in found]]:
            data += struct.pack(f"<{len(column)}d", *column)
        rests = struct.pack(f"{len(found)}b", *(rest for _, (_, rest) in found))
        data += rests + b"\0" * (-len(rests) % 8)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(gzip.compress(struct.pack("<Q", len(text)) + text + data, 9, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
