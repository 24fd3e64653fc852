"""What this processor is, told to the plans: the registers from llvmlite's host features, the caches from the system."""

import os

import llvmlite.binding as llvm

from ...plan.host import Host, set_host


def detect(features, machine: str) -> Host:
    """Return the host with these features ("avx2": True, ...) and of this kind ("x86_64", "aarch64").

    >>> detect({"avx": True, "fma": True}, "x86_64").vector_bytes
    32
    """
    if features.get("avx512f"):
        width, registers = 64, 32
    elif features.get("avx"):
        width, registers = 32, 16
    else:
        width, registers = 16, 16 if machine.startswith(("x86", "i386", "i686")) else 32
    known = Host()
    return Host(width, registers, _cache("SC_LEVEL1_DCACHE_SIZE", known.level1), _cache("SC_LEVEL2_CACHE_SIZE", known.level2))


def _cache(name, otherwise):
    """Return the bytes of a cache, where the system says it."""
    try:
        return max(os.sysconf(name), 0) or otherwise
    except (AttributeError, ValueError, OSError):
        return otherwise


set_host(detect(llvm.get_host_cpu_features(), llvm.get_process_triple()))
