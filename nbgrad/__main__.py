"""The command line: python -m nbgrad demo | ops | warmup | cache | info."""

import argparse
import os
import platform
import sys
from contextlib import contextmanager

from .base.errors import NbgradError
from .target.cpu.load import cache_info, clear_cache


def main(argv=None) -> int:
    """Run one command; return its exit status."""
    parser = argparse.ArgumentParser(prog="nbgrad", description="Automatic differentiation compiled with Numba.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="demo | ops | warmup | cache | info")
    demo = commands.add_parser("demo", help="train a digit classifier on real images")
    demo.add_argument("--out", default="demo-output", help="folder for checkpoints and pictures")
    demo.add_argument("--epochs", type=positive, default=20)
    demo.add_argument("--batch", type=positive, default=64)
    demo.add_argument("--seed", type=int, default=0)
    demo.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in the folder")
    demo.add_argument("--quiet", action="store_true", help="no progress bar")
    demo.add_argument("--compile", action="store_true", help="take each training step as one native call")
    demo.set_defaults(run=run_demo)
    ops = commands.add_parser("ops", help="the op table, or one op: formula, partials, kernels, source")
    ops.add_argument("names", nargs="*", metavar="name")
    ops.add_argument("--markdown", action="store_true", help="the table as it stands in the README")
    ops.add_argument("--dtype", default="float32")
    ops.add_argument("--asm", action="store_true", help="machine code of the forward kernel too")
    ops.add_argument("--targets", action="store_true", help="what is there per op on the CPU, in the CUDA simulator, as PTX, on a GPU")
    ops.set_defaults(run=run_ops)
    warmup = commands.add_parser("warmup", help="compile the kernels that most programs use, before they run")
    warmup.add_argument("--quick", action="store_true", help="those of small models, not of every row of the op table")
    warmup.add_argument("--processes", type=positive, default=2, help="how many compile at the same time")
    warmup.set_defaults(run=run_warmup)
    cache = commands.add_parser("cache", help="where kernels are kept, how many; --clear removes them")
    cache.add_argument("--clear", action="store_true")
    cache.set_defaults(run=run_cache)
    commands.add_parser("info", help="versions, processor, threads, devices, cache").set_defaults(run=run_info)
    args = parser.parse_args(argv)
    try:
        status = args.run(args) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader (head, less) has seen enough; Python flushes once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("\nstopped; what was saved is kept", file=sys.stderr)
        return 130
    except NbgradError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


def positive(text) -> int:
    """Return the whole number above 0 that an argument is."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def run_demo(args):
    """Train the demo."""
    from .demo import run

    run(args.out, args.epochs, args.batch, args.seed, args.resume, args.quiet, args.compile)


def run_ops(args):
    """Print the table, or one row in full."""
    if args.targets:
        return run_targets(args)
    from .docs import one_op, table_markdown, table_text

    for text in [one_op(name, args.dtype, args.asm) for name in args.names] or [table_markdown() if args.markdown else table_text()]:
        print(text)


def run_targets(args):
    """Print what of the table, or of some rows, is there on each target."""
    from .coverage import coverage_text

    with progress_bar("checking", "answer") as progress:
        text = coverage_text(args.names, args.dtype, progress)
    print(text)


def run_warmup(args):
    """Fill the kernel cache."""
    from .warmup import warm

    with progress_bar("compiling") as progress:
        done = warm(args.quick, args.processes, progress)
    print(f"{done.compiled} kernels compiled, {done.found} were there, {done.seconds:.1f} s; {_told(cache_info())}")


@contextmanager
def progress_bar(label, unit="kernel"):
    """Give a function of (done, total) that shows how far a piece of work is: by tqdm, or by a line in its absence."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield lambda done, total: print(f"\r{label} {done} of {total}", end="\n" if done == total else "", file=sys.stderr)
        return
    with tqdm(desc=label, unit=unit, delay=0.5) as bar:

        def progress(done, total):
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def run_cache(args):
    """Tell about the kernel cache, or empty it."""
    print(f"{clear_cache()} files removed" if args.clear else _told(cache_info()))


def _told(info) -> str:
    return f"{info.kernels} kernels, {info.bytes / 1e6:.1f} MB, in {info.folder}"


def run_info(args):
    """Print what a bug report needs."""
    import llvmlite
    import llvmlite.binding as llvm
    import numpy

    from . import __version__
    from .target.cpu.threads import get_num_threads

    rows = {
        "nbgrad": __version__, "python": platform.python_version(), "numpy": numpy.__version__, "llvmlite": llvmlite.__version__,
        "numba": _version("numba"), "system": platform.platform(), "processor": llvm.get_host_cpu_name(),
        "threads": get_num_threads(), "devices": _devices(), "cache": _told(cache_info()),
    }  # fmt: skip
    for name, value in rows.items():
        print(f"{name:10} {value}")


def _devices() -> str:
    """Return what GPUs there are, or why there is none."""
    from . import cuda
    from .target.cuda.package import package

    reason = cuda.why_not()
    if reason is not None:
        return f"none: {reason}"
    found = [f"{d} {cuda.device_name(d)} {'.'.join(map(str, cuda.capability(d)))}" for d in cuda.devices()]
    return f"{', '.join(found)}; kernels by {package().name}, products in {cuda.get_precision()}"


def _version(package):
    from importlib.metadata import version

    return version(package)


if __name__ == "__main__":
    sys.exit(main())
