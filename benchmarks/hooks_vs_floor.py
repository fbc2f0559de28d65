# SPDX-License-Identifier: Apache-2.0
"""The reference driver's hooks against the fewest ``qemu-img`` commands.

Hooks alone: begin and complete, without manager and database, their fsyncs
and resource limits included.  The floor has the same outcome: one ``create
-u`` to create, one ``commit`` and, below another overlay, one ``rebase -u`` to
delete.  Both are measured in turns, so that they share the machine's moods.

    python -m benchmarks.hooks_vs_floor [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.hooks_alone import DetachedVolume

ROUNDS = 7
DEPTHS = (1, 10, 50)


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def qemu_img(*words: str) -> None:
    """One command of the floor."""
    subprocess.run(["qemu-img", *words], check=True, capture_output=True)


def floor_create(path: Path, backing: Path, format_: str) -> None:
    """Make an overlay, and nothing else."""
    names = ["-b", backing.name, "-F", format_]
    qemu_img("create", "-u", "-f", "qcow2", *names, str(path), "1G")


def floor_delete(chain: list[Path], position: int) -> None:
    """Merge ``chain[position]`` down; the base image is ``chain[0]``."""
    overlay, backing = chain[position], chain[position - 1]
    qemu_img("commit", "-f", "qcow2", "-d", str(overlay))
    if position + 1 < len(chain):
        format_ = "raw" if position == 1 else "qcow2"
        names = ["-b", backing.name, "-F", format_]
        above = str(chain[position + 1])
        qemu_img("rebase", "-u", "-f", "qcow2", *names, above)
    overlay.unlink()


def floor_chain(share: Path, depth: int) -> list[Path]:
    """A chain of ``depth`` overlays, made by hand."""
    chain = [share / "floor"]
    with chain[0].open("wb") as file:
        file.truncate(1024**3)
    for number in range(1, depth + 1):
        chain.append(share / f"floor.{number}")
        format_ = "raw" if number == 1 else "qcow2"
        floor_create(chain[-1], chain[-2], format_)
    return chain


def one_round(
    share: Path, depth: int
) -> Iterator[tuple[str, float, float, int]]:
    """Each operation once: its name, hooks' and floor's time, processes."""
    volume = DetachedVolume(share)
    taken = [volume.take() for _ in range(depth)]
    chain = floor_chain(share, depth)
    new = share / "floor.new"
    work: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "create": (
            lambda: taken.append(volume.take()),
            lambda: floor_create(new, chain[-1], "qcow2"),
        ),
        "delete newest": (
            lambda: volume.delete(taken.pop()),
            lambda: floor_delete([*chain, new], len(chain)),
        ),
        "delete oldest": (
            lambda: volume.delete(taken.pop(0)),
            lambda: floor_delete(chain, 1),
        ),
    }
    for operation, (by_hooks, by_hand) in work.items():
        volume.commands.clear()
        times = seconds(by_hooks), seconds(by_hand)
        yield operation, *times, len(volume.commands)


def measure(depth: int) -> Iterator[dict[str, Any]]:
    """One row an operation, from medians of ROUNDS."""
    rows: dict[str, list[tuple[float, float, int]]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as directory:
            for operation, *found in one_round(Path(directory), depth):
                rows.setdefault(operation, []).append(tuple(found))
    for operation, found in rows.items():
        hooks, floor, processes = zip(*found, strict=True)
        yield {
            "operation": operation,
            "depth": depth,
            "base": "raw",
            "ratio": round(
                statistics.median(hooks) / statistics.median(floor), 2
            ),
            "processes": max(processes),
        }


def main() -> None:
    """Print the table, and write it as JSON where that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    json_file = parser.parse_args().json
    found = [row for depth in DEPTHS for row in measure(depth)]
    for row in found:
        print(  # noqa: T201
            f"{row['operation']:<14} depth {row['depth']:<4} "
            f"{row['ratio']:>5} x floor, {row['processes']} processes"
        )
    if json_file is not None:
        json_file.write_text(json.dumps({"hooks_vs_floor": found}, indent=2))


if __name__ == "__main__":
    main()
