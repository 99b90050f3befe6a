"""What the gate and the child process cost, and reading an image: ``python -m benchmarks.reading [ROUNDS]`` (9).

Simulated frames (a sky of 1000 counts with noise of 30, in memory), plain and packed by astropy with its defaults,
floats quantised at a sixteenth of the noise with dithering. Wall time, the median of the rounds, each round all ways in
turn; ratios are to astropy alone (`fits.open` of the bytes, and `.data`) in the same run. Astropy leaves floats
big-endian, and integers unsigned: what it takes to make native float32 of them, as detection wants it, is the column
beside. Memory is what reading holds at most beside the file, the pixels that come out included.
"""

from __future__ import annotations

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")

import gzip
import io
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from astropy.io import fits

from functions.calibrate.child import Answer, Limits, run_in_child, stars_answer, stars_of
from photocal.images import read_image
from photocal.readers import LIMITS, read_catalogue
from photocal.readers.gate import walk

SIDES = (2048, 4096)
N_STARS = 2000
ROOMY = replace(LIMITS, fits_bytes=2**27)  # 4096 x 4096 floats and a header are just over the limit of an upload


def frames() -> Iterator[tuple[str, bytes]]:
    """Yield the files, one after another."""
    rng = np.random.Generator(np.random.PCG64(5))
    for side in SIDES:
        sky = 1000.0 + 30.0 * rng.standard_normal((side, side), dtype=np.float32)
        whole = sky.astype(np.uint16)
        name = f"{side // 1024}k x {side // 1024}k"
        yield f"{name} uint16", written(fits.PrimaryHDU(whole))
        yield f"{name} uint16, gzip -1", gzip.compress(written(fits.PrimaryHDU(whole)), 1)
        yield f"{name} uint16, .fz (RICE_1)", written(fits.CompImageHDU(whole, compression_type="RICE_1"))
        yield f"{name} float32", written(fits.PrimaryHDU(sky))
        packed = fits.CompImageHDU(sky, compression_type="RICE_1", quantize_level=16, quantize_method=1, dither_seed=3)
        yield f"{name} float32, .fz (RICE_1, quantised)", written(packed)


def written(hdu: fits.PrimaryHDU | fits.CompImageHDU | fits.BinTableHDU) -> bytes:
    """Return a file of the HDU, with a header as long as observers' are."""
    hdu.header.update({f"KEY{number}": (1.5 * number, "a card of the header") for number in range(150)})
    first = [] if isinstance(hdu, fits.PrimaryHDU) else [fits.PrimaryHDU()]
    stream = io.BytesIO()
    fits.HDUList([*first, hdu]).writeto(stream)
    return stream.getvalue()


def by_astropy(data: bytes) -> np.ndarray:
    """Return the pixels as astropy gives them."""
    plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    with fits.open(io.BytesIO(plain)) as hdus:
        return next(hdu.data for hdu in hdus if hdu.data is not None)


def native(data: bytes) -> np.ndarray:
    """Return the pixels as astropy gives them, made what detection wants."""
    return by_astropy(data).astype(np.float32)


def in_child(data: bytes) -> Answer:
    """Read the image in a child process, and keep it there: what measures it is there too."""
    return run_in_child(_measured, data, Limits(seconds=120))


def _measured(data: bytes) -> Answer:
    return Answer(document={"shape": read_image(data, ROOMY).planes[0].data.shape})


def memory(data: bytes) -> float:
    """Return what reading holds at most beside the file itself, MiB, and the pixels that come out are part of it."""
    tracemalloc.start()
    read_image(data, ROOMY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def importing() -> float:
    """Return the milliseconds that a worker takes for what a child needs to unpack tiles, unless it was prepared."""
    code = (
        "import time, functions.calibrate.worker; from photocal.images import prepare; start = time.perf_counter(); "
        "prepare(b'ZCMPTYPE='); print(1000 * (time.perf_counter() - start))"
    )
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)


def timed(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median of each way's milliseconds; every round does them all in turn, the first warms up."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if number:
                spent[name].append(1000 * (time.perf_counter() - start))
    return {name: float(np.median(values)) for name, values in spent.items()}


def catalogue() -> bytes:
    """Return a catalogue as a FITS table."""
    rng = np.random.Generator(np.random.PCG64(6))
    names = ("ALPHA_J2000", "DELTA_J2000", "MAG_AUTO", "MAGERR_AUTO", "X_IMAGE", "Y_IMAGE")
    columns = [fits.Column(name, "D", array=10 + rng.random(N_STARS)) for name in names]
    return written(fits.BinTableHDU.from_columns(columns))


def small(rounds: int) -> None:
    """Print what every file pays."""
    data = catalogue()
    ways = {
        "gate": lambda: walk(data, LIMITS),
        "child process that does nothing": lambda: run_in_child(lambda _: Answer(), b""),
        "catalogue read, in the worker itself": lambda: read_catalogue(data),
        "catalogue read, in a child process": lambda: stars_of(
            run_in_child(lambda given: stars_answer(read_catalogue(given)), data)
        ),
        "the same by astropy alone, no gate, no child": lambda: float(by_astropy(data)["MAG_AUTO"].sum()),
    }
    print(f"| a catalogue of {N_STARS} stars, FITS table ({len(data) / 1e3:.0f} kB) | ms |")
    print("|---|---:|")
    for name, value in timed(ways, 5 * rounds).items():
        print(f"| {name} | {value:.2f} |")
    print(f"| import of what unpacks tiles, once in a worker | {np.median([importing() for _ in range(rounds)]):.0f} |")


def large(rounds: int) -> None:
    """Print what images cost."""
    print("| image | MB | gate | astropy | to float32 | ours | / astropy | / to float32 | in a child | memory, MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, data in frames():
        plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        ways = {
            "gate": lambda plain=plain: walk(plain, LIMITS),
            "astropy": lambda data=data: by_astropy(data),
            "native": lambda data=data: native(data),
            "ours": lambda data=data: read_image(data, ROOMY),
            "child": lambda data=data: in_child(data),
        }
        ms = timed(ways, rounds)
        print(
            f"| {name} | {len(data) / 1e6:.1f} | {ms['gate']:.2f} | {ms['astropy']:.0f} | {ms['native']:.0f} "
            f"| {ms['ours']:.0f} | {ms['ours'] / ms['astropy']:.2f} | {ms['ours'] / ms['native']:.2f} "
            f"| {ms['child']:.0f} | {memory(data):.0f} |"
        )


def main(rounds: int) -> None:
    """Print both tables."""
    small(rounds)
    print()
    large(rounds)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
