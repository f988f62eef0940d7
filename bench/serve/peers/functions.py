"""The functions that the peers serve, as JAX's users would write them, with the arguments they are called with."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import log_softmax, relu


def n2(x, w, b):
    return jnp.mean((x @ w + b) ** 2)


def mlp(x, labels, w1, b1, w2, b2, w3, b3):
    h1 = relu(x @ w1 + b1)
    h2 = relu(h1 @ w2 + b2)
    return -jnp.take_along_axis(log_softmax(h2 @ w3 + b3), labels[:, None], axis=1).mean()


# The arguments of each function in order: name, dtype and shape.
ARGUMENTS = {
    n2: [("x", np.float32, (1, 3)), ("w", np.float32, (3, 2)), ("b", np.float32, (2,))],
    mlp: [
        ("x", np.float32, (256, 784)),
        ("labels", np.int32, (256,)),
        ("w1", np.float32, (784, 512)),
        ("b1", np.float32, (512,)),
        ("w2", np.float32, (512, 512)),
        ("b2", np.float32, (512,)),
        ("w3", np.float32, (512, 10)),
        ("b3", np.float32, (10,)),
    ],
}

# Gradients are asked for all arguments but these.
GIVEN = ("x", "labels")


def compiled(function):
    """The function's value and gradients, compiled for its arguments before the first request comes."""
    arguments = ARGUMENTS[function]
    sources = [i for i, (name, _, _) in enumerate(arguments) if name not in GIVEN]
    call = jax.jit(jax.value_and_grad(function, sources))
    return call.lower(*(jax.ShapeDtypeStruct(shape, dtype) for _, dtype, shape in arguments)).compile()
