"""The client of the workbench: what it must not give away."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from vasari.app.client import Workbench

TOKEN = "vasari_a-secret"


@contextmanager
def answering(seen: list[dict[str, str]], leads_to: str = "") -> Iterator[str]:
    """A server that notes the headers of requests, and sends them elsewhere where `leads_to` says so; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            self.send_response(302 if leads_to else 200)
            if leads_to:
                self.send_header("Location", leads_to + self.path)
            self.end_headers()
            self.wfile.write(b"" if leads_to else b"{}")

        def log_message(self, format: str, *words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_token_does_not_follow_a_redirect() -> None:
    asked: list[dict[str, str]] = []
    elsewhere: list[dict[str, str]] = []
    with ExitStack() as stack:
        other = stack.enter_context(answering(elsewhere))
        address = stack.enter_context(answering(asked, other))
        Workbench(address, token=TOKEN)._ask("GET", "/api/v1/visitor")
    assert asked[0]["Authorization"] == f"Bearer {TOKEN}"
    assert elsewhere and all("Authorization" not in headers for headers in elsewhere)
