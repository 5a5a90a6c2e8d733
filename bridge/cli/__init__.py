"""The command line."""

from __future__ import annotations

import click

from bridge.cli.lazy import LazyCommands, LazyGroup

COMMANDS = {
    "account": ("bridge.cli.account:group", "Connections to brokers."),
    "alert": ("bridge.cli.alert:group", "What came in, and what became of it."),
    "approval": ("bridge.cli.approval:group", "What waits for a person's yes."),
    "bench": ("bridge.cli.bench:command", "Measure this machine, and the product on it."),
    "db": ("bridge.cli.db:group", "The database: upgrade, back up, restore, check."),
    "demo": ("bridge.cli.demo:command", "Start a ready-made Bridge with practice money."),
    "dispatch": ("bridge.cli.serve:dispatch", "Run a dispatcher only."),
    "doctor": ("bridge.cli.doctor:command", "Look for what is missing or wrong, and say what to do."),
    "key": ("bridge.cli.key:group", "API keys."),
    "panic": ("bridge.cli.panic:command", "Stop trading, or let it go on."),
    "source": ("bridge.cli.source:group", "Webhook addresses."),
    "strategy": ("bridge.cli.strategy:group", "Rules for what sources send."),
    "translate": ("bridge.cli.translate:command", "Show what an alert would become."),
    "up": ("bridge.cli.serve:up", "Run everything in one process."),
    "user": ("bridge.cli.user:group", "People."),
    "web": ("bridge.cli.serve:web", "Run webhooks, pages and API only."),
}


@click.group(cls=LazyGroup, commands=LazyCommands(COMMANDS), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bridge-trading", prog_name="bridge")
def main() -> None:
    """From a trading signal to an order at your broker: webhooks, many brokers, paper trading."""
