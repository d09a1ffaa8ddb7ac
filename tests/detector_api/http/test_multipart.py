"""A file's name comes back as a person would write it, and can harm no reader."""

import pytest

from detector_api.http.multipart import read_filename


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        (b"", ""),
        (b'; filename=""', ""),
        (b'; filename="a b.jpg"', "a b.jpg"),
        (b"; filename=plain.jpg", "plain.jpg"),
        ('; filename="Zoë.jpg"'.encode(), "Zoë.jpg"),
        (b'; filename="say %22hi%22.jpg"', 'say "hi".jpg'),
        (b"; filename=\"x.jpg\"; filename*=UTF-8''na%C3%AFve.jpg", "naïve.jpg"),
        (b'; filename="\xff\xfe.jpg"', "\ufffd\ufffd.jpg"),
        (b'; filename="\xed\xa0\x80"', "\ufffd" * 3),
        (b'; filename="a\x1b[31m\x00b%0D%0Ac"', "a\ufffd[31m\ufffdb\ufffd\ufffdc"),
        (b'; filename="' + b"x" * 300 + b'"', "x" * 255),
    ],
)
def test_read_filename_gives_harmless_text(parameter: bytes, name: str) -> None:
    """Names are decoded whatever bytes they are of, without control characters, and bounded in length."""
    assert read_filename(b'form-data; name="file"' + parameter) == name
