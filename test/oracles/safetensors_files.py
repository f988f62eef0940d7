"""Writes files with Python's `safetensors` for the reader to read, and reads files that this project wrote.

    pip install safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.6.0
    python test/oracles/safetensors_files.py test/formats/golden         # writes every.safetensors and every.json
    python test/oracles/safetensors_files.py --read <file> <expected>    # throws unless the file holds every.json
"""

import json
import struct
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
from safetensors.numpy import load, save

HALVES = [0.0, -0.0, 1.0, -2.5, 65504.0, 6.103515625e-05, 5.960464477539063e-08, np.inf, -np.inf]


def tensors():
    random = np.random.default_rng(4)
    return {
        "w": random.normal(size=(3, 4)).astype(np.float32),
        "double": random.normal(size=(2, 1, 3)),
        "edges": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308]),
        "count": np.array(-7, np.int64),
        "large": np.array([2**63 - 1, -(2**63)], np.int64),
        "ints": np.array([[1, -2], [2**31 - 1, -(2**31)]], np.int32),
        "mask": np.array([True, False, True]),
        "half": np.array(HALVES, np.float16),
        "empty": np.zeros((0, 5), np.float32),
        "adam/m/w": np.full((2,), 0.5, np.float32),
        "10": np.array([1.0], np.float32),
        "9": np.array([2.0], np.float32),
        "__proto__": np.array([3.0], np.float32),
        'a "quoted"\n\u00e9\u4e16\U0001f600\uffee': np.array([4.0], np.float32),
    }


def plain(array):
    """Bits as hexadecimal text: NaN and -0 are told apart, and nothing is rounded."""
    array = np.asarray(array)
    if array.dtype == np.float16 or array.dtype == ml_dtypes.bfloat16:
        array = array.astype(np.float32)
    name = {"bool": "bool", "int32": "int32", "int64": "int64", "float32": "float32", "float64": "float64"}[str(array.dtype)]
    return {"dtype": name, "shape": list(array.shape), "hex": array.tobytes().hex()}


def bfloat16_file():
    """NumPy has no bfloat16, so that its file is put together here, as the format's page says."""
    data = np.array(HALVES[:4] + [3.3895313892515355e38, np.inf], ml_dtypes.bfloat16)
    header = json.dumps({"brain": {"dtype": "BF16", "shape": [len(data)], "data_offsets": [0, data.nbytes]}}).encode()
    return struct.pack("<Q", len(header)) + header + data.tobytes(), {"brain": plain(data)}


def write(folder):
    made = tensors()
    (folder / "every.safetensors").write_bytes(save(made, metadata={"format": "np"}))
    (folder / "every.json").write_text(json.dumps({name: plain(array) for name, array in made.items()}, indent=1) + "\n")
    # What can be written back: the halves as float32.
    wide = {name: array.astype(np.float32) if array.dtype == np.float16 else array for name, array in made.items()}
    (folder / "written.safetensors").write_bytes(save(wide, metadata={"format": "np"}))
    file, expected = bfloat16_file()
    (folder / "brain.safetensors").write_bytes(file)
    (folder / "brain.json").write_text(json.dumps(expected, indent=1) + "\n")


def read(file, expected):
    wanted = json.loads(Path(expected).read_text())
    found = {name: plain(array) for name, array in load(Path(file).read_bytes()).items()}
    assert found == wanted, {name for name in wanted if found.get(name) != wanted[name]}
    print(f"{len(found)} tensors as expected")


if __name__ == "__main__":
    if sys.argv[1] == "--read":
        read(sys.argv[2], sys.argv[3])
    else:
        write(Path(sys.argv[1]))
