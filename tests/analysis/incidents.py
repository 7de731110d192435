"""Populations with a planted answer, as tables of text columns and a selection."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa


class Incident(NamedTuple):
    table: pa.Table
    selected: np.ndarray


def texts(values):
    return pa.array([None if v is None else str(v) for v in values], pa.string())


def errors_by_segment(seed=1, rows=19_160):
    """Failures where an enterprise tenant misses the cache; 500 more at random."""
    random = np.random.default_rng(seed)
    tier = random.choice(["free", "pro", "enterprise"], rows, p=[0.6, 0.34, 0.06])
    hit = random.random(rows) > 0.12
    failed = ((tier == "enterprise") & ~hit & (random.random(rows) < 0.5)) | (
        random.random(rows) < 0.027
    )
    columns = {
        "tenant.tier": texts(tier),
        "cache.hit": texts(np.where(hit, "true", "false")),
        "service.instance.id": texts(random.integers(0, 24, rows)),
        "http.request.method": texts(random.choice(["GET", "POST"], rows)),
        "request.id": texts(range(rows)),
        "payload.size": texts(random.integers(100, 90_000, rows)),
        "error.type": texts("timeout" if bad else None for bad in failed),
        "telemetry.sdk.name": texts(["opentelemetry"] * rows),
    }
    return Incident(pa.table(columns), failed)


def slow_endpoint(seed=2, rows=1_152):
    """Slow for enterprise tenants, most of whom have a flag that slows nothing."""
    random = np.random.default_rng(seed)
    enterprise = random.random(rows) < 0.042
    flag = random.random(rows) < np.where(enterprise, 0.6, 0.15)
    slow = np.where(enterprise, random.random(rows) < 0.9, random.random(rows) < 0.001)
    columns = {
        "tenant.tier": texts(np.where(enterprise, "enterprise", "free")),
        "feature_flag.fast_checkout": texts(np.where(flag, "true", "false")),
        "host.name": texts(random.choice(["a", "b", "c", "d"], rows)),
        "client.region": texts(random.choice(["eu", "us", None], rows)),
    }
    return Incident(pa.table(columns), slow)


def bad_deploy(seed=3, rows=2_752):
    """Three pods of a new version fail on three promotion codes."""
    random = np.random.default_rng(seed)
    pod = random.integers(0, 9, rows)
    code = random.choice([None, *(f"CODE{n}" for n in range(9))], rows)
    bad = (pod < 3) & np.isin(code, ["CODE1", "CODE2", "CODE3"])
    failed = (bad & (random.random(rows) < 0.95)) | (random.random(rows) < 0.004)
    columns = {
        "promo.code": texts(code),
        "k8s.pod.name": texts(f"cart-{n}" for n in pod),
        "k8s.pod.uid": texts(f"{n:032x}" for n in pod * 7919),
        "service.instance.id": texts(f"i-{n}" for n in pod),
        "service.version": texts(np.where(pod < 3, "2.0", "1.9")),
        "cart.items": texts(random.integers(1, 60, rows)),
    }
    return Incident(pa.table(columns), failed)
