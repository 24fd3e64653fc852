"""Which symbols an object file needs from elsewhere: read from its symbol table (ELF, Mach-O, COFF; 64-bit)."""

import struct

from ...base.errors import KernelError, problem


def undefined_symbols(data: bytes) -> tuple:
    """Return the sorted names of the symbols that an object file leaves to the loader.

    LLVM ends the process when it cannot resolve one, so they are looked up before an object is loaded.

    Parameters
    ----------
    data : bytes
        An object file as LLVM emits it.

    Raises
    ------
    KernelError
        When the format is none of the three.
    """
    if data[:4] == b"\x7fELF":
        found = _elf(data)
    elif data[:4] == b"\xcf\xfa\xed\xfe":
        found = _macho(data)
    elif data[:2] in (b"\x64\x86", b"\x64\xaa"):
        found = _coff(data)
    else:
        raise problem(KernelError, "machine code in an object format that cannot be read", "a platform of Numba's list")
    return tuple(sorted(set(found)))


def _text(data, start):
    return data[start : data.index(b"\0", start)].decode()


def _elf(data):
    """Names of the undefined entries of every symbol table (section type 2)."""
    (headers,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, headers + i * size) for i in range(count)]
    for _, kind, _, _, offset, length, link, _, _, _ in sections:
        if kind == 2:
            names = sections[link][4]
            for at in range(offset, offset + length, 24):
                name, _, _, section = struct.unpack_from("<IBBH", data, at)
                if name and section == 0:
                    yield _text(data, names + name)


def _macho(data):
    """Names of the external undefined symbols (load command 2), without the underscore that the format puts first."""
    commands, at = struct.unpack_from("<I", data, 16)[0], 32
    for _ in range(commands):
        command, length = struct.unpack_from("<II", data, at)
        if command == 2:
            table, count, names = struct.unpack_from("<III", data, at + 8)
            for entry in range(table, table + 16 * count, 16):
                name, kind = struct.unpack_from("<IB", data, entry)
                if kind & 0x0F == 0x01:
                    yield _text(data, names + name).removeprefix("_")
        at += length


def _coff(data):
    """Names of the external symbols (class 2) of section 0 without a size; a long name is an offset after the table."""
    table, count = struct.unpack_from("<II", data, 8)
    names, index = table + 18 * count, 0
    while index < count:
        raw, value, section, _, kind, extra = struct.unpack_from("<8sIhHBB", data, table + 18 * index)
        if section == 0 and kind == 2 and value == 0:
            short = raw[:4] != b"\0\0\0\0"
            yield raw.rstrip(b"\0").decode() if short else _text(data, names + struct.unpack("<I", raw[4:])[0])
        index += 1 + extra
