"""Prints what TensorFlow's GradientTape gives where its guides print no numbers, as JSON: inputs and results by case.

    pip install tensorflow-cpu==2.21.0 numpy==2.4.6
    python test/oracles/tape.py > test/tape/golden/tensorflow.json
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import numpy as np
import tensorflow as tf

RANDOM = np.random.default_rng(2)
CASES = {}


def random(*shape):
    """Few digits, so that the numbers stay readable and are the same in float32 and in JSON."""
    return np.round(RANDOM.uniform(-1, 1, shape), 2).astype(np.float32)


def case(name, inputs, **results):
    CASES[name] = {"inputs": plain(inputs), **plain(results)}


def plain(value):
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, tf.IndexedSlices):
        value = tf.convert_to_tensor(value)
    array = np.asarray(value)
    # The shortest decimal that reads back to the same float32.
    return json.loads(json.dumps(array.tolist())) if array.dtype != np.float32 else shortest(array)


def shortest(array):
    if array.ndim:
        return [shortest(row) for row in array]
    return float(str(array))


def gradient_case(name, inputs, function, **options):
    """The value of a function of variables and its gradient, by the variables' names."""
    variables = {key: tf.Variable(value) for key, value in inputs.items()}
    with tf.GradientTape() as tape:
        y = function(**variables)
    case(name, inputs, value=y, gradients=tape.gradient(y, variables, **options))


def dense():
    kernel, bias, x = random(3, 2), random(2), np.array([[1, 2, 3]], np.float32)
    layer = tf.keras.layers.Dense(2, activation="relu")
    layer.build((1, 3))
    # Columns of either sign, so that relu has work to do.
    kernel[:, 0], kernel[:, 1] = np.abs(kernel[:, 0]), -np.abs(kernel[:, 1])
    layer.set_weights([kernel, bias])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(layer(x) ** 2)
    case(
        "dense relu",
        {"x": x, "kernel": kernel, "bias": bias},
        loss=loss,
        gradients=tape.gradient(loss, layer.trainable_variables),
    )


def sigmoid():
    x = np.linspace(-10, 10, 41).astype(np.float32)
    gradient_case("sigmoid", {"x": x}, lambda x: tf.nn.sigmoid(x))


def input_gradient_regularisation():
    x, kernel, bias = random(7, 5), random(5, 10), random(10)
    k, b = tf.Variable(kernel), tf.Variable(bias)
    with tf.GradientTape() as t2:
        with tf.GradientTape(watch_accessed_variables=False) as t1:
            inputs = tf.constant(x)
            t1.watch(inputs)
            y = tf.nn.relu(inputs @ k + b)
            out = tf.reduce_sum(y**2)
        g1 = t1.gradient(out, inputs)
        norm = tf.norm(g1)
    kernel_gradient, bias_gradient = t2.gradient(norm, [k, b])
    case(
        "input gradient regularisation",
        {"x": x, "kernel": kernel, "bias": bias},
        input_gradient=g1,
        norm=norm,
        gradients={"kernel": kernel_gradient, "bias": bias_gradient},
    )


def dense_jacobian():
    x, kernel, bias = random(7, 5), random(5, 10), random(10)
    k, b = tf.Variable(kernel), tf.Variable(bias)
    with tf.GradientTape(persistent=True) as tape:
        y = tf.nn.relu(x @ k + b)
    case(
        "dense jacobian",
        {"x": x, "kernel": kernel, "bias": bias},
        jacobians=tape.jacobian(y, {"kernel": k, "bias": b}),
        gradients=tape.gradient(y, {"kernel": k, "bias": b}),
    )


def hessian_newton():
    """The guide's Newton step on a small two-layer model: the Hessian of the first kernel."""
    x, k1, b1, k2, b2 = random(4, 3), random(3, 2), random(2), random(2, 2), random(2)
    kernel = tf.Variable(k1)
    with tf.GradientTape() as t2:
        with tf.GradientTape() as t1:
            y = tf.nn.tanh(x @ kernel + b1) @ k2 + b2
            loss = tf.reduce_mean(y**2)
        g = t1.gradient(loss, kernel)
    h = t2.jacobian(g, kernel)
    n = k1.size
    step = tf.linalg.solve(tf.reshape(h, [n, n]) + 1e-3 * tf.eye(n), tf.reshape(g, [n, 1]))
    vector = random(3, 2)
    case(
        "hessian",
        {"x": x, "k1": k1, "b1": b1, "k2": k2, "b2": b2},
        loss=loss,
        gradient=g,
        hessian=h,
        newton_step=tf.reshape(step, k1.shape),
        vector=vector,
        hvp=tf.tensordot(h, tf.constant(vector), 2),
    )


def batch_jacobian():
    x, kernel1, kernel2 = random(7, 5), random(5, 10), random(10, 6)
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        y = tf.nn.elu(inputs @ kernel1) @ kernel2
    case("batch jacobian", {"x": x, "kernel1": kernel1, "kernel2": kernel2}, jacobian=tape.batch_jacobian(y, inputs))


