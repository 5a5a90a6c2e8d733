"""Every setting of the installation, from `BRIDGE_*` variables, `.env`, or `BRIDGE_*_FILE` naming a secret's file."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict


class _FromFiles(PydanticBaseSettingsSource):
    """`BRIDGE_DATABASE_URL_FILE=/run/secrets/url` gives the file's content to `database_url`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"BRIDGE_{field_name.upper()}_FILE")
        return (Path(path).read_text(encoding="utf-8").strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class Settings(BaseSettings):
    """The installation's settings; the README's table is made from these lines."""

    model_config = SettingsConfigDict(env_prefix="BRIDGE_", env_file=".env", extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on; anything but loopback needs a TLS proxy in front")
    port: int = Field(8000, ge=0, le=65535, description="HTTP port; 0 takes a free one")
    ws_port: int = Field(8765, ge=1, le=65535, description="Port of the streaming proxy")
    data_dir: Path = Field(Path("./var"), description="Where the database, keys and logs live")
    database_url: str | None = Field(
        None,
        pattern=r"^(sqlite|postgresql)://",
        description="`postgresql://…` or `sqlite:///…`; without it, `bridge.db` in the data directory",
    )
    key_file: Path | None = Field(
        None, description="Master keys, mode 0600; without it, `master.key` in the data directory"
    )
    public_url: str | None = Field(None, description="The https address that senders use; printed in webhook addresses")
    trusted_proxies: str = Field(
        "", description="Comma list of proxy addresses or networks whose X-Forwarded-For is believed"
    )
    market: Literal["none", "simulated"] = Field(
        "none", description="Where prices come from without a data account: none, or simulated"
    )
    always_open: bool = Field(False, description="Treat every market as open; only with the simulated market")
    market_seed: int = Field(20261121, description="Seed of the simulated market")
    log_level: str = Field(
        "INFO", pattern="^(?i:DEBUG|INFO|WARNING|ERROR|CRITICAL)$", description="DEBUG, INFO, WARNING or ERROR"
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="auto is coloured text on a terminal, JSON elsewhere"
    )
    log_file: Path | None = Field(None, description="Also write JSON lines here, rotated at 10 MB, five kept")
    max_in_flight: int = Field(2000, ge=1, description="Alerts being answered at once; more get 503")
    secure_cookies: bool = Field(
        False, description="Mark session cookies Secure; on by itself when the public URL is https"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then secret files, then variables, then `.env`."""
        return init_settings, _FromFiles(settings_cls), env_settings, dotenv_settings

    @model_validator(mode="after")
    def _open_only_in_play(self) -> Settings:
        if self.always_open and self.market != "simulated":
            raise ValueError("BRIDGE_ALWAYS_OPEN goes only with BRIDGE_MARKET=simulated: real markets have hours")
        return self

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir / 'bridge.db'}"

    @property
    def keys(self) -> Path:
        """The master key file."""
        return self.key_file or self.data_dir / "master.key"

    @property
    def base_url(self) -> str:
        """Where people and senders reach this installation."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


@lru_cache(maxsize=1)
def load() -> Settings:
    """The settings of this process."""
    return Settings()
