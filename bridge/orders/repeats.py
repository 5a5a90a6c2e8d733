"""Under which name an alert may come only once."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from bridge.domain.intent import Kind
from bridge.kit.clock import micros
from bridge.orders.case import Case
from bridge.orders.journal import Claim

ID_MAX = 150
ID_KEPT = timedelta(days=7)
SCAN_KEPT = timedelta(minutes=10)
# TradingView sends an alert that met a 5xx again after 5 s, at most three times.
TRADINGVIEW_RESENDS_S = 20.0


def claim_for(case: Case, body_hash: str) -> Claim:
    """The sender's own id, kept for a week; else the body, inside a window."""
    arrival, reading, now = case.arrival, case.reading, case.arrival.received_at
    if arrival.replay_of and arrival.idempotency_key:
        return Claim(f"replay:{_short(arrival.idempotency_key)}", micros(now + ID_KEPT), strict=True)
    if arrival.replay_of:
        return Claim(f"replay:{case.id}", micros(now), strict=False)
    own_id = arrival.idempotency_key or reading.dedupe_value
    if own_id:
        return Claim(f"id:{_short(own_id)}", micros(now + ID_KEPT), strict=True)
    if reading.alert_time and reading.kind is Kind.SCAN:
        return Claim(f"scan:{now:%Y-%m-%d}:{body_hash}", micros(now + SCAN_KEPT), strict=False)
    window = case.strategy.settings.dedupe_window_s
    if arrival.source.settings.preset == "tradingview":
        window = max(window, TRADINGVIEW_RESENDS_S)
    return Claim(f"body:{body_hash}", micros(now + timedelta(seconds=window)), strict=False)


def _short(own_id: str) -> str:
    return own_id if len(own_id) <= ID_MAX else hashlib.sha256(own_id.encode()).hexdigest()
