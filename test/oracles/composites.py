"""Prints the worked cases of the elementwise composites and the losses, as TypeScript.

Inputs are written here; outputs are JAX's, TensorFlow's or NumPy's in float64, rounded to the dtype.

    pip install jax==0.10.2 tensorflow-cpu==2.21.0 mpmath==1.4.1 numpy==2.4.6 scipy==1.17.1
    python test/oracles/composites.py [composite ...]
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["JAX_ENABLE_X64"] = "1"

import jax
import numpy as np
import tensorflow as tf
from elementwise import INF, NAN, SPECIAL, f32, f64, i32, i64, print_cases


def by(source, function):
    """Computes in float64 and rounds to the dtype of the last input; integers are left as they are."""

    def run(*inputs, **params):
        dtype = inputs[-1].dtype
        wide = [x.astype(np.float64) if x.dtype == np.float32 else x for x in inputs]
        return np.asarray(function(*wide, **params)).astype(dtype), source

    return run


def by_jax(function):
    return by("jax", function)


def by_numpy(function):
    return by("numpy", function)


def by_tensorflow(function):
    return by("tensorflow", function)


def rows(*data):
    return np.array(data, np.float64)


def rows32(*data):
    return np.array(data, np.float32)


def mean_squared_error(labels, predictions, axes=None, keepdims=False):
    return tf.reduce_mean(tf.math.squared_difference(labels, predictions), axes, keepdims)


def sparse_softmax_cross_entropy(labels, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def softmax_cross_entropy(labels, logits, axis=-1):
    return tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits, axis=axis)


LOGITS = rows([1, 2, -3], [1000, -1000, 999.5])
LOGITS32 = rows32([0.5, -1, 2], [80, -80, 79])
ACTIVATED = (f64(-1000, -3, -0.5, 0, 1e-9, 2, 1000, NAN),)
ACTIVATED32 = (f32(-20, -0.1, 0.1, 5),)

# composite: (function, [(inputs..., params?)])
CASES = {
    "relu": (by_tensorflow(tf.nn.relu), [(f32(-1.5, 0, 2, *SPECIAL),), (i32(-3, 0, 5),)]),
    "relu6": (by_tensorflow(tf.nn.relu6), [(f32(-1.5, 0, 2, 6, 7, INF),), (i32(-3, 5, 9),)]),
    "leaky_relu": (
        by_jax(lambda x, alpha=0.01: jax.nn.leaky_relu(x, alpha)),
        [ACTIVATED, (*ACTIVATED32, {"alpha": 0.25})],
    ),
    "elu": (by_jax(lambda x, alpha=1.0: jax.nn.elu(x, alpha)), [ACTIVATED, (*ACTIVATED32, {"alpha": 0.5})]),
    "selu": (by_jax(jax.nn.selu), [ACTIVATED, ACTIVATED32]),
    "silu": (by_jax(jax.nn.silu), [ACTIVATED, ACTIVATED32]),
    "gelu": (
        by_jax(lambda x, approximate=False: jax.nn.gelu(x, approximate)),
        [(f64(-40, -1, -0.5, 0, 1e-9, 2, 40, NAN),), (f64(-40, -1, 0, 0.5, 3), {"approximate": True}), (f32(-2, 0.1, 5),)],
    ),
    "square": (by_tensorflow(tf.math.square), [(f32(-1.5, 0, 1e20, NAN),), (i64(-3, 2**26),)]),
    "reciprocal": (by_tensorflow(tf.math.reciprocal), [(f64(-4, 3, 0, 1e300, INF),), (f32(3),)]),
    "softsign": (by_jax(jax.nn.soft_sign), [(f64(-1e300, -3, 0, 0.25, NAN),), (f32(-0.1, 7),)]),
    "mish": (by_jax(jax.nn.mish), [ACTIVATED, ACTIVATED32]),
    "log_sigmoid": (by_jax(jax.nn.log_sigmoid), [(f64(-1000, -3, 0, 2, 40, *SPECIAL),), ACTIVATED32]),
    "squared_difference": (
        by_tensorflow(tf.math.squared_difference),
        [(f32(1, -2, 1e20, NAN), f32(3, 2.5, 0, 0)), (i32(-3, 7), i32(4, 7))],
    ),
    "log2": (by_numpy(np.log2), [(f64(1, 8, 0.1, 1e300, 0, -1, INF),), (f32(10, 0.5),)]),
    "log10": (by_numpy(np.log10), [(f64(1, 1000, 0.2, 1e300, 0, -1, INF),), (f32(2, 0.5),)]),
    "exp2": (by_numpy(np.exp2), [(f64(0, 10, -3, 0.3, 1000.5, *SPECIAL),), (f32(0.7, 200),)]),
    "divide_no_nan": (by_tensorflow(tf.math.divide_no_nan), [(f64(1, 0, -3, INF), f64(4, 0, 0, 2)), (f32(1), f32(3))]),
    "xlogy": (by_tensorflow(tf.math.xlogy), [(f64(0, 0, 2, -1, 3), f64(0, -1, 5, 0, -1)), (f32(2), f32(0.7))]),
    "binary_cross_entropy_with_logits": (
        by_tensorflow(lambda labels, logits: tf.nn.sigmoid_cross_entropy_with_logits(labels, logits)),
        [
            (f64(0, 1, 0, 1, 0.25, 1, 0), f64(0, 0, -30, -30, 2, 800, 800)),
            (f32(0, 1, 0.5), f32(-4, 15, 3)),
        ],
    ),
    "mean_squared_error": (
        by_tensorflow(mean_squared_error),
        [
            (rows([1, 2], [3, 4]), rows([1.5, 0], [-3, 4])),
            (rows32([1, 2, 4]), rows32([0.1, 0.2, 0.3]), {"axes": [1], "keepdims": True}),
        ],
    ),
    "softmax": (
        by_jax(lambda x, axis=-1: jax.nn.softmax(x, axis)),
        [(LOGITS,), (rows([0, -INF], [INF, 1], [NAN, 1]),), (LOGITS32, {"axis": 0})],
    ),
    "log_softmax": (
        by_jax(lambda x, axis=-1: jax.nn.log_softmax(x, axis)),
        [(LOGITS,), (rows([0, -INF]),), (LOGITS32, {"axis": 0})],
    ),
    "logsumexp": (
        by_jax(lambda x, axes=None, keepdims=False: jax.nn.logsumexp(x, axes and tuple(axes), keepdims=keepdims)),
        [
            (LOGITS,),
            (rows([-INF, -INF], [INF, 1], [0, -INF], [NAN, 0]), {"axes": [1]}),
            (LOGITS32, {"axes": [0], "keepdims": True}),
        ],
    ),
    "softmax_cross_entropy_with_logits": (
        by_tensorflow(softmax_cross_entropy),
        [
            (rows([1, 0], [0.25, 0.75]), rows([0, 0], [-800, 900])),
            (rows32([1, 0, 0], [0, 1, 0]), LOGITS32),
            (rows([1, 0.5], [0, 0.5]), rows([1, 2], [3, 5]), {"axis": 0}),
        ],
    ),
    "sparse_softmax_cross_entropy_with_logits": (
        by_tensorflow(sparse_softmax_cross_entropy),
        [(i32(2, 0), LOGITS), (i64(1, 2), LOGITS32)],
    ),
}

if __name__ == "__main__":
    print_cases(CASES)
