"""How much Jaeger's clients are told to sample."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.receivers.jaeger_model import message, parsed
from tests.receivers.serving import Response, Running, running
from tests.receivers.test_jaeger_http import call
from traces.receivers.sampling import BadStrategies, StrategyFile, parse_strategies

GET_STRATEGY = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy"
DOCUMENT = {
    "default_strategy": {
        "type": "probabilistic",
        "param": 0.5,
        "operation_strategies": [
            {"operation": "/health", "type": "probabilistic", "param": 0.0},
            {"operation": "/metrics", "type": "probabilistic", "param": 0.0},
        ],
    },
    "service_strategies": [
        {
            "service": "shop",
            "type": "probabilistic",
            "param": 0.8,
            "operation_strategies": [
                {"operation": "pay", "type": "probabilistic", "param": 1},
                {"operation": "/health", "type": "probabilistic", "param": 0.1},
            ],
        },
        {"service": "cart", "type": "ratelimiting", "param": 5},
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "strategies.json"
    path.write_text(json.dumps(DOCUMENT))
    return path


def ask(server: Running, path: str) -> Response:
    return server.request("GET", path, port=server.jaeger.sampling)


def strategy(server: Running, service: str, path: str = "/sampling") -> Any:
    answer = ask(server, f"{path}?service={service}")
    assert answer.code == 200
    assert answer.headers["content-type"] == "application/json"
    return json.loads(answer.body)


def rates(answer: Any) -> dict[str, float]:
    return {
        each["operation"]: each["probabilisticSampling"]["samplingRate"]
        for each in answer["operationSampling"]["perOperationStrategies"]
    }


def test_without_a_file_every_trace_is_sampled():
    with running() as server:
        assert strategy(server, "shop") == {
            "strategyType": "PROBABILISTIC",
            "probabilisticSampling": {"samplingRate": 1.0},
        }


def test_the_oldest_clients_are_told_a_number_for_the_type():
    with running() as server:
        assert strategy(server, "shop", "/")["strategyType"] == 0


@pytest.mark.parametrize("query", ["", "?service=a&service=b", "?services=a"])
def test_the_service_must_be_given_exactly_once(query):
    with running() as server:
        answer = ask(server, f"/sampling{query}")
        assert answer.code == 400
        assert b"exactly once" in answer.body


def test_too_many_parameters_and_other_paths_and_methods_are_refused():
    with running() as server:
        assert ask(server, "/sampling?" + "a=1&" * 100 + "service=x").code == 400
        assert ask(server, "/other?service=x").code == 404
        port = server.jaeger.sampling
        assert server.request("POST", "/sampling?service=x", b"", port=port).code == 405
        assert ask(server, "/healthz").code == 200


def test_a_service_of_the_file_has_its_own_strategy(file):
    with running(strategies=str(file)) as server:
        shop = strategy(server, "shop")
        assert shop["probabilisticSampling"] == {"samplingRate": 0.8}
        assert shop["operationSampling"]["defaultSamplingProbability"] == 0.8
        assert shop["operationSampling"]["defaultLowerBoundTracesPerSecond"] == 0
        assert rates(shop) == {"/health": 0.1, "/metrics": 0.0, "pay": 1.0}
        other = strategy(server, "never%20heard%20of")
        assert other["probabilisticSampling"] == {"samplingRate": 0.5}
        assert rates(other) == {"/health": 0.0, "/metrics": 0.0}


def test_a_rate_is_told_and_operations_of_the_default_hold_beside_it(file):
    with running(strategies=str(file)) as server:
        cart = strategy(server, "cart")
        assert cart["strategyType"] == "RATE_LIMITING"
        assert cart["rateLimitingSampling"] == {"maxTracesPerSecond": 5}
        assert rates(cart) == {"/health": 0.0, "/metrics": 0.0}
        assert cart["operationSampling"]["defaultSamplingProbability"] == 0.001


def test_over_grpc_the_same_is_told(file):
    with running(strategies=str(file)) as server:

        def asked(service: str) -> Any:
            question = message("SamplingStrategyParameters", service_name=service)
            answer = call(server, GET_STRATEGY, question.SerializeToString())
            return parsed("SamplingStrategyResponse", answer)

        shop, cart = asked("shop"), asked("cart")
        assert (shop.strategy_type, cart.strategy_type) == (0, 1)
        assert shop.probabilistic_sampling.sampling_rate == 0.8
        assert cart.rate_limiting_sampling.max_traces_per_second == 5
        operations = shop.operation_sampling.per_operation_strategies
        assert {
            each.operation: each.probabilistic_sampling.sampling_rate
            for each in operations
        } == {"/health": 0.1, "/metrics": 0.0, "pay": 1.0}
        assert shop.operation_sampling.default_sampling_probability == 0.8


def rewrite(path: Path, content: str) -> None:
    path.write_text(content)
    before = path.stat().st_mtime_ns
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def test_a_changed_file_is_read_again(file):
    strategies = StrategyFile(str(file))
    assert strategies.current().of("x").param == 0.5
    default = {"type": "probabilistic", "param": 0.25}
    rewrite(file, json.dumps({"default_strategy": default}))
    assert strategies.current().of("x").param == 0.25


def test_a_file_that_became_bad_is_told_and_the_old_one_goes_on(file, caplog):
    strategies = StrategyFile(str(file))
    with caplog.at_level(logging.ERROR):
        rewrite(file, "{")
        assert strategies.current().of("x").param == 0.5
        file.unlink()
        assert strategies.current().of("x").param == 0.5
        strategies.current()
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    assert "is not JSON" in caplog.text


def operations(*entries: Any) -> dict[str, Any]:
    default = {"type": "probabilistic", "param": 1, "operation_strategies": [*entries]}
    return {"default_strategy": default}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "the document is not an object"),
        ({"default_strategy": 7}, "default_strategy is not an object"),
        ({"default_strategy": {}}, "default_strategy: type is missing"),
        ({"default_strategy": {"type": "adaptive"}}, "'adaptive' is neither"),
        ({"default_strategy": {"type": "probabilistic"}}, "param is missing"),
        (
            {"default_strategy": {"type": "probabilistic", "param": 1.5}},
            "param 1.5 is not between 0 and 1",
        ),
        (
            {"default_strategy": {"type": "ratelimiting", "param": -1}},
            "param -1 is not between",
        ),
        (
            {"default_strategy": {"type": "ratelimiting", "param": True}},
            "param is missing or no number",
        ),
        ({"service_strategies": {}}, "service_strategies is not a list"),
        ({"service_strategies": [7]}, r"service_strategies\[0\] is not an object"),
        (
            {"service_strategies": [{"type": "probabilistic", "param": 1}]},
            r"service_strategies\[0\]: service is missing",
        ),
        (
            {
                "service_strategies": [
                    {"service": "a", "type": "probabilistic", "param": 1}
                ]
                * 2
            },
            r"service_strategies\[1\]: a second strategy for 'a'",
        ),
        (
            operations({"operation": "x", "type": "ratelimiting", "param": 1}),
            r"operation_strategies\[0\]: type 'ratelimiting' is not probabilistic",
        ),
        (
            operations({"type": "probabilistic", "param": 1}),
            r"operation_strategies\[0\]: operation is missing",
        ),
    ],
)
def test_a_bad_document_says_where_and_why(document, reason):
    with pytest.raises(BadStrategies, match=reason):
        parse_strategies(document)


@pytest.mark.parametrize("command", ["ingest", "serve"])
def test_a_bad_file_stops_the_start_with_its_setting(settings, tmp_path, command):
    settings.DATA_DIR = tmp_path
    settings.SAMPLING_STRATEGIES_FILE = str(tmp_path / "nowhere.json")
    with pytest.raises(CommandError, match=r"SAMPLING_STRATEGIES_FILE.*cannot be read"):
        call_command(command)


def test_a_file_that_is_too_large_is_refused(tmp_path):
    path = tmp_path / "large.json"
    path.write_bytes(b" " * ((4 << 20) + 1))
    with pytest.raises(BadStrategies, match="over"):
        StrategyFile(str(path))
