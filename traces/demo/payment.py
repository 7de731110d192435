"""The payment service: validates, charges the card, saves, and says where it failed."""

import uuid
from dataclasses import dataclass
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from traces.demo.patterns import Pattern, current_pattern, work
from traces.demo.serving import run_service
from traces.demo.sql import DatabaseFailed, execute

VALIDATE_MS = 5.0
CARD_NETWORK_MS = 35.0
CARD_NETWORK = "card-network.example"
CURRENCIES = ("EUR", "USD", "GBP")

app = Flask(__name__)
tracer = trace.get_tracer("shop.payment", "1.4.2")


class PaymentRefused(Exception):
    """The payment asks for something we do not sell."""


class CardNetworkError(Exception):
    """The card network took no charge."""


@dataclass(frozen=True)
class Payment:
    """What to charge: `amount` in whole units of `currency`."""

    id: str
    amount: float
    currency: str

    @property
    def attributes(self) -> dict[str, str | float]:
        """The payment as span attributes."""
        return {
            "payment.id": self.id,
            "payment.amount": self.amount,
            "payment.currency": self.currency,
        }


class PaymentService:
    """Takes payments, one span a step."""

    def process(self, payment: Payment) -> None:
        """Validates, charges and saves; whatever fails is on the span and raised on."""
        with tracer.start_as_current_span(
            "payment.process",
            attributes=payment.attributes,
            # Recorded below, once, with the words of the error.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                self.validate(payment)
                self.charge(payment)
                self.save(payment)
            except Exception as error:
                span.record_exception(error)
                span.set_status(StatusCode.ERROR, str(error))
                raise

    def validate(self, payment: Payment) -> None:
        """Refuses amounts and currencies we do not take."""
        with tracer.start_as_current_span("validate") as span:
            span.add_event(
                "Validating payment request", {"payment.currency": payment.currency}
            )
            work(VALIDATE_MS)
            if payment.currency not in CURRENCIES or payment.amount <= 0:
                raise PaymentRefused(
                    f"no payments of {payment.amount} in this currency"
                )

    def charge(self, payment: Payment) -> None:
        """Asks the card network for the money."""
        with tracer.start_as_current_span("charge", attributes=payment.attributes):
            authorize(payment)

    def save(self, payment: Payment) -> None:
        """Writes the payment down."""
        with tracer.start_as_current_span("save"):
            execute("insert_payment", payment.id, payment.amount, payment.currency)


def authorize(payment: Payment) -> None:
    """One call to a peer that sends no spans of its own."""
    attributes: dict[str, str | int] = {
        "peer.service": "card-network",
        "server.address": CARD_NETWORK,
        "server.port": 443,
        "payment.id": payment.id,
    }
    with tracer.start_as_current_span(
        "POST /v1/authorizations", kind=SpanKind.CLIENT, attributes=attributes
    ):
        if current_pattern() is Pattern.CASCADE:
            raise CardNetworkError(f"{CARD_NETWORK}:443 refused the connection")
        work(CARD_NETWORK_MS)


@app.post("/payments")
def create_payment() -> ResponseReturnValue:
    """Takes one payment; 422 if we refuse it, 503 if something behind us fails."""
    payment = _requested_payment(request.get_json())
    with tracer.start_as_current_span(
        "create_payment", attributes=payment.attributes
    ) as span:
        span.set_attribute("http.method", request.method)
        span.set_attribute("http.url", request.url)
        _take(payment)
    return {"payment_id": payment.id}, 201


@app.errorhandler(PaymentRefused)
def refused(error: PaymentRefused) -> ResponseReturnValue:
    """Answers 422 for a payment we do not take."""
    return {"error": str(error)}, 422


@app.errorhandler(CardNetworkError)
@app.errorhandler(DatabaseFailed)
def unavailable(error: Exception) -> ResponseReturnValue:
    """Answers 503 when the card network or the database fails."""
    trace.get_current_span().record_exception(error)
    return {"error": str(error)}, 503


def _take(payment: Payment) -> None:
    try:
        PaymentService().process(payment)
    except CardNetworkError as error:
        execute("insert_failed_payment", payment.id, payment.amount, str(error))
        raise


def _requested_payment(body: dict[str, Any]) -> Payment:
    try:
        amount = float(body["amount"])
    except (KeyError, TypeError, ValueError):
        raise PaymentRefused("a payment needs an amount") from None
    return Payment(f"pay-{uuid.uuid4().hex[:12]}", amount, str(body.get("currency")))


if __name__ == "__main__":
    run_service("payment", app)
