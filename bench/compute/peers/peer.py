"""The contestants' side of `bench/compute/protocol.ts`: questions on standard input, replies on standard output."""

import json
import statistics
import sys
import time

import numpy as np

# Seconds that one sample lasts at least, as in `bench/compute/timed.ts`.
SAMPLE = 0.001


def timed(call, seconds, most_seconds):
    """The median milliseconds of a call, measured as `bench/compute/timed.ts` does."""
    started = time.perf_counter()
    samples, calls, batch = [], 0, 1
    while not samples or time.perf_counter() - started < (most_seconds if len(samples) < 3 else seconds):
        before = time.perf_counter()
        for _ in range(batch):
            call()
        elapsed = time.perf_counter() - before
        calls += batch
        if elapsed < SAMPLE and batch < 2**20:
            batch *= 2
        else:
            samples.append(elapsed / batch)
    return {"ms": statistics.median(samples) * 1000, "calls": calls}


def serve(version, prepare, to_numpy):
    """Answers until standard input ends.

    `prepare(question, arrays)` gives a function of no arguments that computes a case and waits for its results, or None
    where there is none; nothing is traced or compiled before its first call.
    """
    call = None
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question["ask"] == "prepare":
                arrays = {
                    i["name"]: np.fromfile(i["file"], dtype=i["dtype"]).reshape(i["shape"]) for i in question["inputs"]
                }
                call = prepare(question, arrays)
                reply = {"version": version}
            elif question["ask"] == "time":
                reply = timed(call, question["seconds"], question["most_seconds"])
            else:
                started = time.perf_counter()
                outputs = call()
                elapsed = time.perf_counter() - started
                reply = {"ms": elapsed * 1000, "results": []}
                for i, output in enumerate(outputs):
                    array, file = to_numpy(output), f"{question['folder']}/{i}"
                    np.ascontiguousarray(array).tofile(file)
                    result = {"name": str(i), "dtype": array.dtype.name, "shape": array.shape, "file": file}
                    reply["results"].append(result)
        except Exception as reason:
            reply = {"error": f"{type(reason).__name__}: {reason}"[:500]}
        print(json.dumps(reply), flush=True)
