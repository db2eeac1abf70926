import socket
import struct
import threading
import urllib.error
import urllib.request

import pytest

import serve


@pytest.fixture
def running(tmp_path):
    """A server of a folder with a page and a large file; at the end it waits for all answers."""
    (tmp_path / "index.html").write_text("the book", encoding="utf-8")
    (tmp_path / "large").write_bytes(bytes(50_000_000))
    with serve.server(tmp_path, 0) as server:
        server.daemon_threads = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
    thread.join()


def ask(server, line):
    with socket.create_connection(server.server_address) as client:
        client.sendall(f"GET {line} HTTP/1.0\r\n\r\n".encode())
        return client.makefile("rb").read()


def test_pages_come(running, capsys):
    assert ask(running, "/").endswith(b"the book")
    assert ask(running, "/nothing").startswith(b"HTTP/1.0 404")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", ["/a%00b", "/%00", "/%ed%a0%80", "/index.html%00"])
def test_what_names_no_file_is_a_bad_request(running, capsys, path):
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"http://127.0.0.1:{running.server_port}{path}")
    assert ask(running, "/").endswith(b"the book")
    assert capsys.readouterr().err == ""


def test_a_client_that_goes_away_is_no_error(running, capsys):
    for at in (0, 100):
        client = socket.create_connection(running.server_address)
        client.sendall(b"GET /large HTTP/1.0\r\n\r\n" if at else b"GET /lar")
        assert len(client.recv(at)) == at
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # so that closing resets the connection
        client.close()
    running.shutdown()
    running.server_close()  # after all answers
    assert capsys.readouterr().err == ""
