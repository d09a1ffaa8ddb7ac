"""The client's one error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DetectorError(Exception):
    """A call that failed. `detail` says what to do; programs go by `code`, which the gateway's README lists.

    Three codes are the client's own, and have no `status`: `unreachable`, `unreadable_file` and `unexpected_answer`.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.retry_after = retry_after  # seconds
        self.request_id = request_id

    @classmethod
    def of(cls, problem: Mapping[str, Any], retry_after: float | None = None) -> DetectorError:
        """Read the gateway's problem; raises `KeyError` if it is none."""
        return cls(problem["code"], problem["detail"], problem["status"], retry_after, problem.get("request_id"))
