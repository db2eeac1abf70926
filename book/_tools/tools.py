"""The book's tools: ``python book/_tools ACTION``. The Makefile calls them."""

import argparse
import contextlib
import errno
import io
import sys
import time

import build
import chapters
import portability
import publish
import serve
from project import NO_SPACE, BookError, Project
from snncore.ledger import PRESETS


def reproduce(project: Project, options: argparse.Namespace) -> int:
    """Run and build; 1 if a chapter failed, or, if asked to be strict, if a verdict is worse than the recorded one."""
    wanted = chapters.select(project, options.chapter)
    stale = any(task.why for task in chapters.plan(project, options.preset, options.seed, wanted))
    failed: list[str] = []
    staging = None if stale else build.build(project, options.preset, look=True)  # writes nothing: also where nothing can be written
    if staging is None:
        with project.locked():
            failed = chapters.run(project, options.preset, options.seed, wanted)
            staging = build.build(project, options.preset)
    assert staging
    print(staging.summary())
    return max(told(project, options, failed), int(options.strict and bool(staging.worsened)))


def run(project: Project, options: argparse.Namespace) -> int:
    with project.locked():
        failed = chapters.run(project, options.preset, options.seed, chapters.select(project, options.chapter), options.anew)
    return told(project, options, failed)


def told(project: Project, options: argparse.Namespace, failed: list[str]) -> int:
    """Name the chapters that failed; 1 if there are any."""
    if failed:
        print(f"failed or skipped: {', '.join(failed)}. What they left: {project.failed(options.preset)}", file=sys.stderr)
    return 1 if failed else 0


def check(project: Project, options: argparse.Namespace) -> int:
    return chapters.check(chapters.plan(project, options.preset, options.seed, chapters.select(project, options.chapter)))


def again(project: Project, options: argparse.Namespace) -> int:
    with project.locked():
        return chapters.run_again(project, options.preset, chapters.select(project, options.chapter))


def record(project: Project, options: argparse.Namespace) -> int:
    with project.locked():
        chapters.record(project, options.preset, chapters.select(project, options.chapter))
    return 0


def book(project: Project, options: argparse.Namespace) -> int:
    with project.locked():
        staging = build.build(project, options.preset)
    assert staging
    print(staging.summary())
    return 0


def compare(project: Project, options: argparse.Namespace) -> int:
    with project.locked():
        return portability.compare(project, options.preset, chapters.select(project, options.chapter), options.variants)


def show(project: Project, options: argparse.Namespace) -> int:
    return serve.main(project, options.port)


def pdf(project: Project, options: argparse.Namespace) -> int:
    with project.locked():
        publish.pdf(project, options.preset)
    return 0


def release(project: Project, options: argparse.Namespace) -> int:
    with project.locked():
        publish.release(project, options.preset, options.tag)
    return 0


ACTIONS = {
    "reproduce": ("run the chapters that are out of date, then build the book", reproduce),
    "run": ("run the chapters that are out of date", run),
    "check": ("say which chapters are out of date, and why", check),
    "again": ("run complete chapters once more, aside, and compare every file byte for byte", again),
    "record": ("make the numbers of the runs at a preset the recorded ones", record),
    "build": ("build the book from the runs that there are", book),
    "portability": ("run chapters with other threads and arithmetic, and compare all claims", compare),
    "pdf": ("print the book into one PDF, with Chromium", pdf),
    "release": ("build wheel, HTML and PDF of this version, with checksums, into dist", release),
    "serve": ("show the built book in a browser", show),
}


def refuse_what_kernels_die_of() -> None:
    """Kernels talk over sockets, whose library counts seconds in 32 bits, and need some dozens of files; they die without a word."""
    if time.time() >= 2**31:
        raise BookError(f"the clock of this machine says {time.strftime('%Y')}: set it right")
    with contextlib.suppress(ImportError):  # not on every system
        import resource

        if (files := resource.getrlimit(resource.RLIMIT_NOFILE)[0]) < 128:
            raise BookError(f"this shell allows {files} open files, too few for a chapter's kernel: allow more (ulimit -n 1024)")


def main(project: Project, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="book/_tools", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (words, _) in ACTIONS.items():
        action = actions.add_parser(name, help=words, description=words)
        if name == "serve":
            action.add_argument("--port", type=int, default=8000)
            continue
        action.add_argument("--preset", default="book", choices=PRESETS)
        if name == "release":
            action.add_argument("--tag", action="store_true", help="tag the commit, too")
        if name in ("build", "pdf", "release"):
            continue
        action.add_argument("--chapter", help="only this one (and what it needs)")
        action.add_argument("--seed", type=int, default=0)
        if name == "run":
            action.add_argument("--anew", action="store_true", help="also what is up to date")
        if name == "reproduce":
            action.add_argument("--strict", action="store_true", help="a verdict that is worse than the recorded one is a failure, too")
        if name == "portability":
            action.add_argument("--variants", nargs="+", choices=portability.VARIANTS, default=list(portability.VARIANTS))
    options = parser.parse_args(arguments)
    if options.action in ("reproduce", "run", "again", "portability"):
        refuse_what_kernels_die_of()
    return ACTIONS[options.action][1](project, options)


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
    """Do what the words of the command line ask for; what a reader can mend is said in a sentence."""
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
