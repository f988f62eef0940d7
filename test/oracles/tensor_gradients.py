"""Prints derivatives of reductions where they are not smooth or not plain: ties, zero factors, zero norms.

    pip install jax==0.10.2
    python test/oracles/tensor_gradients.py
"""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)


def show(name, value):
    print(name, jnp.asarray(value).tolist())


for factors in ([2.0, 0.0, 3.0], [0.0, 0.0, 5.0], [0.0, 0.0, 0.0], [2.0, -1.0, 3.0, 0.5, 4.0]):
    show(f"gradient of prod at {factors}:", jax.grad(jnp.prod)(jnp.array(factors)))
    show(f"hessian of prod at {factors}:", jax.hessian(jnp.prod)(jnp.array(factors)))
show("gradient of sum of prod over axis 1:", jax.grad(lambda x: jnp.prod(x, 1).sum())(jnp.array([[0.0, 4.0], [3.0, 5.0]])))
show("gradient of max at ties:", jax.grad(jnp.max)(jnp.array([1.0, 3.0, 3.0, 2.0, 3.0])))
show("gradient of sum of min over axis 0:", jax.grad(lambda x: jnp.min(x, 0).sum())(jnp.array([[1.0, 4.0], [1.0, 2.0]])))
show("gradient of max with NaN:", jax.grad(jnp.max)(jnp.array([1.0, jnp.nan])))
show("gradient of weighted take:", jax.grad(lambda x: jnp.take(x, jnp.array([0, 2, 2])) @ jnp.array([1.0, 10.0, 100.0]))(jnp.ones(3)))
