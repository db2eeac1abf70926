"""Show the built book: a web server on this machine only."""

import functools
import http.server
import sys
import webbrowser
from pathlib import Path
from typing import Any

from project import Project


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder; says nothing about each of them."""

    def send_head(self) -> Any:
        try:
            return super().send_head()
        except ValueError:  # a null byte, or half a character: no file can be named so
            self.send_error(400)
            return None

    def log_message(self, *_: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *given: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a reader who has left the page is no error
            super().handle_error(*given)


def server(site: Path, port: int) -> Server:
    """For a folder, on this machine only; port 0 takes one that is free."""
    return Server(("127.0.0.1", port), functools.partial(Handler, directory=site))


def main(project: Project, port: int) -> int:
    """Serve until Ctrl-C."""
    site = project.site()
    if not (site / "index.html").exists():
        sys.exit("error: there is no built book yet: make reproduce")
    try:
        shown = server(site, port)
    except (OSError, OverflowError) as error:
        sys.exit(f"error: port {port} cannot be used ({error}): make serve PORT=8001")
    url = f"http://127.0.0.1:{shown.server_port}/"
    print(f"{url}  (Ctrl-C ends it)", flush=True)
    webbrowser.open(url)
    try:
        shown.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0
