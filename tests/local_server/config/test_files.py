"""gRPC over TLS, as the SSL configuration asks for it."""

from __future__ import annotations

import shutil
import subprocess

import grpc
import pytest
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

from local_server.config import files
from local_server.errors import InvalidArgumentError

TIMEOUT = 60


@pytest.fixture(scope="module")
def pem(tmp_path_factory, require):
    """A key and its self-signed certificate for localhost."""
    require(shutil.which("openssl"), "openssl")
    folder = tmp_path_factory.mktemp("pem")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "cert", *subject],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return (folder / "key").read_text(), (folder / "cert").read_text()


@pytest.mark.parametrize("client_verify", [False, True])
def test_serve_tls_answers_clients_that_trust_and_are_trusted(models, run_server, tmp_path, pem, client_verify):
    """With --ssl_config_file only TLS is spoken, and with client_verify only to clients with a certificate."""
    key, cert = pem
    file = tmp_path / "ssl.txt"
    file.write_text(f"server_key: {key!r} server_cert: {cert!r} custom_ca: {cert!r} client_verify: {client_verify}")
    models.install(tmp_path)
    client = run_server(tmp_path, ssl_config_file=str(file))
    target = client.grpc_target.replace("127.0.0.1", "localhost")

    def ask(channel: grpc.Channel) -> int:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": "gadgets"})
        response = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(request, timeout=TIMEOUT)
        return response.model_version_status[0].version

    named = grpc.ssl_channel_credentials(cert.encode(), key.encode(), cert.encode())
    assert ask(grpc.secure_channel(target, named)) == 1
    refused = [grpc.insecure_channel(target)]
    if client_verify:
        refused.append(grpc.secure_channel(target, grpc.ssl_channel_credentials(cert.encode())))
    else:
        assert ask(grpc.secure_channel(target, grpc.ssl_channel_credentials(cert.encode()))) == 1
    for channel in refused:
        with pytest.raises(grpc.RpcError) as error:
            ask(channel)
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "server_key and server_cert must be set"),
        ('server_key: "k" server_cert: "c" client_verify: true', "client_verify needs a custom_ca"),
    ],
)
def test_read_incomplete_credentials_is_refused(tmp_path, text, message):
    """A configuration that cannot work is an error at the start, not at the first call."""
    file = tmp_path / "ssl.txt"
    file.write_text(text)
    with pytest.raises(InvalidArgumentError, match=message):
        files.read_credentials(str(file))
