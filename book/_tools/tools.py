"""The book's tools: ``python book/_tools ACTION``. The Makefile calls them."""

import errno
import io
import subprocess
import sys
from contextlib import suppress
from typing import Annotated, Literal

import tyro

import build
import chapters
import portability
import publish
from portability import VARIANTS, Variant
from project import NO_SPACE, BookError, Chapter, Project

Preset = Literal["smoke", "book", "paper"]
One = Annotated[str | None, tyro.conf.arg(metavar="CHAPTER", help="only this one, and what it needs")]
Jobs = Annotated[int | None, tyro.conf.arg(metavar="N", help="chapters side by side; one a core, if memory allows")]


class Actions:
    """The words of the command line, with their options."""

    def __init__(self, project: Project):
        self.project = project

    def _chosen(self, chapter: str | None) -> list[Chapter]:
        return chapters.select(self.project, chapter)

    def _told(self, preset: str, failed: list[str]) -> int:
        """Name the chapters that failed; 1 if there are any."""
        if failed:
            print(f"failed or skipped: {', '.join(failed)}. What they left: {self.project.failed(preset)}", file=sys.stderr)
        return 1 if failed else 0

    def reproduce(self, preset: Preset = "book", chapter: One = None, seed: int = 0, strict: bool = False, jobs: Jobs = None) -> int:
        """Run the chapters that are out of date, then build the book; strict: fail, too, if a verdict is worse than the recorded one."""
        wanted, failed = self._chosen(chapter), list[str]()
        stale = any(task.why for task in chapters.plan(self.project, preset, seed, wanted))
        staging = None if stale else build.build(self.project, preset, look=True)  # writes nothing: also where nothing can be written
        if staging is None:
            with self.project.locked():
                failed = chapters.run(self.project, preset, seed, wanted, jobs=jobs)
                with self.project.building():
                    staging = build.build(self.project, preset)
        assert staging
        print(staging.summary())
        return max(self._told(preset, failed), int(strict and bool(staging.worsened)))

    def run(self, preset: Preset = "book", chapter: One = None, seed: int = 0, anew: bool = False, jobs: Jobs = None) -> int:
        """Run the chapters that are out of date; anew: all."""
        with self.project.locked():
            return self._told(preset, chapters.run(self.project, preset, seed, self._chosen(chapter), anew, jobs))

    def check(self, preset: Preset = "book", chapter: One = None, seed: int = 0) -> int:
        """Say which chapters are out of date, and why."""
        return chapters.check(chapters.plan(self.project, preset, seed, self._chosen(chapter)))

    def again(self, preset: Preset = "book", chapter: One = None) -> int:
        """Run complete chapters once more, aside, and compare every file byte for byte."""
        with self.project.locked():
            return chapters.run_again(self.project, preset, self._chosen(chapter))

    def record(self, preset: Preset = "book", chapter: One = None) -> None:
        """Make the numbers of the runs at a preset the recorded ones."""
        with self.project.locked():
            chapters.record(self.project, preset, self._chosen(chapter))

    def build(self, preset: Preset = "book") -> None:
        """Build the book from the runs that there are, also while chapters run."""
        with self.project.building():
            staging = build.build(self.project, preset)
        assert staging
        print(staging.summary())

    def portability(self, preset: Preset = "book", chapter: One = None, variants: tuple[Variant, ...] = tuple(VARIANTS)) -> int:
        """Run chapters with other threads and arithmetic, and compare all claims."""
        with self.project.locked():
            return portability.compare(self.project, preset, self._chosen(chapter), variants)

    def pdf(self, preset: Preset = "book") -> None:
        """Print the book into one PDF, with Chromium."""
        with self.project.building():
            publish.pdf(self.project, preset)

    def release(self, preset: Preset = "book", tag: bool = False) -> None:
        """Build wheel, HTML and PDF of this version, with checksums, into dist; tag: tag the commit, too."""
        with self.project.building():
            publish.release(self.project, preset, tag)

    def serve(self, port: int = 8000) -> None:
        """Serve the built book on this machine, until Ctrl-C."""
        if not 0 < port < 2**16:
            raise BookError(f"--port is {port}: a port is a number from 1 to 65535")
        if not ((site := self.project.site()) / "index.html").exists():
            raise BookError("there is no built book yet: make reproduce")
        command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(site)]
        with suppress(KeyboardInterrupt):
            if failed := subprocess.run(command).returncode:
                raise BookError(f"the server ended with {failed}: if port {port} is taken, make serve PORT=8001")


def main(project: Project, arguments: list[str]) -> int:
    """Do what the words of the command line ask for; returns 1 if it failed."""
    actions = {word: getattr(Actions(project), word) for word in vars(Actions) if not word.startswith("_")}
    once = (tyro.conf.FlagCreatePairsOff,)  # no --no-strict
    return tyro.extras.subcommand_cli_from_dict(actions, prog="book/_tools", description=__doc__, args=arguments, config=once) or 0


def in_words(problem: BaseException) -> str | None:
    """What a reader can do about a failure; None if it is a fault of these tools."""
    if isinstance(problem, BookError | ValueError):
        return f"error: {problem}"
    if not isinstance(problem, OSError):
        return None
    if problem.errno == errno.ENOSPC:
        return f"error: {NO_SPACE.format(problem.filename or 'this folder')}"
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"error: {problem.filename} cannot be written: make the folder yours (chown, chmod), or clone it where you may write"
    if problem.errno == errno.EMFILE:
        return "error: too many open files for this shell: allow more (ulimit -n 1024), then run the same command again"
    return None


def command() -> None:
    """`main`, for a terminal; what a reader can mend is said in a sentence."""
    for stream in (sys.stdout, sys.stderr):  # whatever characters the terminal has
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main(Project(), sys.argv[1:])
    except Exception as problem:
        if (words := in_words(problem)) is None:
            raise
        sys.exit(words)
    sys.exit(status)
