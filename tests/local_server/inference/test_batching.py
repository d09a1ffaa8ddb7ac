"""Requests that run together get exactly their own rows, and never wait or run when they must not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from local_server import server as module
from local_server.config.batching import BatchingParameters
from local_server.errors import Code, InvalidArgumentError, StatusError, UnavailableError
from local_server.flags import Options
from local_server.inference.batch_scheduler import BatchScheduler
from local_server.inference.batching import Batcher
from local_server.inference.predict import predict
from local_server.inference.saved_model import SavedModelServable, SessionSettings
from local_server.monitoring.instruments import BATCHES
from local_server.server import Server

FOREVER = 3_600_000_000  # a batch timeout that no test waits for
PATIENCE_MS = 60_000


class Doubler:
    """A stand-in for the session: doubles `x`, and notes each run's rows and time limit; may be held up."""

    def __init__(self):
        self.runs = []
        self.timeouts = []
        self.begun = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, feeds, timeout_ms):
        self.begun.set()
        assert self.gate.wait(60)
        self.runs.append(feeds["x"].copy())
        self.timeouts.append(timeout_ms)
        return [feeds["x"] * 2]


class Requests:
    """Sends requests to a batcher, from threads of their own."""

    def __init__(self, pool, parameters):
        self.scheduler = BatchScheduler(parameters)
        self.batcher = Batcher(self.scheduler, parameters)
        self.session = Doubler()
        self._pool = pool

    def run(self, *rows, timeout_ms=PATIENCE_MS, fetches=("y",), session=None):
        """Send rows and return the output's."""
        return self.batcher.run({"x": np.array(rows)}, fetches, timeout_ms, session or self.session)[0].tolist()

    def start(self, *rows, **options):
        """Send rows from another thread."""
        return self._pool.submit(self.run, *rows, **options)

    def wait(self, eventually):
        """Wait until a request waits."""
        eventually(lambda: bool(self.scheduler._queues))


@pytest.fixture
def requests():
    """Return a function that makes `Requests` with batching parameters; one thread runs batches, if not told more."""
    made = []
    with ThreadPoolExecutor(16) as pool:

        def make(**parameters):
            made.append(Requests(pool, BatchingParameters(**{"num_batch_threads": 1, **parameters})))
            return made[-1]

        yield make
        for one in made:
            one.session.gate.set()
            one.scheduler.close(60)


def test_run_concurrent_requests_get_their_own_rows(models):
    """Thousands of requests of one to three rows from 16 threads each get the answers to their rows, in order."""
    parameters = BatchingParameters(max_batch_size=8, num_batch_threads=3, allowed_batch_sizes=(3, 8))
    scheduler = BatchScheduler(parameters)
    servable = SavedModelServable.load(models.saved[2.0], SessionSettings())
    servable.batcher = Batcher(scheduler, parameters)

    def ask(number):
        x = np.float32([number * 4 + row for row in range(number % 3 + 1)])
        outputs = predict(servable, "", {"x": x}, timeout_ms=PATIENCE_MS)
        return outputs["y"].tolist() == (x / 2 + 2).tolist()

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(4000)))
    servable.close()
    scheduler.close(60)


def test_run_requests_at_once_are_one_run(requests):
    """Requests that together fill a batch run as one, whatever the timeout."""
    service = requests(max_batch_size=5, batch_timeout_micros=FOREVER)
    answers = [service.start([number]) for number in range(5)]
    assert [answer.result() for answer in answers] == [[[0]], [[2]], [[4]], [[6]], [[8]]]
    assert [sorted(run.ravel()) for run in service.session.runs] == [[0, 1, 2, 3, 4]]


def test_run_waiting_requests_gather_while_the_thread_is_busy(requests, eventually):
    """Without a timeout, what comes during a run is the next run."""
    service = requests(max_batch_size=8)
    service.session.gate.clear()
    first = service.start([1])
    assert service.session.begun.wait(60)
    others = [service.start([2]), service.start([3], [4])]
    eventually(lambda: sum(batch.rows for queue in service.scheduler._queues.values() for batch in queue) == 3)
    service.session.gate.set()
    assert [first.result(), *(other.result() for other in others)] == [[[2]], [[4]], [[6], [8]]]
    assert [len(run) for run in service.session.runs] == [1, 3]


