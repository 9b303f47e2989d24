"""A drand chain of the tests' own: its key, its rounds, and a server that speaks drand's wire format."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from py_arkworks_bls12381 import G1Point, G2Point, Scalar

from gateway.draw.beacon import SIGNED_TO, Chain
from tests.support.opening import served

SECRET = Scalar(0x5EED)
CHAIN_HASH = "00" * 31 + "01"
CHAIN = Chain(
    name="tests-own",
    chain_hash=CHAIN_HASH,
    public_key=(G2Point() * SECRET).to_compressed_bytes().hex(),
    period=1,
    genesis_time=1_700_000_000,
)


def signature_of(round_number: int) -> str:
    """Sign a round as the chain would."""
    message = hashlib.sha256(round_number.to_bytes(8, "big")).digest()
    return (G1Point.hash_to_curve(message, SIGNED_TO) * SECRET).to_compressed_bytes().hex()


class BeaconServer:
    """One server; a test says how it behaves."""

    def __init__(self) -> None:
        self.behaviour = "honest"
        self.asked: list[int] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        number = int(request.match_info["round"])
        self.asked.append(number)
        if self.behaviour == "silent" or request.match_info["chain"] != CHAIN_HASH:
            raise web.HTTPNotFound
        if self.behaviour == "broken":
            return web.Response(text="<html>")
        signed = signature_of(number + 1 if self.behaviour == "lying" else number)
        randomness = hashlib.sha256(bytes.fromhex(signed)).hexdigest()
        told = number + 1 if self.behaviour == "another round" else number
        return web.json_response({"round": told, "randomness": randomness, "signature": signed})


@asynccontextmanager
async def beacon_server() -> AsyncIterator[BeaconServer]:
    """Serve the chain on loopback."""
    server = BeaconServer()
    app = web.Application()
    app.router.add_get("/{chain}/public/{round}", server.answer)
    async with served(app) as url:
        server.url = url
        yield server
