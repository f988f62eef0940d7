"""Prints the worked cases of the elementwise ops, as TypeScript.

Inputs are written here; outputs are mpmath's at 60 digits rounded to the dtype, or NumPy's where they are exact,
integral or not finite.

    pip install mpmath==1.4.1 numpy==2.4.6 scipy==1.17.1
    python test/oracles/elementwise.py [op ...]
"""

import re
import sys

import mpmath as mp
import numpy as np
import scipy.special

mp.mp.dps = 60
np.seterr(all="ignore")
NAN, INF = float("nan"), float("inf")

SHORT = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64", "bool": "bool"}


def f32(*data):
    return np.array(data, np.float32)


def f64(*data):
    return np.array(data, np.float64)


def i32(*data):
    return np.array(data, np.int32)


def i64(*data):
    return np.array(data, np.int64)


def bools(*data):
    return np.array(data, np.bool_)


def by_numpy(function):
    def run(*inputs):
        return function(*inputs), "numpy"

    return run


def by_mpmath(function, otherwise):
    """Elements with a real value are mpmath's; the rest, infinite or undefined, are NumPy's."""

    def run(*inputs):
        approximate = otherwise(*inputs)
        output = np.empty_like(approximate)
        for i, given in enumerate(zip(*inputs)):
            exact = np.isfinite(approximate[i]) and all(np.isfinite(x) for x in given)
            output[i] = float(function(*(mp.mpf(float(x)) for x in given))) if exact else approximate[i]
        return output, "mpmath"

    return run


def integer_pow(x, y):
    """Exact powers, truncated towards zero, wrapped around."""
    bits = x.dtype.itemsize * 8
    powers = []
    for base, exponent in zip(x.tolist(), y.tolist()):
        power = base**exponent if exponent >= 0 else int(mp.mpf(base) ** exponent) if base else 0
        powers.append((power + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1))
    return np.array(powers, x.dtype)


def power(x, y):
    if x.dtype.kind == "i":
        return integer_pow(x, y), "definition"
    return by_mpmath(mp.power, np.power)(x, y)


def cast(x, dtype):
    return x.astype(dtype), "numpy"


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def softplus(x):
    return mp.log1p(mp.exp(x))


SPECIAL = (NAN, INF, -INF)

COMPARED = [
    (f32(1, 2, -3, NAN, INF), f32(2, 2, -4, NAN, INF)),
    (i64(-5, 2**53, 7), i64(-5, 2**53 - 1, 8)),
]
TRUTHS = (bools(True, True, False, False), bools(True, False, True, False))