def batch_normalisation():
    """Rows depend on one another: TensorFlow answers without a word, with the sum over the rows of the target."""
    x = random(7, 3)
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        y = (inputs - tf.reduce_mean(inputs, 0)) / tf.math.reduce_std(inputs, 0)
    case("batch normalisation", {"x": x}, jacobian=tape.batch_jacobian(y, inputs))


def embeddings():
    table = random(4, 2)
    gradient_case(
        "embedding with duplicates",
        {"table": table},
        lambda table: 1.0 - tf.reduce_sum(tf.gather(table, [1, 1, 3, 1]) ** 2),
    )

    def aggregate(x):
        g1 = tf.gather(x, [0, 1])
        g2 = tf.gather(x, [2, 3])
        g3 = tf.gather(x, [1, 3])
        return tf.reduce_sum(g1 * g2 * g3 * tf.reduce_sum(x * 2.0))

    gradient_case("dense and sparse gradients", {"x": table}, aggregate)


def split_and_concat():
    x = random(4)

    def function(x):
        first, _ = tf.split(x, 2)
        return tf.reduce_sum(tf.concat([first, first * first], 0))

    gradient_case("split and concat", {"x": x}, function)


def cross_entropy():
    logits, labels = random(3, 4), np.eye(4, dtype=np.float32)[[0, 3, 3]]
    gradient_case(
        "softmax cross entropy",
        {"logits": logits},
        lambda logits: tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels, logits)),
    )


def nested(name, function, x):
    """Value and derivatives of order 1 to 3, each of the sum of the one before."""
    variable = tf.Variable(x)
    with tf.GradientTape() as t3:
        with tf.GradientTape() as t2:
            with tf.GradientTape() as t1:
                y = function(variable)
            first = t1.gradient(y, variable)
        second = t2.gradient(first, variable)
    third = t3.gradient(second, variable)
    case(name, {"x": x}, value=y, derivatives=[first, second, third])


def forwardprop():
    x = np.array([0.3, 0.7, 0.4], np.float32)
    nested("sin tan prod sum", lambda x: tf.reduce_prod(tf.sin(x) + tf.tan(x)) + tf.reduce_sum(x), x)
    nested("tanh squared prod", lambda x: tf.reduce_prod(tf.tanh(x) ** 2), x)
    nested("elu", lambda x: tf.reduce_sum(tf.nn.elu(x)), np.array([-0.8, 0.5, -0.1], np.float32))
    nested("swish", lambda x: tf.reduce_sum(tf.nn.swish(x)), np.array([-0.8, 0.5, -0.1], np.float32))


def forward_accumulator():
    x, tangent = random(2, 3), random(2, 3)
    with tf.autodiff.ForwardAccumulator(tf.constant(x), tf.constant(tangent)) as accumulator:
        pass
    inputs = tf.constant(x)
    with tf.autodiff.ForwardAccumulator(inputs, tf.constant(tangent)) as accumulator:
        y = tf.reduce_sum(tf.sin(inputs) * tf.exp(inputs), axis=1)
    case("forward accumulator", {"x": x}, tangent=tangent, value=y, jvp=accumulator.jvp(y))


def regression():
    """Ten steps of gradient descent, as the basic training loop takes them."""
    x = np.linspace(-2, 2, 9).astype(np.float32)
    y = (3 * x + 2).astype(np.float32)
    w, b = tf.Variable(5.0), tf.Variable(0.0)
    losses = []
    for _ in range(10):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(y - (w * x + b)))
        dw, db = tape.gradient(loss, [w, b])
        w.assign_sub(0.1 * dw)
        b.assign_sub(0.1 * db)
        losses.append(loss)
    case("training loop", {"x": x, "y": y}, losses=losses, w=w, b=b)


def maximum_ties():
    """Where TensorFlow splits a gradient among equals, or gives it to one of them."""
    x = np.array([1, 3, 3, 2], np.float32)
    gradient_case("reduce_max ties", {"x": x}, lambda x: tf.reduce_max(x))
    gradient_case("maximum ties", {"x": x, "y": x[::-1].copy()}, lambda x, y: tf.reduce_sum(tf.maximum(x, y)))
    gradient_case("relu at 0", {"x": np.array([-1, 0, 1], np.float32)}, lambda x: tf.reduce_sum(tf.nn.relu(x)))
    gradient_case("abs at 0", {"x": np.array([-1, 0, 1], np.float32)}, lambda x: tf.reduce_sum(tf.abs(x)))


dense()
sigmoid()
input_gradient_regularisation()
dense_jacobian()
hessian_newton()
batch_jacobian()
batch_normalisation()
embeddings()
split_and_concat()
cross_entropy()
forwardprop()
forward_accumulator()
regression()
maximum_ties()

print("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in CASES.items()) + "\n}")
