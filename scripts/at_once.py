# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Runs several commands at once, and prints what each says whole, in the order in which they are named.

    python scripts/at_once.py 'lint=make lint' 'unit=make unit' 'integration<lint,unit=make integration'

A job is a name and a command. After `<` are the jobs it waits for: it begins when they have ended, also when
they have failed. The first job that has not ended is shown while it runs; what others say is kept until it is
their turn. In the end it says how many seconds each took, and how many of a processor. All are run, whatever
happens, and it fails if one of them did.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

LOOK_SECONDS = 0.1


@dataclass
class Job:
    """A command, where its output goes, and how it ended."""

    name: str
    command: list[str]
    after: list[str]
    output: Path
    ended: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[bytes] | None = None
    status: int = -1
    seconds: float = 0
    cpu_seconds: float = 0

    def run(self) -> None:
        """Run the command to its end."""
        began = time.monotonic()
        with self.output.open("ab") as output:
            # In a group of its own, which `end` ends, and not in a session: niceness weighs only within one.
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
            )
            _pid, status, usage = os.wait4(self.process.pid, 0)
        self.status = self.process.returncode = os.waitstatus_to_exitcode(status)
        self.seconds = time.monotonic() - began
        self.cpu_seconds = usage.ru_utime + usage.ru_stime

    def end(self) -> None:
        """Have it end, with all that it has started."""
        if self.process and self.process.returncode is None:
            try:
                os.killpg(self.process.pid, signal.SIGTERM)
            except ProcessLookupError:
                return

    def line(self) -> str:
        """What it took, in a line."""
        failed = "" if self.status == 0 else f", and it failed ({self.status})"
        return f"=== {self.name}: {self.seconds:.0f} s, {self.cpu_seconds:.0f} s of a processor{failed}"


def parse(argument: str, folder: Path) -> Job:
    """``name<other,another=command``. Raises ValueError for anything else."""
    named, equals, command = argument.partition("=")
    name, _less, after = named.partition("<")
    if not equals or not name or not command.strip():
        raise ValueError(f"{argument!r} is not a name, an equals sign and a command")
    return Job(name, shlex.split(command), [other for other in after.split(",") if other], folder / name)


def ordered(jobs: list[Job]) -> list[Job]:
    """These jobs. Raises ValueError when one waits for what is not named before it."""
    known: set[str] = set()
    for job in jobs:
        unknown = [name for name in job.after if name not in known]
        if unknown or job.name in known:
            raise ValueError(f"{job.name} has to come once, and after {', '.join(unknown) or 'nothing else'}")
        known.add(job.name)
    return jobs


def begin(jobs: list[Job], interrupted: threading.Event) -> None:
    """Have each job run as soon as those that it waits for have ended; none begins after an interrupt."""
    known = {job.name: job for job in jobs}

    def in_turn(job: Job) -> None:
        try:
            for name in job.after:
                known[name].ended.wait()
            if not interrupted.is_set():
                job.run()
        except OSError as error:
            job.output.write_text(f"{error}\n", encoding="utf-8")
        finally:
            job.ended.set()

    for job in jobs:
        job.output.touch()
        threading.Thread(target=in_turn, args=(job,), daemon=True).start()


def show(job: Job) -> None:
    """Print what the job says, from its beginning to its end."""
    print(f"\n=== {job.name}", flush=True)
    last = b"\n"
    with job.output.open("rb") as output:
        has_ended = False
        while not has_ended:
            has_ended = job.ended.wait(LOOK_SECONDS)
            while said := output.read(1 << 16):
                sys.stdout.buffer.write(said)
                last = said[-1:]
            sys.stdout.flush()
    print("" if last == b"\n" else "\n", job.line(), sep="", flush=True)


def main(arguments: list[str]) -> int:
    """Run the jobs. Returns 1 when one has failed, 2 when one is not understood, 130 after an interrupt."""
    began = time.monotonic()
    # Also where a shell has started this in the background, for which it has SIGINT ignored.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        try:
            jobs = ordered([parse(argument, Path(folder)) for argument in arguments])
        except ValueError as error:
            print(f"{__doc__}\n{error}", file=sys.stderr)
            return 2
        interrupted = threading.Event()
        try:
            begin(jobs, interrupted)
            for job in jobs:
                show(job)
        except KeyboardInterrupt:
            interrupted.set()
            for job in jobs:
                job.end()
            for job in jobs:
                job.ended.wait()
            return 130
    print("\n" + "\n".join(job.line() for job in jobs))
    print(f"=== together: {time.monotonic() - began:.0f} s", flush=True)
    return int(any(job.status != 0 for job in jobs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
