"""Prints what optax, SciPy and JAX give for the optimizers, as JSON: trajectories, schedules, minima and random words.

    pip install jax==0.10.2 optax==0.2.8 scipy==1.17.1 numpy==2.4.6
    python test/oracles/optimizers.py > test/optimizers/golden/optimizers.json
"""

import json

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
import optax
import scipy.optimize
from jax.extend.random import threefry_2x32

STEPS = 20
RANDOM = np.random.default_rng(7)


def random(*shape):
    """Few digits, so that the numbers stay readable."""
    return np.round(RANDOM.uniform(-1, 1, shape), 3)


def quadratic(params, data):
    x = params["x"]
    return 0.5 * x @ data["a"] @ x - data["b"] @ x


def rosenbrock(params, _):
    x = params["x"]
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def network(params, data):
    hidden = jnp.tanh(data["rows"] @ params["w1"] + params["b1"])
    logits = hidden @ params["w2"] + params["b2"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, data["labels"]).mean()


def definite(n):
    m = RANDOM.uniform(-1, 1, (n, n))
    return np.round(m @ m.T + np.eye(n), 3)


PROBLEMS = {
    "quadratic": (quadratic, {"x": random(4)}, {"a": definite(4), "b": random(4)}, None),
    "rosenbrock": (rosenbrock, {"x": np.array([-1.2, 1.0, -0.5, 0.8])}, {}, None),
    "network": (
        network,
        {"w1": random(5, 8), "b1": random(8), "w2": random(8, 3), "b2": random(3)},
        {"rows": random(10, 5), "labels": RANDOM.integers(0, 3, 10).astype(np.int32)},
        4,
    ),
}


def chain(*parts):
    return optax.chain(*parts)


def in_float64(schedule):
    """Of the number of steps, an int32, optax would make a float32."""
    return lambda count: schedule(count.astype(jnp.float64))


