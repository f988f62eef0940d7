"""Prints values, gradients and Hessian-vector products of programs with branches and loops, as JSON.

The programs are those of test/laws/control.ts, by name, written again in JAX. Inputs are exact in binary: element `i` of
input `k` is `((7 i + 3 k) % 11 - 5) / 4`, of integers `(i + k) % 4`, of bools whether `i + k` is even.

    pip install jax==0.10.2 numpy==2.4.6
    python test/oracles/control.py > test/programs/control.json
"""

import json
import os

os.environ["JAX_ENABLE_X64"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np

DTYPES = {"f64": np.float64, "f32": np.float32, "i32": np.int32, "bool": np.bool_}


def tensor(k, dtype, *shape):
    i = np.arange(int(np.prod(shape)))
    if dtype == "bool":
        data = (i + k) % 2 == 0
    elif dtype == "i32":
        data = (i + k) % 4
    else:
        data = ((7 * i + 3 * k) % 11 - 5) / 4
    return data.astype(DTYPES[dtype]).reshape(shape)


def choice(p, x, w):
    return jax.lax.cond(p, lambda a: (jnp.sin(a) * w, a), lambda a: (a * a + a, a * a + a), x)


def by_sign(s, x, w):
    return choice(s > 0, x, w)


def cell(w, u):
    def step(h, x):
        h = jnp.tanh(h @ w + x @ u)
        return h, h

    return step


def recurrent(reverse):
    def run(h0, xs, w, u):
        last, rows = jax.lax.scan(cell(w, u), h0, xs, reverse=reverse)
        return (rows, last) if reverse else (last, rows)

    return run


def pair(reverse=False):
    def run(a0, b0, xs, k):
        def step(state, x):
            a, b = state
            return (b, a * x + k), (a - b, x)

        (a, b), (r, x) = jax.lax.scan(step, (a0, b0), xs, reverse=reverse)
        return a, b, r, x

    return run


def picks(t, a0, n0, ks):
    def step(state, k):
        a, n = state
        b = a * t[k]
        return (b, n + 1), (b * n.astype(jnp.float64), n)

    (a, n), (r, m) = jax.lax.scan(step, (a0, n0), ks)
    return a, n, r, m


def becomes_active(x, w):
    def step(state, _):
        a, b, c = state
        return (a * b, b * c, jnp.sin(c) + w), None

    return jax.lax.scan(step, (jnp.float64(1.5), jnp.float64(0.5), x), None, length=3)[0]


def branch_in_loop(a0, ps, xs, w):
    return jax.lax.scan(lambda a, px: choice(px[0], a * px[1], w), a0, (ps, xs))


def loop_in_branch(p, h0, xs, w, u):
    return jax.lax.cond(
        p, lambda g, gs: jax.lax.scan(cell(w, u), g, gs), lambda g, gs: (g @ w, gs @ u), h0, xs
    )


def loop_in_loop(h0, xss, w, u):
    def step(h, xs):
        last, rows = jax.lax.scan(cell(w, u), h, xs, reverse=True)
        return jnp.sin(last), rows

    return jax.lax.scan(step, h0, xss)


def decay(x, k):
    v = x * k
    return (v * jnp.exp(-v),)


PROGRAMS = {
    "branch not taken": (by_sign, ["f64"], ["f64", 2, 3], ["f64", 2, 3]),
    "branch by a bool": (lambda p, x, w: choice(p, x, w)[::-1], ["bool"], ["f32", 3], ["f32", 3]),
    "recurrent loop": (recurrent(False), ["f64", 3], ["f64", 4, 2], ["f64", 3, 3], ["f64", 2, 3]),
    "recurrent loop, reversed, float32": (recurrent(True), ["f32", 3], ["f32", 4, 2], ["f32", 3, 3], ["f32", 2, 3]),
    "loop with two states that change places": (pair(), ["f64", 2], ["f64", 2], ["f64", 3, 2], ["f64", 2]),
    "loop of one step": (pair(True), ["f64", 2], ["f64", 2], ["f64", 1, 2], ["f64", 2]),
    "loop of no steps": (pair(), ["f64", 2], ["f64", 2], ["f64", 0, 2], ["f64", 2]),
    "loop that counts and picks": (picks, ["f64", 5], ["f64"], ["i32"], ["i32", 4]),
    "loop with a state that becomes active": (becomes_active, ["f64"], ["f64"]),
    "branch within a loop": (branch_in_loop, ["f64", 2], ["bool", 4], ["f64", 4, 2], ["f64", 2]),
    "loop within a branch": (loop_in_branch, ["bool"], ["f64", 2], ["f64", 3, 1], ["f64", 2, 2], ["f64", 1, 2]),
    "loop within a loop": (loop_in_loop, ["f64", 2], ["f64", 2, 3, 1], ["f64", 2, 2], ["f64", 1, 2]),
    "pullback of the client": (decay, ["f64", 2, 2], ["f64", 2, 2]),
}


def flat(arrays):
    return [np.asarray(x).ravel().tolist() for x in arrays]


def solve(run, *types):
    inputs = [jnp.asarray(tensor(k, *spec)) for k, spec in enumerate(types)]
    floats = [k for k, x in enumerate(inputs) if x.dtype in (jnp.float32, jnp.float64)]

    def total(*sources):
        given = list(inputs)
        for k, source in zip(floats, sources):
            given[k] = source
        return sum(jnp.sum(y) for y in run(*given) if y.dtype in (jnp.float32, jnp.float64))

    sources = [inputs[k] for k in floats]
    gradient = jax.grad(total, argnums=tuple(range(len(sources))))
    ones = tuple(jnp.ones_like(x) for x in sources)
    _, product = jax.jvp(gradient, tuple(sources), ones)
    return {"outputs": flat(run(*inputs)), "gradients": flat(gradient(*sources)), "hvp": flat(product)}


if __name__ == "__main__":
    print(json.dumps({name: solve(*spec) for name, spec in PROGRAMS.items()}, indent=1))
