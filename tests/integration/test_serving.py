"""Services: the recipes of the guide, asked over HTTP, and what serving installs."""

import json
import re
import socket
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import guide
import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklstm import BiLSTMClassifier

ROOT = Path(__file__).parents[2]
rng = np.random.default_rng(0)
X = [rng.normal(size=(2 + k % 3, 2)).round(3) for k in range(24)]
y = ["up" if x[:, 0].sum() > 0 else "down" for x in X]
RAGGED = [[[1.2, 0.3], [0.8, -0.1]], [[-0.9, 0.4], [-1.1, 0.0], [0.2, 0.7]]]


@pytest.fixture(scope="module")
def model():
    """A fitted classifier."""
    return BiLSTMClassifier(4, epochs=1, random_state=0).fit(X, y)


@contextmanager
def fastapi_at(code):
    """The address where uvicorn serves the app."""
    pytest.importorskip("fastapi")
    uvicorn = pytest.importorskip("uvicorn")
    exec(code, names := {})
    server = uvicorn.Server(uvicorn.Config(names["app"], log_config=None, ws="none"))
    # Whoever connects before uvicorn is ready waits in the queue of the socket.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/predict"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def http_server_at(code):
    """The address where the standard library serves."""
    changes = {"8000": "0", "server.serve_forever()": ""}
    for old, new in changes.items():
        assert old in code
        code = code.replace(old, new)
    exec(code, names := {})
    names["Handler"].log_message = lambda *_: None
    server: ThreadingHTTPServer = names["server"]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/predict"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module", params=["fastapi", "http.server"])
def address(request, model, tmp_path_factory):
    """Where a recipe of the guide serves the model."""
    file = tmp_path_factory.mktemp("served") / "model.joblib"
    joblib.dump(model, file)
    changes = {'"model.joblib"': repr(str(file))}
    code = guide.recipe("serving.md", request.param, changes)
    serve = {"fastapi": fastapi_at, "http.server": http_server_at}[request.param]
    with serve(code) as where:
        yield where


def post(address, content):
    """Status and JSON that come back."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    request = Request(address, body, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def as_rows(model, X):
    rows = model.predict_proba(X).tolist()
    return [dict(zip(model.classes_, row, strict=True)) for row in rows]


def test_ragged_sequences(address, model):
    """Over the wire comes what the model says, to the last bit."""
    assert post(address, RAGGED) == (200, as_rows(model, RAGGED))


def test_null_is_padding(address, model):
    """A timestep of nothing but null is not there."""
    padded = [RAGGED[0] + [[None, None]], RAGGED[1]]
    assert post(address, padded) == (200, as_rows(model, RAGGED))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([[[1.2, 0.3], [0.8]]], "Sequence 0 of X is ragged itself"),
        ([[[1.2], [0.8]]], "X has 1 features per timestep"),
        ([[[1.2, None]]], "NaN in only some features of a timestep"),
        ([], "X is an empty list"),
        (b"[[[1e999, 0.3]]]", "infinity or a value too large for float32"),
        ([[["text", 0.3]]], "number"),
        (b"[[[1.2, 0.3]", "Expecting|JSON decode error"),
    ],
    ids=["ragged", "features", "missing", "empty", "infinity", "text", "no JSON"],
)
def test_mistakes_of_the_client(address, content, message):
    """Status 422, and the message that sklstm has for them; the service goes on."""
    status, answer = post(address, content)
    assert status == 422
    assert re.search(message, json.dumps(answer))
    assert post(address, RAGGED)[0] == 200


def test_many_requests_at_once(address, model):
    """Each has the answer that it has alone."""
    requests = [X[k : k + 3] for k in range(20)]
    bodies = [[x.tolist() for x in request] for request in requests]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda body: post(address, body), bodies))
    assert answers == [(200, as_rows(model, request)) for request in requests]


def test_a_long_request_is_refused(model, tmp_path):
    """By the recipe without a framework, before it is read."""
    file = tmp_path / "model.joblib"
    joblib.dump(model, file)
    changes = {'"model.joblib"': repr(str(file)), "1_000_000": "100"}
    with http_server_at(guide.recipe("serving.md", "http.server", changes)) as where:
        client = HTTPConnection(where.split("/")[2], timeout=60)
        with closing(client):
            client.request("POST", "/predict", headers={"Content-Length": "101"})
            response = client.getresponse()
            assert response.status == 413
            assert json.load(response) == {"detail": "101 bytes came, 100 may"}
        assert post(where, RAGGED)[0] == 200


def test_the_guide_shows_one_request():
    """The JSON and the string that is read are the same."""
    text = (guide.GUIDE / "serving.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```json\n(.*?)```", text, re.S)
    (read,) = re.findall(r'ragged = "(.*?)"', text)
    assert_array_equal(json.loads(shown)[1], json.loads(read)[1])
    assert json.loads(shown) == json.loads(read) == RAGGED


def test_serving_installs_what_predicting_needs():
    """The dependencies of sklstm with the same bounds, less those that train."""
    all_of_it, serving = (
        tomllib.loads((ROOT / file).read_text(encoding="utf-8"))["project"]
        for file in ("pyproject.toml", ".ci/serving/pyproject.toml")
    )
    training = {"tensorflow", "keras", "scikeras"}
    expected = {
        requirement
        for requirement in all_of_it["dependencies"]
        if re.split(r"\W", requirement)[0] not in training
    }
    assert set(serving["dependencies"]) == expected
    assert all_of_it["requires-python"].startswith(serving["requires-python"])