# By name: the optimizer, our learning rate, our params, our clip_norm, and the same of optax.
OPTIMIZERS = {
    "sgd": ("sgd", 0.002, {}, None, lambda rate: optax.sgd(rate)),
    "sgd, decayed and clipped": (
        "sgd",
        0.01,
        {"weight_decay": 0.1},
        0.5,
        lambda rate: chain(optax.clip_by_global_norm(0.5), optax.add_decayed_weights(0.1), optax.sgd(rate)),
    ),
    "momentum": ("momentum", 0.001, {}, None, lambda rate: optax.sgd(rate, momentum=0.9)),
    "nesterov": (
        "momentum",
        0.001,
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
        None,
        lambda rate: chain(optax.add_decayed_weights(0.01), optax.sgd(rate, momentum=0.8, nesterov=True)),
    ),
    "adam": ("adam", 0.01, {}, None, lambda rate: optax.adam(rate)),
    "adam, clipped": (
        "adam",
        0.05,
        {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
        0.1,
        lambda rate: chain(optax.clip_by_global_norm(0.1), optax.adam(rate, b1=0.8, b2=0.95, eps=1e-3)),
    ),
    "adamw": ("adamw", 0.02, {"weight_decay": 0.3}, None, lambda rate: optax.adamw(rate, weight_decay=0.3)),
    "lion": ("lion", 0.003, {}, None, lambda rate: optax.lion(rate)),
    "adam, scheduled": (
        "adam",
        0.05,
        {},
        None,
        lambda rate: optax.adam(in_float64(optax.warmup_cosine_decay_schedule(0.001, rate, 5, 18, 0.002))),
        {"name": "warmup_cosine_decay", "params": {"init_value": 0.001, "warmup_steps": 5, "decay_steps": 18, "end_value": 0.002}},
    ),
}


def batch_at(data, batch, step):
    if batch is None:
        return data
    rows = len(next(iter(data.values())))
    at = [(step * batch + i) % rows for i in range(batch)]
    return {name: value[np.array(at)] for name, value in data.items()}


def trajectory(problem, optimizer, dtype):
    loss, params, data, batch = PROBLEMS[problem]
    _, rate, _, _, make, *_ = OPTIMIZERS[optimizer]
    cast = lambda value: jnp.asarray(value, dtype if value.dtype == np.float64 else value.dtype)
    params = {name: cast(value) for name, value in params.items()}
    data = {name: cast(value) for name, value in data.items()}
    rule = make(rate)
    state = rule.init(params)
    losses, norms = [], []
    for step in range(STEPS):
        value, gradients = jax.value_and_grad(loss)(params, batch_at(data, batch, step))
        updates, state = rule.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        losses.append(float(value))
        norms.append(float(optax.global_norm(gradients)))
    return {"losses": losses, "norms": norms, "params": plain(params)}


def plain(values):
    return {name: np.asarray(value, np.float64 if np.asarray(value).dtype.kind == "f" else None).tolist() for name, value in values.items()}


SCHEDULES = [
    ("constant", 0.1, {}, optax.constant_schedule(0.1)),
    ("linear", 0.1, {"end_value": 0.5, "transition_steps": 7, "transition_begin": 3}, optax.linear_schedule(0.1, 0.5, 7, 3)),
    ("polynomial", 0.1, {"end_value": 0.01, "power": 2.5, "transition_steps": 9}, optax.polynomial_schedule(0.1, 0.01, 2.5, 9)),
    ("exponential_decay", 0.1, {"transition_steps": 4, "decay_rate": 0.7, "transition_begin": 2}, optax.exponential_decay(0.1, 4, 0.7, 2)),
    (
        "exponential_decay",
        0.1,
        {"transition_steps": 4, "decay_rate": 0.7, "staircase": True, "end_value": 0.05},
        optax.exponential_decay(0.1, 4, 0.7, 0, True, 0.05),
    ),
    ("exponential_decay", 0.1, {"transition_steps": 3, "decay_rate": 1.5, "end_value": 0.3}, optax.exponential_decay(0.1, 3, 1.5, end_value=0.3)),
    ("cosine_decay", 0.1, {"decay_steps": 11, "alpha": 0.1, "exponent": 1.5}, optax.cosine_decay_schedule(0.1, 11, 0.1, 1.5)),
    ("warmup_constant", 0.1, {"init_value": 0.02, "warmup_steps": 5}, optax.warmup_constant_schedule(0.02, 0.1, 5)),
    (
        "warmup_cosine_decay",
        0.1,
        {"init_value": 0.01, "warmup_steps": 4, "decay_steps": 13, "end_value": 0.02, "exponent": 2},
        optax.warmup_cosine_decay_schedule(0.01, 0.1, 4, 13, 0.02, 2.0),
    ),
    (
        "piecewise_constant",
        0.1,
        {"boundaries": [3, 8], "scales": [0.5, 0.1]},
        optax.piecewise_constant_schedule(0.1, {3: 0.5, 8: 0.1}),
    ),
]


def schedule(name, rate, params, function):
    values = [float(function(np.float64(count))) for count in range(18)]
    return {"name": name, "rate": rate, "params": params, "values": values}


def minimum(problem, x, data):
    """What SciPy needs to bring the gradient below 1e-6, with as long a memory."""
    function = jax.jit(jax.value_and_grad(lambda x: PROBLEMS[problem][0]({"x": x}, data)))
    calls = []

    def evaluate(x):
        calls.append(1)
        value, gradient = function(x)
        return float(value), np.asarray(gradient)

    result = scipy.optimize.minimize(
        evaluate, x, jac=True, method="L-BFGS-B", options={"maxcor": 10, "ftol": 0, "gtol": 1e-6, "maxiter": 1000, "maxfun": 10000}
    )
    exact = np.linalg.solve(data["a"], data["b"]) if data else np.ones(len(x))
    return {
        "problem": problem,
        "x": x.tolist(),
        "data": plain(data),
        "minimum": exact.tolist(),
        "loss": float(function(exact)[0]),
        "iterations": int(result.nit),
        "evaluations": len(calls),
    }


def shuffle(seed, epoch, rows):
    """Fisher and Yates, from the last place down; place i is exchanged with one of 0 ... i by the words for the counter i."""
    order = list(range(rows))
    for i in range(rows - 1, 0, -1):
        high, low = map(int, threefry_2x32(np.array([seed, epoch], np.uint32), np.array([i, 0], np.uint32)))
        j = (((high << 32 | low) >> 11) * (i + 1)) >> 53
        order[i], order[j] = order[j], order[i]
    return {"seed": seed, "epoch": epoch, "order": order}


def main():
    a, b = definite(10), random(10)
    wide = np.round(np.diag(10.0 ** np.linspace(0, 4, 8)), 3)
    print(
        json.dumps(
            {
                "problems": {
                    name: {"params": plain(params), "data": plain(data), "batch": batch}
                    for name, (_, params, data, batch) in PROBLEMS.items()
                },
                "optimizers": {
                    name: {"name": row[0], "rate": row[1], "params": row[2], "clip_norm": row[3], "schedule": row[5] if len(row) > 5 else None}
                    for name, row in OPTIMIZERS.items()
                },
                "trajectories": [
                    {"problem": problem, "optimizer": optimizer, "dtype": dtype, **trajectory(problem, optimizer, dtype)}
                    for problem in PROBLEMS
                    for optimizer in OPTIMIZERS
                    for dtype in ("float64", "float32")
                ],
                "schedules": [schedule(*row) for row in SCHEDULES],
                "minima": [
                    minimum("rosenbrock", np.array([-1.2, 1.0]), {}),
                    minimum("rosenbrock", np.array([-1.2, 1.0] * 5), {}),
                    minimum("quadratic", np.zeros(10), {"a": a, "b": b}),
                    minimum("quadratic", np.zeros(8), {"a": wide, "b": random(8)}),
                ],
                "threefry": [
                    {"key": key, "counter": counter, "words": np.asarray(threefry_2x32(np.uint32(key), np.uint32(counter))).tolist()}
                    for key, counter in [
                        ([0, 0], [0, 0]),
                        ([0xFFFFFFFF, 0xFFFFFFFF], [0xFFFFFFFF, 0xFFFFFFFF]),
                        ([0x13198A2E, 0x03707344], [0x243F6A88, 0x85A308D3]),
                        ([42, 3], [1000, 0]),
                    ]
                ],
                "shuffles": [shuffle(1, 0, 10), shuffle(2**32 - 1, 7, 23)],
            }
        )
    )


if __name__ == "__main__":
    main()
