"""A Tesseract of the function that ADJOINT_BENCH_FUNCTION names; its gradients are compiled before the first request."""

import os

import functions
import jax
from pydantic import create_model
from tesseract_core.runtime import Array, Differentiable, Float32, Int32

function = getattr(functions, os.environ["ADJOINT_BENCH_FUNCTION"])
arguments = functions.ARGUMENTS[function]
gradients = functions.compiled(function)


def type_of(name, dtype, shape):
    return Array[shape, Int32] if dtype is functions.np.int32 else Differentiable[Array[shape, Float32]]


InputSchema = create_model("InputSchema", **{argument[0]: (type_of(*argument), ...) for argument in arguments})
OutputSchema = create_model("OutputSchema", loss=(Differentiable[Float32], ...))
evaluate = jax.jit(function)


def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(loss=evaluate(*(getattr(inputs, name) for name, _, _ in arguments)))


def vector_jacobian_product(inputs: InputSchema, vjp_inputs: set[str], vjp_outputs: set[str], cotangent_vector: dict):
    # The loss is a scalar: its product with a cotangent is the gradient, scaled.
    _, found = gradients(*(getattr(inputs, name) for name, _, _ in arguments))
    scale = float(cotangent_vector["loss"])
    sources = [name for name, _, _ in arguments if name not in functions.GIVEN]
    return {
        name: gradient if scale == 1 else scale * gradient
        for name, gradient in zip(sources, found)
        if name in vjp_inputs
    }
