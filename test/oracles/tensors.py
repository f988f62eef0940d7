"""Prints the worked cases of the ops and composites that fold, move, pick, create and contract, as TypeScript.

Inputs and params, as documents write them, are written here; outputs are NumPy's, or JAX's where NumPy has no such
function.

    pip install mpmath==1.4.1 numpy==2.4.6 scipy==1.17.1 jax==0.10.2
    python test/oracles/tensors.py [op ...]
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from elementwise import INF, NAN, bools, f32, f64, i32, i64, tensor

jax.config.update("jax_enable_x64", True)
np.seterr(all="ignore")


def by_numpy(function):
    return lambda *inputs, **params: (function(*inputs, **params), "numpy")


def by_jax(function):
    return lambda *inputs, **params: (np.asarray(function(*inputs, **params)), "jax")


def wide(x):
    return x.astype(np.float64) if x.dtype == np.float32 else x


def folded(function):
    """A NumPy reduction, computed in float64 and rounded to the dtype of its input."""

    def run(x, axes=None, axis=None, keepdims=False, **params):
        chosen = axis if axes is None else tuple(axes) if isinstance(axes, list) else axes
        return np.asarray(function(wide(x), axis=chosen, keepdims=keepdims, **params)).astype(x.dtype)

    return by_numpy(run)


def positions(function):
    return by_numpy(lambda x, axis=None, keepdims=False: np.asarray(function(x, axis=axis, keepdims=keepdims)))


def sliced(x, starts, stops, steps=None):
    steps = [None] * x.ndim if steps is None else steps
    return x[tuple(slice(*bounds) for bounds in zip(starts, stops, steps))]


def padded(x, pads=0, interior=0, value=0):
    pairs = np.broadcast_to(pads, (x.ndim, 2)).tolist()
    between = np.broadcast_to(interior, (x.ndim,)).tolist()
    config = [(low, high, gap) for (low, high), gap in zip(pairs, between)]
    return jax.lax.pad(x, x.dtype.type(value), config)


def windowed(x, window, **params):
    """`conv_general` by `lax.conv_general_dilated`, a group for each position of the batch."""
    given = {name: [axis % side.ndim for axis in params.get(name, [])]
             for side, names in ((x, ("lhs_batch", "lhs_contract", "lhs_spatial")),
                                 (window, ("rhs_batch", "rhs_contract", "rhs_spatial")))
             for name in names}

    def ordered(side, prefix):
        batch, contract, spatial = (given[f"{prefix}_{kind}"] for kind in ("batch", "contract", "spatial"))
        free = [axis for axis in range(side.ndim) if axis not in batch + contract + spatial]
        sizes = [[side.shape[axis] for axis in axes] for axes in (batch, free, contract, spatial)]
        flat = jnp.transpose(side, batch + free + contract + spatial)
        return flat.reshape([int(np.prod(group)) for group in sizes[:3]] + sizes[3]), sizes

    left, (batch, rows, _, _) = ordered(x, "lhs")
    right, (_, outputs, _, _) = ordered(window, "rhs")
    count = len(given["lhs_spatial"])
    found = jnp.stack([
        jax.lax.conv_general_dilated(
            left[i],
            right[i],
            params.get("strides", [1] * count),
            "VALID",
            rhs_dilation=params.get("dilations"),
        )
        for i in range(left.shape[0])
    ])
    return jnp.moveaxis(found, 1, 2).reshape(batch + outputs + rows + list(found.shape[3:]))


def layer(x, kernel, strides=1, padding="valid", dilations=1, groups=1, data_format="channels_first"):
    count = x.ndim - 2
    letters = "DHW"[-count:]
    is_last = data_format == "channels_last" or data_format.endswith("C")
    numbers = (f"N{letters}C", f"{letters}IO", f"N{letters}C") if is_last else (f"NC{letters}", f"OI{letters}", f"NC{letters}")
    spread = lambda steps: [steps] * count if isinstance(steps, int) else steps
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        spread(strides),
        padding.upper() if isinstance(padding, str) else [(padding, padding)] * count if isinstance(padding, int) else padding,
        rhs_dilation=spread(dilations),
        dimension_numbers=numbers,
        feature_group_count=groups,
    )


def wrapped(indices, size):
    return np.clip(np.where(indices < 0, indices + size, indices), 0, size - 1)


def taken(x, indices, axis=0, batch_dims=0):
    if batch_dims == 0:
        return np.take(x, wrapped(indices, x.shape[axis]), axis=axis)
    return np.stack([taken(row, at, axis - 1, batch_dims - 1) for row, at in zip(x, indices)])


def scattered(x, indices, updates, axis=0):
    moved = np.moveaxis(x.copy(), axis, 0)
    places = list(range(axis, axis + indices.ndim))
    np.add.at(moved, wrapped(indices, x.shape[axis]), np.moveaxis(updates, places, range(indices.ndim)))
    return np.moveaxis(moved, 0, axis)


def along(x, indices, axis=-1):
    return np.take_along_axis(x, wrapped(indices, x.shape[axis]), axis)


def general(lhs, rhs, lhs_contract, rhs_contract, lhs_batch=(), rhs_batch=()):
    contract = [axis % lhs.ndim for axis in lhs_contract], [axis % rhs.ndim for axis in rhs_contract]
    return jax.lax.dot_general(lhs, rhs, (contract, (lhs_batch, rhs_batch)))


def subscript(x, items):
    def item(entry):
        if isinstance(entry, dict):
            return slice(*(entry["slice"] if entry["slice"] else [None]))
        return Ellipsis if entry == "..." else entry

    return x[tuple(map(item, items))]


def cut(x, sections=None, sizes=None, indices=None, axis=0):
    at = sections or indices or np.cumsum(sizes)[:-1].tolist()
    return np.split(x, at, axis)


def hot(indices, depth, axis=-1, on_value=1, off_value=0, dtype="float32"):
    columns = np.moveaxis(np.asarray(jax.nn.one_hot(indices, depth)), -1, axis)
    return np.where(columns, on_value, off_value).astype(dtype)


def normalized(x, axes=-1, epsilon=1e-5):
    y, source = by_jax(jax.nn.standardize)(wide(x), axis=axes, epsilon=epsilon)
    return y.astype(x.dtype), source


def ranged(start, stop=None, step=1, dtype="int32"):
    return (np.arange(start, dtype=dtype) if stop is None else np.arange(start, stop, step, dtype=dtype), "numpy")


def typed(function):
    """A NumPy function that creates, float32 unless told otherwise."""
    return by_numpy(lambda *args, dtype="float32", **params: function(*args, dtype=dtype, **params))


def grid(dtype, *shape):
    return np.arange(1, 1 + np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


FEW = f32(3, -1, 4, 1, -5, 9).reshape(2, 3)
NANS = f64(1, NAN, 3, INF, -INF, 2).reshape(2, 3)
BITS = bools(True, False, True, True, True, True).reshape(2, 3)

CASES = {
    "sum": (
        folded(np.sum),
        [
            (FEW, {"axes": [1]}),
            (f64(1, INF, -INF, NAN, 2, 3).reshape(2, 3), {"axes": 0}),
            (i32(2**31 - 1, 1), {"axes": [0]}),
            (np.zeros((2, 0), np.float32), {"axes": [-1], "keepdims": True}),
        ],
    ),
    "prod": (
        folded(np.prod),
        [
            (FEW, {"axes": [0, 1]}),
            (f64(2, 0, 3, INF).reshape(2, 2), {"axes": 1}),
            (i32(65536, 65536, 3, 5).reshape(2, 2), {"axes": 1}),
            (np.zeros((0, 2), np.float64), {"axes": [0]}),
        ],
    ),
    "max": (
        folded(np.max),
        [
            (FEW, {"axes": [1]}),
            (NANS, {"axes": 0, "keepdims": True}),
            (i64(-(2**40), -3, -(2**41)), {"axes": [0]}),
            (f32(-INF, -INF), {}),
        ],
    ),
    "min": (
        folded(np.min),
        [
            (FEW, {"axes": [1]}),
            (NANS, {"axes": 0, "keepdims": True}),
            (i32(7, -(2**31), 2**31 - 1), {}),
            (f32(INF, INF), {}),
        ],
    ),
    "any": (
        by_numpy(lambda x, axes: np.any(x, axis=tuple(axes))),
        [(bools(False, False, True, False).reshape(2, 2), {"axes": [1]}), (np.zeros((0, 2), bool), {"axes": [0]})],
    ),
    "all": (
        by_numpy(lambda x, axes: np.all(x, axis=tuple(axes))),
        [(BITS, {"axes": [1]}), (np.zeros((0, 2), bool), {"axes": [0]})],
    ),
    "argmax": (
        positions(np.argmax),
        [
            (FEW, {"axis": 1}),
            (f32(1, 3, 3, 2), {}),
            (f64(1, NAN, INF, NAN), {"axis": 0, "keepdims": True}),
            (FEW, {}),
            (f32(-INF, -INF), {"axis": -1}),
            (i64(-(2**40), 5, 5), {"axis": 0}),
        ],
    ),
    "argmin": (
        positions(np.argmin),
        [
            (FEW, {"axis": 0}),
            (f32(2, 1, 1, 3), {}),
            (f64(1, NAN, -INF, NAN), {"axis": 0}),
            (i32(2**31 - 1, 2**31 - 1), {"axis": 0}),
        ],
    ),
    "reshape": (
        by_numpy(lambda x, shape: np.reshape(x, shape)),
        [(grid("float32", 2, 3), {"shape": [3, -1]}), (grid("int32", 1), {"shape": []})],
    ),
    "transpose": (
        by_numpy(np.transpose),
        [
            (grid("float32", 2, 3), {"axes": [1, 0]}),
            (grid("int32", 2, 1, 3), {"axes": [-1, 0, 1]}),
            (grid("float64", 2, 2), {}),
        ],
    ),
    "broadcast_to": (
        by_numpy(np.broadcast_to),
        [(f32(1, 2, 3), {"shape": [2, 3]}), (i64(4, 5).reshape(2, 1), {"shape": [2, 2, 2]})],
    ),
    "slice": (
        by_numpy(sliced),
        [
            (grid("float32", 6), {"starts": [1], "stops": [6], "steps": [2]}),
            (grid("int32", 3, 4), {"starts": [-2, None], "stops": [99, None], "steps": [1, -3]}),
            (grid("float64", 4), {"starts": [3], "stops": [1]}),
        ],
    ),
    "pad": (
        by_jax(padded),
        [
            (f32(1, 2, 3), {"pads": [1, 2]}),
            (grid("float64", 2, 2), {"pads": [[1, 0], [0, 2]], "value": -INF}),
            (i32(1, 2, 3), {"pads": 1, "interior": 2, "value": 7}),
            (np.zeros((0, 2), np.float32), {"pads": [[1, 1], [0, 1]], "interior": [3, 0], "value": 0.5}),
        ],
    ),
    "flip": (
        by_numpy(lambda x, axes=None: np.flip(x, tuple(axes) if isinstance(axes, list) else axes)),
        [
            (grid("float32", 2, 3), {}),
            (grid("int64", 2, 3), {"axes": -1}),
            (grid("float64", 2, 2, 2), {"axes": [0, 2]}),
        ],
    ),
    "concatenate": (
        by_numpy(lambda *x, axis=0: np.concatenate(x, axis)),
        [
            (f32(1, 2), f32(3), f32(4, 5)),
            (grid("int32", 2, 1), grid("int32", 2, 2), {"axis": -1}),
            (np.zeros((0,), np.float64), f64(6)),
        ],
    ),
    "iota": (
        by_jax(lambda shape, dtype="int32", axis=0: jax.lax.broadcasted_iota(dtype, np.atleast_1d(shape), axis)),
        [({"shape": 4}), ({"shape": [2, 3], "dtype": "float32", "axis": 1})],
    ),
    "full": (
        typed(lambda shape, value, dtype: np.full(shape, value, dtype)),
        [({"shape": [2, 2], "value": 1.5}), ({"shape": 2, "value": -3, "dtype": "int64"}), ({"shape": [], "value": INF})],
    ),
    "take": (
        by_numpy(taken),
        [
            (f32(10, 20, 30), i32(2, 0, -1)),
            (grid("float64", 3, 2), i64(1, 1, -9, 9).reshape(2, 2), {"axis": 0}),
            (grid("int32", 2, 3), i32(0, 2, 1, -1).reshape(2, 2), {"axis": 1, "batch_dims": 1}),
        ],
    ),
    "scatter_add": (
        by_numpy(scattered),
        [
            (f32(1, 2, 3), i32(2, 0, 2, -1), f32(10, 20, 30, 40)),
            (np.zeros((2, 3)), i64(0, 9), grid("float64", 2, 2), {"axis": 1}),
            (i32(2**31 - 1, 0), i32(0), i32(1)),
        ],
    ),
    "dot_general": (
        by_jax(general),
        [
            (grid("float32", 2, 3), grid("float32", 3, 2), {"lhs_contract": [1], "rhs_contract": [0]}),
            (
                grid("float64", 2, 2, 3),
                grid("float64", 3, 2, 2),
                {"lhs_contract": [2], "rhs_contract": [0], "lhs_batch": [0], "rhs_batch": [1]},
            ),
            (grid("int64", 2, 3), grid("int64", 2, 3), {"lhs_contract": [0, 1], "rhs_contract": [0, -1]}),
            (i32(65536, 3), i32(65536, 5), {"lhs_contract": [0], "rhs_contract": [0]}),
        ],
    ),
    "conv_general": (
        by_jax(windowed),
        [
            (grid("float32", 2, 5), f32(1, -1, 2), {"lhs_spatial": [1], "rhs_spatial": [0], "strides": [2]}),
            (
                grid("float64", 1, 2, 4, 3),
                grid("float64", 2, 2, 2, 2),
                {"lhs_spatial": [2, 3], "rhs_spatial": [2, 3], "lhs_contract": [1], "rhs_contract": [1], "dilations": [2, 1]},
            ),
            (
                grid("float64", 4, 2, 2),
                grid("float64", 2, 3, 2),
                {
                    "lhs_spatial": [0],
                    "rhs_spatial": [0],
                    "lhs_batch": [2],
                    "rhs_batch": [-1],
                    "strides": [1],
                    "dilations": [3],
                },
            ),
            (grid("int64", 4), grid("int64", 2), {"lhs_spatial": [0], "rhs_spatial": [0]}),
            (i32(65536, 3, 1), i32(65536, 5), {"lhs_spatial": [0], "rhs_spatial": [0]}),
        ],
    ),
    "conv": (
        by_jax(layer),
        [
            (grid("float32", 1, 2, 4), grid("float32", 2, 2, 3), {}),
            (grid("float64", 1, 1, 5, 3), grid("float64", 2, 1, 3, 2), {"padding": "same", "strides": [2, 1]}),
            (
                grid("float64", 1, 5, 3, 2),
                grid("float64", 3, 2, 2, 1),
                {"padding": "SAME", "dilations": [1, 2], "data_format": "NHWC"},
            ),
            (grid("float32", 2, 2, 4), grid("float32", 4, 1, 2), {"groups": 2, "padding": [[1, 0]], "strides": 3}),
            (grid("int32", 1, 1, 2, 2), grid("int32", 1, 1, 2, 2), {"padding": 1}),
        ],
    ),
    "mean": (
        folded(np.mean),
        [(FEW, {"axes": [0, 1]}), (FEW, {"axis": 0}), (np.zeros((2, 0)), {"axes": 1, "keepdims": True})],
    ),
    "var": (
        folded(np.var),
        [(FEW, {}), (grid("float64", 2, 3), {"axes": 1, "ddof": 1}), (f64(5), {"ddof": 1})],
    ),
    "std": (folded(np.std), [(FEW, {}), (grid("float64", 2, 3), {"axes": [1], "ddof": 1}), (f64(2, 2), {})]),
    "norm": (
        folded(lambda x, axis, keepdims: np.linalg.norm(x.ravel() if axis is None else x, axis=axis, keepdims=keepdims)),
        [(f32(3, -4), {}), (grid("float64", 2, 3), {"axes": [0, 1]}), (np.zeros((2, 2)), {"axis": 1, "keepdims": True})],
    ),
    "layer_norm": (normalized, [(FEW, {}), (grid("float64", 2, 2), {"axes": 0, "epsilon": 0.5})]),
    "dot": (
        by_numpy(np.dot),
        [
            (f32(1, 2, 3), f32(4, 5, 6)),
            (grid("float64", 2, 3), f64(1, 0, -1)),
            (grid("int32", 2), grid("int32", 2, 2, 2)),
            (np.array(2.0), f64(1, 2)),
        ],
    ),
    "outer": (by_numpy(np.outer), [(f32(1, 2), f32(3, 4, 5)), (grid("int64", 2, 1), i64(7))]),
    "tensordot": (
        by_numpy(lambda x, y, axes=2: np.tensordot(x, y, axes)),
        [
            (grid("float32", 2, 2, 2), grid("float32", 2, 2)),
            (grid("float64", 2, 3), grid("float64", 3, 2), {"axes": [[0, 1], [1, 0]]}),
            (f64(1, 2), f64(3, 4), {"axes": 0}),
        ],
    ),
    "matmul": (
        by_numpy(np.matmul),
        [
            (grid("float32", 2, 3), grid("float32", 3, 2)),
            (f64(1, 2), grid("float64", 2, 2, 1)),
            (grid("float64", 2, 1, 1, 2), grid("float64", 3, 2, 1)),
            (grid("int64", 2, 2), i64(2**40, -3)),
            (np.zeros((2, 0), np.float32), np.zeros((0, 1), np.float32)),
        ],
    ),
    "expand_dims": (
        by_numpy(lambda x, axis: np.expand_dims(x, axis)),
        [(f32(1, 2), {"axis": -1}), (i32(1, 2), {"axis": [0, 2]})],
    ),
    "squeeze": (
        by_numpy(lambda x, axes=None: np.squeeze(x, axes)),
        [(grid("float32", 1, 2, 1), {}), (grid("float64", 1, 2, 1), {"axes": -1})],
    ),
    "swapaxes": (
        by_numpy(lambda x, axis1=-2, axis2=-1: np.swapaxes(x, axis1, axis2)),
        [(grid("float32", 2, 3), {}), (grid("int32", 2, 1, 3), {"axis1": 0, "axis2": -1})],
    ),
    "moveaxis": (
        by_numpy(np.moveaxis),
        [
            (grid("float32", 2, 3), {"source": 0, "destination": -1}),
            (grid("int32", 2, 1, 3), {"source": [0, 2], "destination": [1, 0]}),
        ],
    ),
    "ravel": (by_numpy(np.ravel), [(grid("float32", 2, 2),), (np.array(3.0),)]),
    "stack": (
        by_numpy(lambda *x, axis=0: np.stack(x, axis)),
        [(f32(1, 2), f32(3, 4)), (f64(1, 2), f64(3, 4), f64(5, 6), {"axis": -1})],
    ),
    "unstack": (
        by_numpy(lambda x, axis=0: list(np.moveaxis(x, axis, 0))),
        [(grid("float32", 2, 2), {}), (grid("float64", 2, 2), {"axis": 1})],
    ),
    "split": (
        by_numpy(cut),
        [
            (grid("float32", 4), {"sections": 2}),
            (grid("int32", 2, 3), {"sizes": [1, 2], "axis": -1}),
            (grid("float64", 3), {"indices": [1, 1, 9]}),
        ],
    ),
    "tile": (
        by_numpy(lambda x, reps: np.tile(x, reps)),
        [(f32(1, 2), {"reps": [2, 2]}), (grid("int32", 2, 2), {"reps": 2}), (f64(1), {"reps": 0})],
    ),
    "roll": (
        by_numpy(lambda x, shift, axis=None: np.roll(x, shift, axis)),
        [
            (grid("float32", 5), {"shift": 2}),
            (grid("int32", 2, 3), {"shift": -1}),
            (grid("float64", 2, 3), {"shift": [1, -4], "axis": [0, 1]}),
        ],
    ),
    "index": (
        by_numpy(subscript),
        [
            (grid("float32", 2, 3), {"items": [-1]}),
            (grid("float32", 2, 3), {"items": ["...", {"slice": [None, None, -2]}, None]}),
            (grid("float64", 2, 2, 2), {"items": [{"slice": []}, 0]}),
            (grid("int32", 5), {"items": [{"slice": [-2, -99, -1]}]}),
            (grid("int32", 5), {"items": [{"slice": [3, 1]}]}),
        ],
    ),
    "take_along_axis": (
        by_numpy(along),
        [
            (grid("float32", 2, 3), i32(2, 0, -1, 1).reshape(2, 2)),
            (grid("float64", 3, 2), i64(1, 9).reshape(1, 2), {"axis": 0}),
        ],
    ),
    "one_hot": (
        by_jax(hot),
        [
            (i32(0, 2, -1, 3), {"depth": 3}),
            (i64(1, 0), {"depth": 2, "axis": 0, "on_value": 5, "off_value": -1, "dtype": "int32"}),
        ],
    ),
    "eye": (
        typed(lambda n, m=None, k=0, dtype="float32": np.eye(n, m, k, dtype)),
        [({"n": 2}), ({"n": 2, "m": 3, "k": 1, "dtype": "int32"}), ({"n": 3, "k": -2})],
    ),
    "zeros": (typed(np.zeros), [({"shape": [2, 2]}), ({"shape": 2, "dtype": "bool"})]),
    "ones": (typed(np.ones), [({"shape": [2, 2]}), ({"shape": 2, "dtype": "int64"})]),
    "zeros_like": (by_numpy(np.zeros_like), [(f32(1, NAN), {}), (i32(1, 2), {"dtype": "float64"})]),
    "ones_like": (by_numpy(np.ones_like), [(f32(1, NAN), {}), (i32(1, 2), {"dtype": "bool"})]),
    "full_like": (
        by_numpy(lambda x, value, dtype=None: np.full_like(x, value, dtype)),
        [(f32(1, 2), {"value": 0.25}), (f32(1, 2), {"value": 7, "dtype": "int32"})],
    ),
    "arange": (
        ranged,
        [
            ({"start": 3}),
            ({"start": 5, "stop": -1, "step": -2}),
            ({"start": 0, "stop": 1, "step": 0.25, "dtype": "float64"}),
        ],
    ),
    "linspace": (
        typed(lambda start, stop, num=50, endpoint=True, dtype="float32": np.linspace(start, stop, num, endpoint, dtype=dtype)),
        [
            ({"start": 0, "stop": 1, "num": 5}),
            ({"start": -1, "stop": 1, "num": 4, "endpoint": False, "dtype": "float64"}),
            ({"start": 3, "stop": 9, "num": 1}),
        ],
    ),
    "diagonal": (
        by_numpy(np.diagonal),
        [
            (grid("float32", 2, 3), {}),
            (grid("float64", 2, 3), {"offset": 1}),
            (grid("int32", 2, 2, 2), {"offset": -1, "axis1": 0, "axis2": 2}),
        ],
    ),
    "diag": (
        by_numpy(np.diag),
        [(f32(1, 2), {}), (i32(1, 2), {"k": -1}), (grid("float64", 2, 3), {"k": 1})],
    ),
    "trace": (
        by_numpy(lambda x, **params: np.asarray(np.trace(x, dtype=x.dtype, **params))),
        [(grid("float32", 2, 3), {}), (grid("int32", 2, 2, 2), {"axis1": -2, "axis2": -1})],
    ),
    "tril": (
        by_numpy(np.tril),
        [(grid("float32", 2, 3), {}), (f64(INF, NAN, NAN, 1).reshape(2, 2), {"k": -1})],
    ),
    "triu": (by_numpy(np.triu), [(grid("float32", 3, 2), {}), (grid("int32", 2, 2, 2), {"k": 1})]),
}


def literal(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key}: {literal(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    return {None: "null", INF: "Infinity", -INF: "-Infinity"}.get(value, str(value))


def case(function, given):
    given = given if isinstance(given, tuple) else (given,)
    params = given[-1] if isinstance(given[-1], dict) else {}
    inputs = [np.asarray(x) for x in given if not isinstance(x, dict)]
    outputs, source = function(*inputs, **params)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    written = f"params: {literal(params)}, " if params else ""
    return (
        f"{{ inputs: [{', '.join(map(tensor, inputs))}], {written}"
        f"outputs: [{', '.join(tensor(np.asarray(output)) for output in outputs)}], source: '{source}' }}"
    )


if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        function, given = CASES[name]
        print(f"{name}: [{', '.join(case(function, inputs) for inputs in given)}],")