# op: (function, [(inputs..., params?)])
CASES = {
    "eq": (by_numpy(np.equal), COMPARED),
    "ne": (by_numpy(np.not_equal), COMPARED),
    "lt": (by_numpy(np.less), COMPARED),
    "le": (by_numpy(np.less_equal), COMPARED),
    "gt": (by_numpy(np.greater), COMPARED),
    "ge": (by_numpy(np.greater_equal), COMPARED),
    "logical_and": (by_numpy(np.logical_and), [TRUTHS]),
    "logical_or": (by_numpy(np.logical_or), [TRUTHS]),
    "logical_xor": (by_numpy(np.logical_xor), [TRUTHS]),
    "logical_not": (by_numpy(np.logical_not), [TRUTHS[:1]]),
    "isnan": (by_numpy(np.isnan), [(f32(0, -1.5, 3e38, *SPECIAL),)]),
    "isinf": (by_numpy(np.isinf), [(f32(0, -1.5, 3e38, *SPECIAL),)]),
    "isfinite": (by_numpy(np.isfinite), [(f32(0, -1.5, 3e38, *SPECIAL),)]),
    "sub": (
        by_numpy(np.subtract),
        [
            (f32(1, 2.5, -3, 1e30, INF), f32(0.5, 0.25, 10, 1, INF)),
            (i32(1, -(2**31), 7), i32(3, 1, -8)),
        ],
    ),
    "div": (
        by_numpy(np.divide),
        [(f32(1, -7, 1, -1, 0, 3e38), f32(3, 2, 0, 0, 0, 0.5)), (f64(1, 2, INF), f64(3, -INF, 2))],
    ),
    "pow": (
        power,
        [
            (f64(2, 10, -2, -8, 0, 0, NAN, 2, -1), f64(0.5, -3, 3, 1 / 3, 0, -1, 0, INF, NAN)),
            (f32(1.5, 0.1, 9, 1e20), f32(2, 3, -0.5, 2)),
            (i32(2, -3, 0, 7, 10, -1, 2, 0), i32(10, 3, 0, 0, 10, -3, -1, -2)),
        ],
    ),
    "exp": (
        by_mpmath(mp.exp, np.exp),
        [(f64(0, 1, -1, 0.1, -700, 709, *SPECIAL),), (f32(0.5, -10, 88, 89, -100),)],
    ),
    "expm1": (by_mpmath(mp.expm1, np.expm1), [(f64(0, 1e-10, -1e-10, 1, -40, *SPECIAL),), (f32(1e-6, -0.5, 5),)]),
    "log": (
        by_mpmath(mp.log, np.log),
        [(f64(1, 2, 0.2, 1e300, 1e-300, 0, -1, *SPECIAL),), (f32(0.7, 1.0000001, 1e-37, 3e38),)],
    ),
    "log1p": (by_mpmath(mp.log1p, np.log1p), [(f64(0, 1e-10, -1e-10, 1, -0.8, -1, -2, INF, NAN),), (f32(1e-6, 100),)]),
    "sqrt": (by_mpmath(mp.sqrt, np.sqrt), [(f64(0, 2, 1e-300, 1e300, -1, INF, NAN),), (f32(3, 0.1),)]),
    "rsqrt": (
        by_mpmath(lambda x: 1 / mp.sqrt(x), lambda x: 1 / np.sqrt(x)),
        [(f64(4, 2, 1e-300, 1e300, 0, -1, INF, NAN),), (f32(2, 0.1),)],
    ),
    "tan": (by_mpmath(mp.tan, np.tan), [(f64(0, 0.5, -2, 1.5, 1e-9, *SPECIAL),), (f32(0.5, -1.5, 3),)]),
    "tanh": (by_mpmath(mp.tanh, np.tanh), [(f64(0, 0.5, -2, 1e-9, 25, *SPECIAL),), (f32(0.5, -3, 20),)]),
    "sinh": (by_mpmath(mp.sinh, np.sinh), [(f64(0, 0.5, -2, 1e-9, 700, *SPECIAL),), (f32(0.5, -3, 80),)]),
    "cosh": (by_mpmath(mp.cosh, np.cosh), [(f64(0, 0.5, -2, 1e-9, 700, *SPECIAL),), (f32(0.5, -3, 80),)]),
    "asin": (by_mpmath(mp.asin, np.arcsin), [(f64(0, 0.5, -1, 0.999999, 1e-9, 1.5, NAN),), (f32(0.25, -0.75),)]),
    "acos": (by_mpmath(mp.acos, np.arccos), [(f64(0, 0.5, -1, 1, 0.999999, 1.5, NAN),), (f32(0.25, -0.75),)]),
    "atan": (by_mpmath(mp.atan, np.arctan), [(f64(0, 0.5, -1, 1e-9, 1e9, *SPECIAL),), (f32(0.25, -5),)]),
    "atan2": (
        by_mpmath(mp.atan2, np.arctan2),
        [
            (f64(1, 1, -1, -1, 0, 0, 1, INF, NAN), f64(1, -1, 1, -1, 1, -1, 0, INF, 1)),
            (f32(0.5, -2), f32(-3, 1e-10)),
        ],
    ),
    "asinh": (
        by_mpmath(mp.asinh, np.arcsinh),
        [(f64(0, 0.5, -2, 1e-9, -1e300, *SPECIAL),), (f32(0.001, -3, 1e30),)],
    ),
    "acosh": (by_mpmath(mp.acosh, np.arccosh), [(f64(1, 1.0000001, 2, 1e300, 0.5, INF, NAN),), (f32(1.5, 1e30),)]),
    "atanh": (
        by_mpmath(mp.atanh, np.arctanh),
        [(f64(0, 0.5, -0.999999, 1e-9, 1, -1, 2, NAN),), (f32(0.001, -0.9),)],
    ),
    "sigmoid": (
        by_mpmath(sigmoid, scipy.special.expit),
        [(f64(0, 2, -2, 40, -40, 700, -700, *SPECIAL),), (f32(0.5, -5, 80, -80),)],
    ),
    "softplus": (
        by_mpmath(softplus, lambda x: np.logaddexp(x, np.zeros_like(x))),
        [(f64(0, 2, -2, 40, -40, 1e300, *SPECIAL),), (f32(0.5, -5, 80, -80),)],
    ),
    "logaddexp": (
        by_mpmath(lambda x, y: mp.log(mp.exp(x) + mp.exp(y)), np.logaddexp),
        [
            (f64(0, 1, -1000, 1000, -INF, INF, INF, NAN), f64(0, -2, -1001, 999, -INF, INF, -INF, 1)),
            (f32(0.5, 100), f32(-0.5, 99)),
        ],
    ),
    "hypot": (
        by_mpmath(mp.hypot, np.hypot),
        [(f64(3, -1, 0, 1e200, 1e-200, INF, -INF), f64(4, 2, 0, 1e200, -1e-200, 1, INF)), (f32(0.1, 1e30), f32(-7, 1e30))],
    ),
    "erf": (
        by_mpmath(mp.erf, scipy.special.erf),
        [(f64(0, 0.5, -1, 2.5, -5, 1e-9, 6.5, *SPECIAL),), (f32(0.1, -2, 4),)],
    ),
    "abs": (by_numpy(np.abs), [(f32(1.5, -2.5, 0, *SPECIAL),), (i32(-3, 0, 2**31 - 1),)]),
    "sign": (by_numpy(np.sign), [(f32(1.5, -2.5, 0, *SPECIAL),), (i64(-3, 0, 2**40),)]),
    "floor": (by_numpy(np.floor), [(f64(1.5, -1.5, -0.5, 2, 1e300, *SPECIAL),), (i32(-3, 5),)]),
    "ceil": (by_numpy(np.ceil), [(f64(1.5, -1.5, 0.5, 2, 1e300, *SPECIAL),), (i32(-3, 5),)]),
    "round": (by_numpy(np.round), [(f64(0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6, 1e300, *SPECIAL),), (i32(-3, 5),)]),
    "trunc": (by_numpy(np.trunc), [(f64(1.7, -1.7, 0.5, 2, 1e300, *SPECIAL),), (i32(-3, 5),)]),
    "floor_divide": (
        by_numpy(np.floor_divide),
        [
            (f64(7, -7, 7, -7, 0.5), f64(2, 2, -2, -2, 3)),
            (f64(-0.5, 0.5, 0.5, -0.5, 0, NAN), f64(INF, -INF, INF, -INF, -INF, INF)),
            (i32(7, -7, 7, -7, 5, 0), i32(2, 2, -2, -2, 0, 3)),
        ],
    ),
    "remainder": (
        by_numpy(np.remainder),
        [
            (f64(7, -7, 7, -7, 5.5), f64(3, 3, -3, -3, 2)),
            (f64(-0.5, 0.5, 0.5, -0.5, NAN), f64(INF, -INF, INF, -INF, INF)),
            (i32(7, -7, 7, -7, 5, 6), i32(3, 3, -3, -3, 0, 3)),
        ],
    ),
    "maximum": (by_numpy(np.maximum), [(f32(1, -2, NAN, 1, INF), f32(2, -3, 1, NAN, 5)), (i64(-5, 2**40), i64(3, 7))]),
    "minimum": (by_numpy(np.minimum), [(f32(1, -2, NAN, 1, INF), f32(2, -3, 1, NAN, 5)), (i64(-5, 2**40), i64(3, 7))]),
    "clip": (
        by_numpy(np.clip),
        [
            (f32(-2, 0.5, 3, INF, NAN), f32(-1, -1, -1, -1, -1), f32(1, 1, 1, 1, 1)),
            (i32(-9, 4, 9), i32(-5, -5, -5), i32(5, 5, 5)),
        ],
    ),
    "cast": (
        cast,
        [
            (f64(1.9, -1.9, 0, 3), {"dtype": "int32"}),
            (f64(0.1, 1e300, -INF, NAN), {"dtype": "float32"}),
            (f32(0.5, 0, NAN), {"dtype": "bool"}),
            (bools(True, False), {"dtype": "float32"}),
            (i64(2**53, -3), {"dtype": "int32"}),
        ],
    ),
    "stop_gradient": (lambda x: (x, "definition"), [(f32(1.5, -2, NAN),)]),
    "identity": (lambda x: (x, "definition"), [(f32(1.5, -2, NAN),), (i64(-3, 2**40),)]),
}


