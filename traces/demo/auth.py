"""The authentication service: whose token is it?"""

from flask import Flask, request
from flask.typing import ResponseReturnValue
from opentelemetry import trace

from traces.demo.patterns import work
from traces.demo.serving import run_service

VERIFY_MS = 2.0

app = Flask(__name__)


@app.post("/verify")
def verify() -> ResponseReturnValue:
    """The customer a token belongs to; 401 without one."""
    token = request.get_json().get("token")
    if not isinstance(token, str) or not token.startswith("customer-"):
        return {"error": "no such token"}, 401
    work(VERIFY_MS)
    trace.get_current_span().set_attribute("user.id", token)
    return {"customer_id": token}


if __name__ == "__main__":
    run_service("auth", app)
