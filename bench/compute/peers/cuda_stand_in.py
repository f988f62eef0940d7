"""Puts an empty stand-in for the CUDA libraries beside PyTorch, so that it starts without gigabytes of them.

PyPI's wheel for Linux computes on the CPU with code of its own, but the loader wants the CUDA libraries that its other
half was linked with, and each function taken from them. In the stand-in every function answers "no device". Run once,
by the Python of the environment that PyTorch was installed in.
"""

import importlib.util
import platform
import struct
import sys
from pathlib import Path

DYNAMIC, DYNSYM, VERSYM, VERNEED = 6, 11, 0x6FFFFFFF, 0x6FFFFFFE
MADE_BY_TORCH = ("libtorch", "libc10", "libshm")
SYSTEM = ("libc.so", "libm.so", "libdl.so", "librt.so", "libpthread.so", "ld-linux", "libstdc++", "libgcc_s")
# mov eax, cudaErrorNoDevice; ret
NO_DEVICE = bytes([0xB8, 100, 0, 0, 0, 0xC3])


def wants_of(path):
    """The libraries that an ELF file needs; the symbols wanted of each, with versions, and of any (""); those it has."""
    image = path.read_bytes()
    (table,) = struct.unpack_from("<Q", image, 0x28)
    size, count = struct.unpack_from("<HH", image, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, table + i * size) for i in range(count)]
    by_kind = {kind: (offset, length, sections[link][4]) for _, kind, _, _, offset, length, link, *_ in sections}

    def text(names, at):
        return image[names + at : image.index(b"\0", names + at)].decode()

    offset, length, names = by_kind[DYNAMIC]
    tags = struct.iter_unpack("<QQ", image[offset : offset + length])
    needed = [text(names, value) for tag, value in tags if tag == 1]

    versions = {}
    at, _, names = by_kind[VERNEED]
    while True:
        _, entries, file, entry, following = struct.unpack_from("<HHIII", image, at)
        entry += at
        for _ in range(entries):
            _, _, number, name, step = struct.unpack_from("<IHHII", image, entry)
            versions[number] = (text(names, file), text(names, name))
            entry += step
        if following == 0:
            break
        at += following

    offset, length, names = by_kind[DYNSYM]
    of_symbol = by_kind[VERSYM][0]
    wanted, defined = {}, set()
    for i, (name, info, _, section, _, _) in enumerate(struct.iter_unpack("<IBBHQQ", image[offset : offset + length])):
        (number,) = struct.unpack_from("<H", image, of_symbol + 2 * i)
        is_weak = info >> 4 == 2
        if section != 0:
            defined.add(text(names, name))
        elif name and not is_weak:
            library, version = versions.get(number & 0x7FFF, ("", ""))
            wanted.setdefault(library, {})[text(names, name)] = version
    return needed, wanted, defined


def elf_hash(name):
    h = 0
    for byte in name.encode():
        h = (h << 4) + byte
        h = (h ^ ((h & 0xF0000000) >> 24)) & 0x0FFFFFFF
    return h


def library(soname, symbols):
    """A shared library for x86-64 with the given symbols and versions, each the same function."""
    names = bytearray(b"\0")

    def text(name):
        names.extend(name.encode() + b"\0")
        return len(names) - len(name.encode()) - 1

    versions = [soname, *sorted(set(symbols.values()) - {soname, ""})]
    count = len(symbols) + 1
    buckets, chain = [0] * count, [0] * count
    for i, name in enumerate(symbols, 1):
        chain[i] = buckets[elf_hash(name) % count]
        buckets[elf_hash(name) % count] = i
    definitions = b"".join(
        # The first definition is the file's own name, which is a version too where symbols have it.
        struct.pack("<HHHHIII", 1, i == 1, i, 1, elf_hash(name), 20, 28 if i < len(versions) else 0)
        + struct.pack("<II", text(name), 0)
        for i, name in enumerate(versions, 1)
    )
    numbers = [versions.index(version or soname) + 1 for version in symbols.values()]
    parts = {
        "header": bytes(64 + 2 * 56),
        "hash": struct.pack(f"<{2 + 2 * count}I", count, count, *buckets, *chain),
        "versions": struct.pack(f"<{count}H", 0, *numbers),
        "definitions": definitions,
        "code": NO_DEVICE,
        "symbols": bytes(24 * count),
        "soname": b"",
        "dynamic": bytes(16 * 10),
    }
    places = [text(name) for name in symbols]
    own_name = text(soname)
    parts["names"] = bytes(names)
    at, end = {}, 0
    for key, part in parts.items():
        at[key] = -(-end // 16) * 16
        end = at[key] + len(part)
    # A symbol is a global function in the section that is not said to be absent.
    parts["symbols"] = bytes(24) + b"".join(
        struct.pack("<IBBHQQ", place, 0x12, 0, 1, at["code"], len(NO_DEVICE)) for place in places
    )
    parts["dynamic"] = struct.pack(
        "<20Q",
        *(4, at["hash"]),
        *(5, at["names"]),
        *(6, at["symbols"]),
        *(10, len(names)),
        *(11, 24),
        *(14, own_name),
        *(0x6FFFFFF0, at["versions"]),
        *(0x6FFFFFFC, at["definitions"]),
        *(0x6FFFFFFD, len(versions)),
        *(0, 0),
    )
    parts["header"] = b"".join(
        [
            b"\x7fELF\2\1\1" + bytes(9),
            struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0),
            struct.pack("<IIQQQQQQ", 1, 7, 0, 0, 0, end, end, 0x1000),
            struct.pack("<IIQQQQQQ", 2, 6, *[at["dynamic"]] * 3, *[len(parts["dynamic"])] * 2, 8),
        ]
    )
    image = bytearray(end)
    for key, part in parts.items():
        image[at[key] : at[key] + len(part)] = part
    return bytes(image)


def main():
    spec = importlib.util.find_spec("torch")
    folder = Path(spec.submodule_search_locations[0]) / "lib"
    if not (folder / "libtorch_cuda.so").exists():
        return
    if platform.machine() != "x86_64":
        sys.exit("the stand-in for the CUDA libraries is written for x86-64 alone")
    files = [wants_of(path) for path in folder.glob("*.so*") if path.name.startswith(MADE_BY_TORCH)]
    needed = {name for names, _, _ in files for name in names if not name.startswith(SYSTEM)}
    missing = sorted(name for name in needed if not (folder / name).exists())
    symbols = {name: {} for name in missing}
    defined = set().union(*(symbols for _, _, symbols in files))
    for _, wanted, _ in files:
        for name in missing:
            symbols[name].update(wanted.get(name, {}))
        # What no version says the library of is looked for in all of them.
        symbols[missing[0]].update({name: "" for name in wanted.get("", {}) if name not in defined})
    for name in missing:
        (folder / name).write_bytes(library(name, symbols[name]))


main()
