"""The client: photos to a gateway over HTTP, files sent as they are read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

import httpx

from detector_api.client.answers import Model, PhotoAnswer, Prediction
from detector_api.client.errors import DetectorError

Photo = str | os.PathLike[str] | bytes
Part = tuple[str, tuple[str, IO[bytes] | bytes]]
Find = Literal["auto", "all", "no"]
Query = dict[str, int | bool | str]
Reply = TypeVar("Reply")

# So many photos share a request: their files are open at once, and their answers come when all of them are sent.
PHOTOS_A_REQUEST = 64
# What passes by itself, if the gateway says when to come back; a wait longer than this is left to the caller.
PASSING = (429, 503)
LONGEST_WAIT_SECONDS = 60


class Detector:
    """Asks the gateway at `url`. Use one for many calls, from one thread, and close it or use it in a `with`.

    A busy gateway is asked again up to `retries` times, each after as long as it says; then, and for every other
    error, a `DetectorError` is raised. `timeout` is in seconds, for each step of a call: to connect, to send or
    receive something. A photo is a path, or the bytes of an encoded image.
    """

    def __init__(
        self,
        url: str = "http://localhost:8080",
        api_key: str | None = None,
        *,
        timeout: float = 60.0,
        retries: int = 5,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout)
        self._url = url
        self._retries = retries

    def __enter__(self) -> Detector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def model(self) -> Model:
        """Return the model that is served."""
        return self._read(self._send("GET", "/api/v1/model"), Model.of)

    def predict(
        self, photo: Photo, top_k: int | None = None, explain: bool = False, find: Find | None = None
    ) -> Prediction:
        """Return the breeds in a photo, all or the first `top_k`; `explain` adds where the first was seen.

        `find` says when the whole photo is searched for dogs: "all" adds `dogs`, "no" leaves it out, None is as the
        gateway does by default.
        """
        return self._predict(photo, _query(top_k, explain, find))

    def predict_many(
        self,
        photos: Iterable[Photo],
        top_k: int | None = None,
        explain: bool = False,
        find: Find | None = None,
    ) -> Iterator[PhotoAnswer]:
        """Yield each photo's answer as it comes, in another order perhaps; an error of one photo is its own answer.

        Raises `DetectorError` for what concerns all of them: no gateway, no permission, `top_k` out of range.
        """
        numbered = enumerate(photos)
        while some := dict(islice(numbered, PHOTOS_A_REQUEST)):
            yield from self._predict_some(some, _query(top_k, explain, find))

    def _predict(self, photo: Photo, query: Query) -> Prediction:
        with ExitStack() as files:
            parts = [_part(photo, files)]
            response = self._send("POST", "/api/v1/predict_breed", params=query, files=parts)
            return self._read(response, Prediction.of)

    def _predict_some(self, photos: Mapping[int, Photo], query: Query) -> Iterator[PhotoAnswer]:
        left = dict(photos)
        with ExitStack() as files:
            sent: list[int] = []
            parts: list[Part] = []
            for index, photo in photos.items():
                try:
                    parts.append(_part(photo, files))
                    sent.append(index)
                except DetectorError as error:
                    del left[index]
                    yield PhotoAnswer(index, error=error)
            for line in self._lines(parts, query):
                if (place := line["index"]) is None:
                    break  # The stream ends early, and this line says why.
                problem = line.get("error")
                if problem and problem["status"] in PASSING:
                    continue
                index = sent[place]
                del left[index]
                if problem:
                    yield PhotoAnswer(index, error=DetectorError.of(problem))
                else:
                    yield PhotoAnswer(index, Prediction.of(line["prediction"]))
        # What the stream left unanswered is asked alone, with the patience of `predict`.
        for index, photo in left.items():
            try:
                yield PhotoAnswer(index, self._predict(photo, query))
            except DetectorError as error:
                if error.code == "unreachable":
                    raise
                yield PhotoAnswer(index, error=error)

    def _lines(self, parts: list[Part], query: Query) -> Iterator[dict[str, Any]]:
        """Yield the lines of a stream, until it ends or breaks off."""
        if not parts:
            return
        response = self._send("POST", "/api/v1/predict_breeds", params=query, files=parts)
        try:
            for line in response.iter_lines():
                yield json.loads(line)
        except (httpx.TransportError, ValueError):
            pass  # A connection that broke may have torn its last line.
        finally:
            response.close()

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Return the head of a good response, its body unread. Busy times are waited for, within bounds."""
        for retries_left in range(self._retries, -1, -1):
            try:
                response = self._http.send(self._http.build_request(method, path, **content), stream=True)
                if response.is_success:
                    return response
                response.read()
            except httpx.TransportError as error:
                raise self._unreachable(error) from error
            problem = self._problem(response)
            wait = problem.retry_after
            passes = problem.status in PASSING and wait is not None and wait <= LONGEST_WAIT_SECONDS
            if wait is None or not passes or not retries_left:
                raise problem
            time.sleep(wait)
        raise AssertionError("the last round returns or raises")

    def _read(self, response: httpx.Response, read: Callable[[dict[str, Any]], Reply]) -> Reply:
        try:
            response.read()
            return read(response.json())
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        except (ValueError, TypeError, LookupError) as error:
            raise self._unexpected(response) from error
        finally:
            response.close()

    def _problem(self, response: httpx.Response) -> DetectorError:
        retry_after = response.headers.get("retry-after", "")
        try:
            return DetectorError.of(response.json(), float(retry_after) if retry_after.isdecimal() else None)
        except (ValueError, TypeError, LookupError):
            return self._unexpected(response)

    def _unexpected(self, response: httpx.Response) -> DetectorError:
        return DetectorError(
            "unexpected_answer",
            f"What answers at {self._url} (with status {response.status_code}) is no gateway. Is this its address?",
        )

    def _unreachable(self, error: httpx.TransportError) -> DetectorError:
        reason = str(error) or type(error).__name__
        return DetectorError("unreachable", f"No gateway answers at {self._url} ({reason}).")


def _query(top_k: int | None, explain: bool, find: Find | None) -> Query:
    """Return the query of a prediction; for what is None the gateway's own default counts."""
    query: dict[str, int | bool | str | None] = {"explain": explain, "top_k": top_k, "find": find}
    return {name: value for name, value in query.items() if value is not None}


def _part(photo: Photo, files: ExitStack) -> Part:
    """Return a photo as a part of the body; its file is closed with `files`."""
    if isinstance(photo, bytes):
        if not photo:
            raise DetectorError("unreadable_file", "This photo has no bytes.")
        return "dog_image", ("photo", photo)
    path = Path(photo)
    try:
        file = files.enter_context(path.open("rb"))
        empty = os.fstat(file.fileno()).st_size == 0
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DetectorError("unreadable_file", f"This file cannot be read: {reason}.") from error
    if empty:
        raise DetectorError("unreadable_file", "This file is empty.")
    # The gateway needs no name, and a file's may say more than its owner means to tell.
    return "dog_image", ("photo", file)
