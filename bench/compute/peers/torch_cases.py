"""PyTorch as a contestant: each case as its users would write it, eager, with autograd."""

import math
import os

import torch
import torch.nn.functional as F
from torch import erf, exp, log, sigmoid, sqrt, tanh

from peer import serve


# `bench/gpu.ts` says `cuda`.
DEVICE = os.environ.get("ADJOINT_BENCH_DEVICE", "cpu")


def elementwise(x, y):
    with torch.no_grad():
        return (exp(-(x**2)) * torch.sin(y) + log(1 + x**2) / (1 + y**2),)


def black_scholes(S, K, T, r, sigma):
    width = sigma * sqrt(T)
    d1 = (log(S / K) + (r + sigma**2 / 2) * T) / width
    d2 = d1 - width
    cdf = lambda z: 0.5 + 0.5 * erf(z / 2**0.5)
    call = S * cdf(d1) - K * exp(-r * T) * cdf(d2)
    return call, *torch.autograd.grad(call.sum(), (S, K, T, r, sigma))


def with_gradient(value, *weights):
    return value, *torch.autograd.grad(value, weights)


def mlp(x, labels, w1, b1, w2, b2, w3, b3):
    h1 = F.relu(torch.addmm(b1, x, w1))
    h2 = F.relu(torch.addmm(b2, h1, w2))
    return with_gradient(F.cross_entropy(torch.addmm(b3, h2, w3), labels), w1, b1, w2, b2, w3, b3)


def conv(x, kernel, stride=1):
    """In PyTorch's channels-last memory format, with the padding that JAX and TensorFlow call SAME."""
    x, kernel = x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1)
    # An even size in steps of two has one element too few, at the end.
    y = F.conv2d(F.pad(x, (0, 1, 0, 1)), kernel, stride=2) if stride == 2 else F.conv2d(x, kernel, padding=1)
    return y.permute(0, 2, 3, 1)


def cnn(x, labels, w1, b1, w2, b2, w3, b3):
    h1 = F.relu(conv(x, w1) + b1)
    h2 = F.relu(conv(h1, w2, 2) + b2)
    return with_gradient(F.cross_entropy(torch.addmm(b3, h2.flatten(1), w3), labels), w1, b1, w2, b2, w3, b3)


def residual_block(x, w1, w2):
    return with_gradient((F.relu(x + conv(F.silu(conv(x, w1)), w2)) ** 2).mean(), x, w1, w2)


def logistic_regression(x, labels, w, b):
    return with_gradient(F.binary_cross_entropy_with_logits(x @ w + b, labels), w, b)


def cross_entropy(logits, labels):
    return with_gradient(F.cross_entropy(logits, labels), logits)


def layer_norm_gelu(x, gamma, beta):
    y = F.gelu(F.layer_norm(x, x.shape[-1:], gamma, beta))
    return with_gradient((y**2).mean(), x, gamma, beta)


def attention(q, k, v):
    return with_gradient((F.scaled_dot_product_attention(q, k, v) ** 2).sum(), q, k, v)


def lstm(xs, h0, c0, wx, wh, b):
    h, c = h0, c0
    for x in xs:
        i, f, g, o = (x @ wx + h @ wh + b).chunk(4, 1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
    return with_gradient((h**2).mean(), wx, wh, b)


def n_body(x, m):
    apart = x[:, None, :] - x[None, :, :]
    energy = -0.5 * (m[:, None] * m / sqrt((apart**2).sum(2) + 0.01)).sum()
    return with_gradient(energy, x)


def gaussian_mixture(alphas, means, icf, x, place):
    n, d = x.shape
    logs, below = icf[:, :d], icf[:, d:]
    lower = F.pad(below, (1, 0))[:, place]
    diagonal = exp(logs)
    apart = x[None, :, :] - means[:, None, :]
    scaled = apart * diagonal[:, None, :] + apart @ lower.mT
    inner = (alphas + logs.sum(1))[:, None] - 0.5 * (scaled**2).sum(2)
    likelihood = torch.logsumexp(inner, 0).sum() - n * torch.logsumexp(alphas, 0)
    prior = 0.5 * ((diagonal**2).sum() + (below**2).sum())
    freedom = d + 1
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma((freedom - j) / 2) for j in range(d))
    wishart = freedom * d * math.log(1 / 2**0.5) - log_gamma
    objective = likelihood + prior - n * d * 0.5 * math.log(2 * math.pi) - len(alphas) * wishart
    return with_gradient(objective, alphas, means, icf)


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrock_hessian(x):
    # The fastest of those that PyTorch has for this.
    return (torch.autograd.functional.hessian(rosenbrock, x, vectorize=True),)


def square(x):
    return with_gradient(x**2, x)


def scalar_graph(nodes):
    ops = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "sin": torch.sin, "tanh": torch.tanh}

    def call(*xs):
        known = {f"x{i}": x for i, x in enumerate(xs)}
        for i, (op, *inputs) in enumerate(nodes):
            known[f"n{i}"] = ops[op](*(known[name] for name in inputs))
        return with_gradient(sum(known[f"n{i}"] for i in range(len(nodes) - 100, len(nodes))), *xs)

    return call


# What is no source of a gradient, by the names that the cases give their inputs.
GIVEN = {
    "mlp": "x labels",
    "cnn": "x labels",
    "logistic_regression": "x labels",
    "cross_entropy": "labels",
    "lstm": "xs h0 c0",
    "n_body": "m",
    "gaussian_mixture": "x place",
}


def prepare(question, arrays):
    torch.set_num_threads(question["threads"])
    torch.ones(2, requires_grad=True, device=DEVICE).cos().sum().backward()
    name = question["computation"]
    given = GIVEN.get(name, "").split()
    inputs = [
        # Cross-entropy and indices take int64 here.
        tensor.requires_grad_(key not in given) if tensor.is_floating_point() else tensor.long()
        for key, tensor in ((key, torch.from_numpy(array).to(DEVICE)) for key, array in arrays.items())
    ]
    function = scalar_graph(question["nodes"]) if name == "scalar_graph" else globals()[name]
    if DEVICE == "cpu":
        return lambda: function(*inputs)

    def call():
        outputs = function(*inputs)
        torch.cuda.synchronize()
        return outputs

    return call


serve(torch.__version__, prepare, lambda tensor: tensor.detach().cpu().numpy())
