"""What proves a sender."""

from __future__ import annotations

from bridge.webhooks.senders import is_tradingview_certificate


def test_the_certificates_subject_is_compared_part_by_part() -> None:
    assert is_tradingview_certificate(r"CN=TradingView Webhooks,O=TradingView\, Inc.,L=Westerville,ST=Ohio,C=US")
    assert is_tradingview_certificate(r"C=US,O=TradingView\, Inc.,CN=TradingView Webhooks")
    assert not is_tradingview_certificate(r"CN=TradingView Webhooks,OU=TradingView\, Inc.,O=Other")
    assert not is_tradingview_certificate("")
