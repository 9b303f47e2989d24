"""What every process of an installation must be told, and reading it all at once."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from groundwork.redis_address import SCHEMES, SENTINEL_SCHEME, read_sentinel_address
from groundwork.settings import SettingsError, read_settings

# What deploy/redis-users.acl has in the place of a password.
PLACEHOLDER: Final = "CHANGE-ME"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The stores, the secrets and the logs; the environment has them in upper case (REDIS_URL)."""

    # redis://[user:password@]host[:port][/database], rediss:// for TLS, unix:///path, or
    # redis+sentinel://[user:password@]host[:port],host[:port],…/name-of-primary[/database].
    redis_url: str
    # postgresql://user:password@host:port/database
    database_url: str
    # Made by `onsale keys new`; every process of one installation needs the same one.
    keys_file: str
    # For each process. Eight: it has few statements under way at once, and all processes together
    # must stay under the server's limit of connections.
    database_connections: Annotated[int, msgspec.Meta(ge=2, le=100)] = 8
    # Planning each statement anew costs more than running it. False behind a PgBouncer before 1.21 in
    # transaction mode: it hands a connection to others, and they do not know what was prepared on it.
    database_prepares: bool = True
    # Where fans come in, for the operator listener to look whether anybody answers there.
    public_host: str = "127.0.0.1"
    # 0: it does not look.
    public_port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] = 0
    # Where all processes of one machine keep their numbers. Empty: each has only its own.
    prometheus_multiproc_dir: str = ""
    # One JSON object a line is for machines; `console` is for people.
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def __post_init__(self) -> None:
        """Refuse addresses of something else, and the passwords of examples."""
        for name in ("redis_url", "database_url"):
            if PLACEHOLDER in getattr(self, name).upper():
                raise ValueError(
                    f"{name.upper()} has the password of an example: make one of yours"
                )
        if not self.redis_url.startswith(SCHEMES):
            raise ValueError(f"REDIS_URL must begin with one of {', '.join(SCHEMES)}")
        if self.redis_url.startswith(SENTINEL_SCHEME):
            read_sentinel_address(self.redis_url)
        if not self.database_url.startswith(("postgresql://", "postgres://")):
            raise ValueError("DATABASE_URL must begin with postgresql://")


def read_all(
    environ: Mapping[str, str], *kinds: type[msgspec.Struct]
) -> tuple[msgspec.Struct, ...]:
    """Return settings of each kind. Raises SettingsError with a line for every wrong one of all."""
    settings: list[msgspec.Struct] = []
    # A setting that two kinds share is wrong once.
    wrong: dict[str, None] = {}
    for kind in kinds:
        try:
            settings.append(read_settings(kind, environ))
        except SettingsError as error:
            wrong.update(dict.fromkeys(str(error).splitlines()))
    if wrong:
        raise SettingsError("\n".join(wrong))
    return tuple(settings)
