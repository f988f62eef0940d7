"""FastAPI with JAX, compiled before the first request: with models of request and reply, as its documentation has it,
and for speed, with orjson and nothing that would check the request.

Small tensors come and go as JSON, large ones as their bytes one after another, which JAX reads where they lie.
"""

import numpy as np
import orjson
from fastapi import FastAPI, Request, Response
from functions import ARGUMENTS, compiled, mlp, n2
from pydantic import BaseModel

app = FastAPI()
n2_gradient, mlp_gradient = compiled(n2), compiled(mlp)


class Values(BaseModel):
    x: list[list[float]]
    w: list[list[float]]
    b: list[float]


class Gradient(BaseModel):
    loss: float
    w: list[list[float]]
    b: list[float]


# Not `def`, which would have each request wait for a thread: a process answers one at a time, and there is one a core.
@app.post("/n2")
async def answer_n2(values: Values) -> Gradient:
    loss, (w, b) = n2_gradient(*(np.asarray(getattr(values, name), dtype) for name, dtype, _ in ARGUMENTS[n2]))
    return Gradient(loss=float(loss), w=np.asarray(w).tolist(), b=np.asarray(b).tolist())


@app.post("/fast/n2")
async def answer_n2_fast(request: Request):
    values = orjson.loads(await request.body())
    loss, (w, b) = n2_gradient(*(np.asarray(values[name], dtype) for name, dtype, _ in ARGUMENTS[n2]))
    reply = {"loss": float(loss), "w": np.asarray(w), "b": np.asarray(b)}
    return Response(orjson.dumps(reply, option=orjson.OPT_SERIALIZE_NUMPY), media_type="application/json")


@app.post("/fast/mlp")
async def answer_mlp_fast(request: Request):
    body, at, values = await request.body(), 0, []
    for _, dtype, shape in ARGUMENTS[mlp]:
        values.append(np.frombuffer(body, dtype, np.prod(shape), at).reshape(shape))
        at += values[-1].nbytes
    loss, gradients = mlp_gradient(*values)
    reply = b"".join(np.asarray(tensor).data.cast("B") for tensor in (loss, *gradients))
    return Response(reply, media_type="application/octet-stream")