def test_run_lone_request_does_not_wait_for_others(requests):
    """With a timeout of 0 a request by itself runs at once, and is handed on as it is."""
    service = requests(max_batch_size=8)
    assert service.run([1], [2]) == [[2], [4]]
    assert [run.tolist() for run in service.session.runs] == [[[1], [2]]]


def test_run_batch_is_filled_up_to_an_allowed_size(requests):
    """A batch between two sizes is filled up with a valid row, which nobody gets back."""
    service = requests(max_batch_size=8, allowed_batch_sizes=(2, 4, 8))
    assert service.run([7], [8], [9]) == [[14], [16], [18]]
    assert [run.tolist() for run in service.session.runs] == [[[7], [8], [9], [7]]]


def test_run_different_shapes_do_not_share_a_batch(requests):
    """Rows of different shapes run apart; those of one shape still run together."""
    service = requests(max_batch_size=2, batch_timeout_micros=FOREVER)
    answers = [service.start([1]), service.start([1, 2]), service.start([2]), service.start([3, 4])]
    assert [answer.result() for answer in answers] == [[[2]], [[2, 4]], [[4]], [[6, 8]]]
    assert sorted(run.shape for run in service.session.runs) == [(2, 1), (2, 2)]


def test_run_different_outputs_do_not_share_a_batch(requests):
    """Requests for other outputs have another run."""
    service = requests(max_batch_size=2, batch_timeout_micros=FOREVER)
    other = Doubler()
    answers = [service.start([1]), service.start([2], fetches=("z",), session=other), service.start([3])]
    assert [answers[0].result(), answers[2].result()] == [[[2]], [[6]]]
    service.run([4], fetches=("z",), session=other)
    assert answers[1].result() == [[4]]
    assert [[len(run) for run in session.runs] for session in (service.session, other)] == [[2], [2]]


def test_run_servables_share_threads_but_no_batch(requests):
    """Requests to two servables with inputs and outputs of the same names each run in their own."""
    service = requests(max_batch_size=2, batch_timeout_micros=FOREVER)
    other, session = Batcher(service.scheduler, service.scheduler.parameters), Doubler()
    waiting = service.start([1])
    assert other.run({"x": np.array([[5], [6]])}, ("y",), PATIENCE_MS, session)[0].tolist() == [[10], [12]]
    assert (service.run([2]), waiting.result()) == ([[4]], [[2]])
    assert [[len(run) for run in one.runs] for one in (service.session, session)] == [[2], [2]]


def test_run_different_shapes_are_padded_to_fit_if_allowed(requests):
    """With pad_variable_length_inputs shorter rows are filled up with their own first value."""
    service = requests(max_batch_size=2, batch_timeout_micros=FOREVER, pad_variable_length_inputs=True)
    short, long = service.start([5]), service.start([1, 2, 3])
    assert (short.result(), long.result()) == ([[10, 10, 10]], [[2, 4, 6]])
    assert len(service.session.runs) == 1


def test_run_too_many_rows_are_refused(requests):
    """A request larger than a batch may be is refused in TensorFlow Serving's words."""
    with pytest.raises(InvalidArgumentError, match=r"Task size 3 is larger than maximum input batch size 2$"):
        requests(max_batch_size=2).run([1], [2], [3])


def test_run_large_request_is_cut_up_if_allowed(requests):
    """With enable_large_batch_splitting the pieces run apart and the answer is whole."""
    service = requests(max_batch_size=8, enable_large_batch_splitting=True, max_execution_batch_size=2)
    assert service.run([1], [2], [3], [4], [5]) == [[2], [4], [6], [8], [10]]
    assert [len(run) for run in service.session.runs] == [2, 2, 1]


