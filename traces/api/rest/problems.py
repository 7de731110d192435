"""What is wrong with a request, as JSON: which parameter, and what to write instead."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from traces.query import QueryError
from traces.search.form import FieldError, FormError
from traces.search.problems import RETRY_AFTER_SECONDS, problem_of
from traces.store.base import StoreError

View = Callable[..., Any]


def answers_problems(*parameters: str) -> Callable[[View], View]:
    """A view that refuses other parameters, and answers what the store raises."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answering(request: Request, **kwargs: Any) -> Any:
            try:
                refuse_unknown(request, parameters)
                return view(request, **kwargs)
            except FormError as error:
                return refusal(error.errors)
            except (QueryError, StoreError) as error:
                return failure(error)

        return answering

    return decorate


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    unknown = sorted(set(request.query_params) - {*known, "format"})
    if unknown:
        offered = ", ".join(known) or "none"
        message = f"there is no such parameter; known are: {offered}"
        raise FormError(FieldError(name, message) for name in unknown[:10])


def refusal(errors: Iterable[FieldError]) -> Response:
    described = [describe(error) for error in errors]
    return Response({"errors": described}, status=400)


def describe(error: FieldError) -> dict[str, Any]:
    described: dict[str, Any] = {
        "parameter": error.parameter,
        "message": error.message,
    }
    if error.position is not None:
        described["position"] = error.position
    return described


def failure(error: QueryError | StoreError) -> Response:
    problem = problem_of(error)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if problem.status == 503 else {}
    message = f"{problem.title}. {problem.advice}"
    body = {"errors": [{"message": message}]}
    return Response(body, status=problem.status, headers=headers)
