"""The front: nginx as its image runs it, and a DNS that names all gateways whatever has become of them."""

from __future__ import annotations

import re
import shutil
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import detector_app
from benchmarks.processes import running

PORT = 8080
DNS_ADDRESS = "127.0.0.53"
NAME = "gateway.test"
TIME_TO_LIVE = 600


@contextmanager
def front(folder: Path, gateways: Sequence[str], gateway_port: int, serving: str) -> Iterator[int]:
    """Run nginx before gateways at these addresses, with its files in `folder`; yield its port on the loopback."""
    nginx = shutil.which("nginx")
    if nginx is None:
        raise FileNotFoundError("this needs nginx (Debian's package nginx-light)")
    room = Path(detector_app.__file__).parent
    variables = {
        "NGINX_ENVSUBST_OUTPUT_DIR": str(folder),
        "NGINX_LOCAL_RESOLVERS": DNS_ADDRESS,
        "LISTEN_ADDRESS": f"127.0.0.1:{PORT}",
        "PAGE_ROOT": str(room / "page"),
        "MODELS_ROOT": "/models",
        "GATEWAY_ADDRESS": f"{NAME}:{gateway_port}",
        "SERVING_REST_ADDRESS": serving,
        **dict(re.findall(r"(REQUESTS_\w+|ERROR_LOG_LEVEL)=(\w+)", (room / "Dockerfile").read_text())),
        # The benchmark names a caller in X-Forwarded-For.
        "TRUSTED_PROXY": "set_real_ip_from 127.0.0.1;",
    }
    for template in (room / "nginx").glob("*.template"):
        text = re.sub(r"\$\{(\w+)\}", lambda name: variables[name[1]], template.read_text())
        (folder / template.stem).write_text(text)
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off; user root;"]
    with _names(gateways), running(command):
        yield PORT


@contextmanager
def _names(addresses: Sequence[str]) -> Iterator[None]:
    """Answer every question for IPv4 addresses with these, and all others with none."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((DNS_ADDRESS, 53))

    def answer() -> None:
        while query := server.recvfrom(512):
            question, client = query
            if not question:
                return
            end = question.index(b"\0", 12) + 5  # after the name come type and class
            found = addresses if question[end - 4 : end - 2] == b"\0\1" else []
            head = question[:2] + struct.pack(">HHHHH", 0x8180, 1, len(found), 0, 0)
            record = struct.pack(">HHHIH", 0xC00C, 1, 1, TIME_TO_LIVE, 4)
            records = b"".join(record + socket.inet_aton(address) for address in found)
            server.sendto(head + question[12:end] + records, client)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        server.sendto(b"", server.getsockname())
        thread.join()
        server.close()
