"""aiortc is one end, so that another stack can be the other.

    aiortc_client.py URL ROOM publish      until its input ends; says "publishing" when it has begun
    aiortc_client.py URL ROOM watch        until it has seen and heard enough of whoever publishes
    (PLENARY_ADMIN and PLENARY_PASSWORD in the environment)

Pictures and sound are those of aiortc_room.py; whoever publishes here for it to watch has a picture whose right half
grows by steps of four, and a tone of 440 Hz.
"""

import asyncio
import sys

import aiohttp
from aiortc_room import FRAMES, SHADES, Client, Picture, Tone, Watched, expect, sign_in, until


async def publish(http, base, room, token):
    publisher = Client(http, base, token)
    publisher.peer.addTrack(Picture(SHADES[0]))
    publisher.peer.addTrack(Tone())
    await publisher.open(f"/whip/{room}")
    print("publishing", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await publisher.close()


async def watch(http, base, room, token):
    watcher, watched = Client(http, base, token), Watched()
    watched.attach(watcher.peer)
    for kind in ("audio", "video"):
        watcher.peer.addTransceiver(kind, direction="recvonly")
    await watcher.open(f"/whep/{room}")
    state = lambda: f"frames {watched.frames}, tones {watched.tones}, steps back {watched.steps_back}"
    await until(lambda: sum(watched.frames.values()) >= FRAMES and watched.tones >= 20, state)
    expect(watched.steps_back == 0, f"pictures came out of order: {state()}")
    print(f"aiortc: {state()}")
    await watcher.close()


async def main(base, room, part):
    async with aiohttp.ClientSession() as http:
        await {"publish": publish, "watch": watch}[part](http, base, room, await sign_in(http, base))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
