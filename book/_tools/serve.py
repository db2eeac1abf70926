"""Show the built book: a web server on this machine only."""

import functools
import http.server
import sys
import webbrowser

from project import Project


def main(project: Project, port: int) -> int:
    """Serve until Ctrl-C."""
    site = project.site()
    if not (site / "index.html").exists():
        sys.exit("error: there is no built book yet: make reproduce")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=site)
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        sys.exit(f"error: port {port} cannot be used ({error}): make serve PORT=8001")
    url = f"http://127.0.0.1:{server.server_port}/"
    print(f"{url}  (Ctrl-C ends it)", flush=True)
    webbrowser.open(url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    return 0
