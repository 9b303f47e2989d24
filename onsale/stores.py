"""The stores of `onsale up`: those of the environment, else private servers of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from onsale.cannot_start import CannotStart
from onsale.data_dir import DataDir
from onsale.embedded.binaries import find_postgres, find_redis
from onsale.embedded.postgres_server import PostgresServer, unprivileged_uid
from onsale.embedded.redis_server import RedisServer, answers
from onsale.embedded.running import Server


@dataclass(frozen=True)
class Stores:
    """The stores in use, and the embedded servers among them."""

    redis_url: str
    database_url: str
    servers: tuple[Server, ...]
    origins: tuple[str, str]

    async def prove_redis(self) -> None:
        """Raise CannotStart unless Redis answers."""
        if not await answers(self.redis_url):
            raise CannotStart(
                "The Redis of REDIS_URL does not answer: start it, or unset REDIS_URL."
            )


def find_stores(data_dir: DataDir, environ: Mapping[str, str]) -> Stores:
    """Return the stores: those of the environment, else embedded ones. Raises CannotStart."""
    servers: list[Server] = []
    redis_url, database_url = environ.get("REDIS_URL", ""), environ.get("DATABASE_URL", "")
    origins = ["REDIS_URL", "DATABASE_URL"]
    if not redis_url:
        redis = RedisServer(
            binaries=find_redis(environ.get("PATH")),
            data_dir=data_dir.path / "redis",
            socket=data_dir.run / "redis" / "redis.sock",
            log_path=data_dir.logs / "redis.log",
        )
        servers.append(redis)
        redis_url, origins[0] = redis.url, redis.binaries.origin
    if not database_url:
        postgres = PostgresServer.find(
            find_postgres(environ.get("PATH")),
            data_dir=data_dir.postgres_dir(for_another_user=unprivileged_uid() is not None),
            socket_dir=data_dir.run / "postgres",
            log_path=data_dir.logs / "postgres.log",
        )
        servers.append(postgres)
        database_url, origins[1] = postgres.url, postgres.binaries.origin
    return Stores(redis_url, database_url, tuple(servers), (origins[0], origins[1]))