def test_run_inputs_of_unequal_sizes_are_refused(requests):
    """All inputs of a request must have the same number of rows."""
    service = requests()
    with pytest.raises(InvalidArgumentError, match="input tensors must have equal 0th-dimension size"):
        service.batcher.run({"x": np.zeros(2), "w": np.zeros(3)}, ("y",), None, service.session)


@pytest.mark.parametrize("value", [np.int64(3), np.zeros((0, 2))], ids=["scalar", "no rows"])
def test_run_inputs_without_rows_run_alone(requests, value):
    """A request that cannot be merged with others runs by itself, in its own thread."""
    service = requests(batch_timeout_micros=FOREVER)
    (output,) = service.batcher.run({"x": value}, ("y",), None, service.session)
    np.testing.assert_array_equal(output, value * 2)


def test_run_full_queue_refuses(requests, eventually):
    """A request is refused at once with UNAVAILABLE when no further batch may wait."""
    service = requests(max_batch_size=2, batch_timeout_micros=FOREVER, max_enqueued_batches=1)
    waiting = service.start([1])
    service.wait(eventually)
    with pytest.raises(
        UnavailableError,
        match=r"The batch scheduling queue to which this task was submitted is full; "
        r"currently 1 batches enqueued and max_enqueued_batches is 1$",
    ):
        service.run([2], [3])
    assert (service.run([4]), waiting.result()) == ([[8]], [[2]])


def test_run_deadline_in_queue_is_told_and_not_run(requests):
    """A request whose time is over before its turn comes fails, and costs no run."""
    service = requests(max_batch_size=8)
    service.session.gate.clear()
    running = service.start([1])
    assert service.session.begun.wait(60)
    with pytest.raises(StatusError, match=r"Run\(\) timeout exceeded while waiting in batching queue") as error:
        service.run([2], timeout_ms=1)
    assert error.value.code is Code.RESOURCE_EXHAUSTED
    service.session.gate.set()
    assert (running.result(), service.run([3])) == ([[2]], [[6]])
    assert [run.tolist() for run in service.session.runs] == [[[1]], [[3]]]


def test_run_deadline_in_queue_frees_the_room(requests, eventually):
    """A request that gave up takes no room in its batch, and a batch of nobody none in the queue."""
    service = requests(max_batch_size=3, batch_timeout_micros=FOREVER, max_enqueued_batches=1)
    with pytest.raises(StatusError, match="timeout exceeded while waiting"):
        service.run([1], timeout_ms=1)
    assert not service.scheduler._queues
    waiting = service.start([2])
    service.wait(eventually)
    with pytest.raises(StatusError, match="timeout exceeded while waiting"):
        service.run([3], timeout_ms=1)
    assert service.run([4], [5]) == [[8], [10]]
    assert waiting.result() == [[4]]
    assert [run.tolist() for run in service.session.runs] == [[[2], [4], [5]]]


def test_run_batch_has_the_time_of_its_most_patient_request(requests):
    """A short deadline does not end the run of the others, and none is none."""
    service = requests(max_batch_size=2, batch_timeout_micros=FOREVER)
    for timeouts in ((PATIENCE_MS, 10 * PATIENCE_MS), (PATIENCE_MS, None)):
        for answer in [service.start([1], timeout_ms=timeout) for timeout in timeouts]:
            answer.result()
    assert PATIENCE_MS < service.session.timeouts[0] <= 10 * PATIENCE_MS
    assert service.session.timeouts[1] is None


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (np.int64(1), "Batched output tensor has 0 dimensions"),
        (np.zeros(5), "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes"),
    ],
    ids=["scalar", "wrong rows"],
)
def test_run_output_without_the_batchs_rows_is_refused(requests, output, message):
    """An output that cannot be shared out is an error, not a guess."""
    with pytest.raises(StatusError, match=message) as error:
        requests().run([1], session=lambda feeds, timeout_ms: [output])
    assert error.value.code is Code.FAILED_PRECONDITION