CONSTANTS = {
    "2.718281828459045": "Math.E",
    "0.6931471805599453": "Math.LN2",
    "3.141592653589793": "Math.PI",
    "1.4142135623730951": "Math.SQRT2",
    "0.7071067811865476": "Math.SQRT1_2",
}


def number(x):
    if isinstance(x, np.bool_):
        return "true" if x else "false"
    text = str(x).removesuffix(".0")
    if text.removeprefix("-") in CONSTANTS:
        return text.replace(text.removeprefix("-"), CONSTANTS[text.removeprefix("-")])
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(text, re.sub(r"e(-?)\+?0*", r"e\1", text))


def tensor(x):
    shape = ",".join(str(size) for size in x.shape)
    suffix = f"[{shape}]" if x.shape else ""
    data = ", ".join(number(value) for value in x.ravel())
    return f"{{ type: '{SHORT[x.dtype.name]}{suffix}', data: [{data}] }}"


def literal(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key}: {literal(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


def case(function, given):
    params = given[-1] if isinstance(given[-1], dict) else {}
    inputs = given[:-1] if params else given
    output, source = function(*inputs, **params)
    written = f"params: {literal(params)}, " if params else ""
    return (
        f"{{ inputs: [{', '.join(map(tensor, inputs))}], {written}outputs: [{tensor(np.asarray(output))}], "
        f"source: '{source}' }}"
    )


def print_cases(table):
    for name in sys.argv[1:] or table:
        function, given = table[name]
        print(f"{name}: [{', '.join(case(function, inputs) for inputs in given)}],")


if __name__ == "__main__":
    print_cases(CASES)
