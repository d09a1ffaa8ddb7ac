"""GET /metrics: what Prometheus and the dashboard read."""

from __future__ import annotations

import threading
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

URL = "/api/v1/predict_breed"


def read(gateway: Any) -> dict[tuple[str, ...], float]:
    """Return each sample's value by its name and the values of its labels, in order of the labels' names."""
    response = gateway.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_read_metrics_counts_requests_by_route_and_status(gateway: Any, photo: bytes) -> None:
    """Each answer is counted and timed under its route's template."""
    gateway.post(URL, params={"top_k": 2}, files={"dog_image": photo})
    gateway.post(URL, params={"top_k": 9}, files={"dog_image": photo})
    gateway.post(URL)
    samples = read(gateway)
    assert samples["detector_requests_total", URL, "200"] == 1
    assert samples["detector_requests_total", URL, "422"] == 1
    assert samples["detector_requests_total", URL, "400"] == 1
    assert samples["detector_request_seconds_count", URL] == 3
    assert samples["detector_decode_seconds_count",] == 1
    assert samples["detector_predict_seconds_count",] == 1
    assert samples["detector_serving_retries_total",] == 0
    assert samples["process_resident_memory_bytes",] > 0


def test_read_metrics_has_one_label_for_all_unknown_paths(gateway: Any) -> None:
    """Paths that nobody serves cannot grow the metrics, and probes do not hide the rest."""
    for path in ("/a", "/b", "/api/v1/c", "/livez", "/readyz", "/metrics"):
        gateway.get(path)
    counted = {key: value for key, value in read(gateway).items() if key[0] == "detector_requests_total"}
    assert counted == {("detector_requests_total", "none", "404"): 3}


def test_read_metrics_names_the_version_that_answered_last(gateway: Any, serving: Any, photo: bytes) -> None:
    """One version at a time is the one that answers."""
    for version in (3, 4):
        serving.version = version
        gateway.post(URL, files={"dog_image": photo})
        samples = read(gateway)
        infos = [key for key in samples if key[0] == "detector_model_info"]
        assert infos == [("detector_model_info", "", "dog_breed", str(version))]  # asked by no label
        assert samples[infos[0]] == 1


def test_read_metrics_counts_requests_in_flight(gateway: Any, serving: Any, photo: bytes) -> None:
    """A request is in flight from its arrival until its answer, and a probe never is."""
    serving.released.clear()
    caller = threading.Thread(target=lambda: gateway.post(URL, files={"dog_image": photo}))
    caller.start()
    while read(gateway)["detector_requests_in_flight",] != 1:
        assert caller.is_alive()
    serving.released.set()
    caller.join()
    assert read(gateway)["detector_requests_in_flight",] == 0


def test_read_metrics_of_two_gateways_in_one_process_are_apart(start_gateway: Any, serving: Any, photo: bytes) -> None:
    """An app counts its own requests alone."""
    first, second = (start_gateway(serving_address=serving.address) for _ in range(2))
    first.post(URL, files={"dog_image": photo})
    assert ("detector_requests_total", URL, "200") in read(first)
    assert ("detector_requests_total", URL, "200") not in read(second)
