"""What is worked out once per source, so that an alert costs microseconds."""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from bridge.accounts.directory import Snapshot
from bridge.accounts.model import Source, SourceSettings
from bridge.kit.addresses import Address, Networks
from bridge.kit.clock import Clock
from bridge.kit.vault import KeyFileProblem, Vault
from bridge.webhooks.rates import Bucket
from bridge.webhooks.senders import preset_networks
from bridge.webhooks.signature import Verifier

_TRADINGVIEW = preset_networks("tradingview")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gate:
    """One source's controls. Without `usable`, nobody gets in: its stored settings cannot be read."""

    source: Source
    bucket: Bucket
    allowed: Networks = field(default_factory=Networks)  # empty = whoever knows the secret
    verifier: Verifier | None = None
    usable: bool = True

    def lets_in(self, sender: Address | None) -> bool:
        """Whether that address may send."""
        return not self.allowed or sender in self.allowed

    def proofs(self, sender: Address | None) -> tuple[str, ...]:
        """What the address proves, in sentences."""
        if sender in _TRADINGVIEW:
            return ("from TradingView's address",)
        return ("from an address on the source's list",) if self.allowed else ()


def seal_context(source_id: str) -> str:
    """What a source's signing secret is sealed with."""
    return f"sources.{source_id}.signing"


class Gates:
    """The gates of the sources that have sent something, renewed when a source's settings change."""

    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._gates: dict[str, Gate] = {}

    def __len__(self) -> int:
        return len(self._gates)

    def of(self, source: Source, snapshot: Snapshot) -> Gate:
        """The gate of a source of that snapshot."""
        gate = self._gates.get(source.id)
        if gate is None or gate.source is not source:
            self._forget_others(snapshot)
            gate = self._gates[source.id] = self._renewed(source, gate)
        return gate

    def _renewed(self, source: Source, old: Gate | None) -> Gate:
        bucket = Bucket.of(source.settings, self._clock.monotonic())
        if old is not None and (old.bucket.per_minute, old.bucket.burst) == (bucket.per_minute, bucket.burst):
            bucket = old.bucket  # a change of something else does not refill it
        try:
            return Gate(source, bucket, _allowed(source.settings), self._verifier(source))
        except (KeyFileProblem, ValueError) as problem:
            _log.error("source_unusable", source=source.id, reason=str(problem))
            return Gate(source, bucket, usable=False)

    def _verifier(self, source: Source) -> Verifier | None:
        sealed = source.settings.signing_secret
        return Verifier(self._vault.unseal(sealed, seal_context(source.id))) if sealed else None

    def _forget_others(self, snapshot: Snapshot) -> None:
        if len(self._gates) > len(snapshot.sources):
            self._gates = {known: gate for known, gate in self._gates.items() if known in snapshot.sources}


def _allowed(settings: SourceSettings) -> Networks:
    """The source's own list and its preset's published addresses together; empty when there is neither."""
    own, preset = Networks.parse(settings.allowed_senders), preset_networks(settings.preset)
    return Networks(own.addresses | preset.addresses, own.networks + preset.networks)