def test_close_runs_what_waits_then_refuses(requests, eventually):
    """On closing, requests that wait are answered without further waiting; later ones are refused."""
    service = requests(max_batch_size=8, batch_timeout_micros=FOREVER)
    waiting = service.start([1])
    service.wait(eventually)
    service.scheduler.close(60)
    assert waiting.result() == [[2]]
    with pytest.raises(UnavailableError, match="stopping"):
        service.run([2])


def test_close_does_not_wait_for_a_run_without_end(requests):
    """A run that does not end keeps nobody from stopping."""
    service = requests(max_batch_size=8)
    service.session.gate.clear()
    running = service.start([1])
    assert service.session.begun.wait(60)
    service.scheduler.close(0)
    assert not running.done()
    service.session.gate.set()
    assert running.result() == [[2]]


def test_scheduler_has_as_many_threads_as_it_says(requests):
    """However many requests of however many kinds come, they run in as many threads as the parameters say."""
    before = set(threading.enumerate())
    service = requests(max_batch_size=2, num_batch_threads=3)
    threads = set(threading.enumerate()) - before
    assert len(threads) == 3
    ran_in = set()

    def run(feeds, timeout_ms):
        ran_in.add(threading.current_thread())
        return [feeds["x"]]

    for answer in [service.start([1] * (number % 7 + 1), session=run) for number in range(100)]:
        answer.result()
    assert ran_in <= threads
    assert not service.scheduler._queues


def test_run_failure_is_an_error_of_its_own_for_each_request(requests):
    """The requests of a batch that fails do not share one exception, into which each thread would write its stack."""
    service = requests(max_batch_size=2, batch_timeout_micros=FOREVER)
    cause = UnavailableError("away")

    def fail(feeds, timeout_ms):
        raise cause

    errors = [answer.exception() for answer in [service.start([number], session=fail) for number in range(2)]]
    assert [str(error) for error in errors] == ["UNAVAILABLE: away"] * 2
    assert len({id(error) for error in (*errors, cause)}) == 3


@pytest.fixture
def batching(tmp_path):
    """Return a function that writes a batching parameters file and gives the flags for it."""

    def flags(text):
        file = tmp_path / "batching.txt"
        file.write_text(text)
        return {"enable_batching": True, "batching_parameters_file": str(file)}

    return flags


def test_server_with_batching_answers_every_signature(models, run_server, tmp_path, batching):
    """Behind the flags numbers, strings, several inputs, and signatures without inputs work as without batching."""
    models.install(tmp_path / "gadgets")
    client = run_server(tmp_path / "gadgets", **batching("max_batch_size { value: 4 } allowed_batch_sizes: 4"))
    assert list(client.predict(x=[1.0, 3.0]).outputs["y"].float_val) == [2.5, 3.5]
    assert list(client.predict("text", text=[b"ab", b""]).outputs["loud"].string_val) == [b"AB", b""]
    assert list(client.predict("two", a=[1.0], b=[2.0]).outputs["total"].float_val) == [3.0]
    assert list(client.predict("describe").outputs["model_card"].string_val) == [b"card"]
    assert client.post({"instances": [1.0, 2.0, 3.0]}).json() == {"predictions": [2.5, 3.0, 3.5]}
    with pytest.raises(grpc.RpcError, match="Task size 5 is larger than maximum input batch size 4"):
        client.predict(x=[0.0] * 5)


def test_server_bad_row_fails_its_whole_batch(models, run_server, tmp_path, batching):
    """As in TensorFlow Serving, one row that the graph refuses fails all requests that ran with it."""
    models.install(tmp_path / "gadgets")
    text = f"max_batch_size {{ value: 2 }} batch_timeout_micros {{ value: {FOREVER} }}"
    client = run_server(tmp_path / "gadgets", **batching(text))
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(client.predict, "checked", x=[value]) for value in (1.0, float("nan"))]
        codes = [answer.exception().code().name for answer in answers]
    assert codes == ["INVALID_ARGUMENT"] * 2


def test_server_full_queue_refuses_clients(models, run_server, tmp_path, batching):
    """A request for which the queue has no room is refused at once, over either protocol; one that fits is answered."""
    models.install(tmp_path / "gadgets")
    text = (
        "max_batch_size { value: 2 } max_enqueued_batches { value: 1 } "
        "enable_large_batch_splitting { value: true } max_execution_batch_size { value: 1 }"
    )
    client = run_server(tmp_path / "gadgets", **batching(text))
    with pytest.raises(grpc.RpcError, match=r"The batch scheduling queue .* is full") as error:
        client.predict(x=[1.0, 1.0])
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    response = client.post({"instances": [1.0, 1.0]})
    assert response.status_code == 503
    assert "is full; currently 0 batches enqueued" in response.json()["error"]
    assert list(client.predict(x=[1.0]).outputs["y"].float_val) == [2.5]


def test_server_warms_up_beside_the_batch_threads(models, run_server, tmp_path, batching):
    """Warm-up does not go by the batch threads, where requests to other versions would wait behind it."""
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["x"].CopyFrom(tf.make_tensor_proto([1.0]))
    warmup = models.install(tmp_path / "gadgets") / "assets.extra" / "tf_serving_warmup_requests"
    warmup.parent.mkdir()
    with tf.io.TFRecordWriter(str(warmup)) as writer:
        writer.write(log.SerializeToString())
    before = list(BATCHES.lines())
    client = run_server(tmp_path / "gadgets", **batching(""))
    assert list(BATCHES.lines()) == before
    client.predict(x=[1.0])
    assert list(BATCHES.lines()) != before


def test_server_stop_does_not_wait_for_a_run_without_end(models, tmp_path, free_port, monkeypatch):
    """A batch that never ends does not keep the server from stopping."""
    monkeypatch.setattr(module, "_BATCHES_SECONDS", 0)
    models.install(tmp_path)
    server = Server(Options(host="127.0.0.1", port=free_port, model_base_path=str(tmp_path), enable_batching=True))
    server.start()
    session = Doubler()
    session.gate.clear()
    with ThreadPoolExecutor(1) as pool:
        batcher = Batcher(server._batches, server._batches.parameters)
        running = pool.submit(batcher.run, {"x": np.zeros((1, 1))}, ("y",), None, session)
        assert session.begun.wait(60)
        server.stop()
        assert not running.done()
        session.gate.set()


def test_server_wrong_per_model_parameters_refuse_the_version_before_its_load(run_server, tmp_path, batching):
    """An error in a version's own file is reported without loading the model."""
    (tmp_path / "gadgets" / "1").mkdir(parents=True)
    (tmp_path / "gadgets" / "1" / "batching_params.pbtxt").write_text("allowed_batch_sizes: 4")
    with pytest.raises(StatusError, match="Last entry in allowed_batch_sizes must match"):
        run_server(tmp_path / "gadgets", **batching(""), enable_per_model_batching_parameters=True)


def test_server_wrong_batching_parameters_stop_the_start(models, run_server, tmp_path, batching):
    """A file that breaks a rule is a reason not to start."""
    models.install(tmp_path / "gadgets")
    with pytest.raises(InvalidArgumentError, match="Last entry in allowed_batch_sizes must match max_batch_size"):
        run_server(tmp_path / "gadgets", **batching("allowed_batch_sizes: 4"))


def test_server_per_model_parameters_come_from_the_version(models, run_server, tmp_path, batching):
    """With --enable_per_model_batching_parameters a version's own file counts."""
    version = models.install(tmp_path / "gadgets")
    (version / "batching_params.pbtxt").write_text("max_batch_size { value: 1 }")
    flags = batching("max_batch_size { value: 4 }")
    client = run_server(tmp_path / "gadgets", **flags, enable_per_model_batching_parameters=True)
    with pytest.raises(grpc.RpcError, match="Task size 2 is larger than maximum input batch size 1"):
        client.predict(x=[1.0, 2.0])
