"""aiortc publishes into a room by WHIP and watches it by WHEP; both are checked by what is decoded.

    python3 aiortc_room.py URL ROOM        (PLENARY_ADMIN and PLENARY_PASSWORD in the environment)

The picture that is sent has a grey that says which frame it is, the sound is a tone. The watcher has one line for
pictures (aiortc hands two in one bundle to the same decoder), so it sees one of the two who publish; when that one
leaves, it sees the other on the same line. Passed is the run when both were decoded in the order in which they were
sent, and the tone was heard.
"""

import asyncio
import fractions
import math
import os
import sys
import time

import aiohttp
import numpy
from aiortc import AudioStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

FRAMES = 40  # that a watcher must see of each publisher
WITHIN_S = 60
TONE_HZ = 440
SHADES = (40, 200)  # one for each publisher


class Picture(VideoStreamTrack):
    """Left half: the publisher's own shade; right half: a shade that grows with each frame and starts again."""

    def __init__(self, shade):
        super().__init__()
        self.shade, self.count = shade, 0

    async def recv(self):
        pts, time_base = await self.next_timestamp()
        image = numpy.full((180, 320, 3), self.shade, numpy.uint8)
        image[:, 160:, :] = 16 + (self.count * 4) % 224
        self.count += 1
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    """A sine of 440 Hz at 48 kHz in frames of 20 ms."""

    async def recv(self):
        rate, samples = 48000, 960
        if not hasattr(self, "start"):
            self.start, self.at = time.time(), 0
        else:
            self.at += samples
            await asyncio.sleep(max(0.0, self.start + self.at / rate - time.time()))
        n = numpy.arange(self.at, self.at + samples)
        wave = (numpy.sin(2 * math.pi * TONE_HZ * n / rate) * 12000).astype(numpy.int16)
        frame = AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = self.at, rate, fractions.Fraction(1, rate)
        return frame


class Client:
    """One session of WHIP or WHEP."""

    def __init__(self, http, base, token):
        self.http, self.base, self.headers = http, base, {"Authorization": f"Bearer {token}"}
        self.peer = RTCPeerConnection()
        self.location = None

    async def open(self, path):
        await self.peer.setLocalDescription(await self.peer.createOffer())
        headers = self.headers | {"Content-Type": "application/sdp"}
        offer = self.peer.localDescription.sdp
        async with self.http.post(self.base + path, data=offer, headers=headers) as answer:
            text = await answer.text()
            expect(answer.status == 201, f"POST {path}: {answer.status} {text}")
            expect(answer.headers["Content-Type"] == "application/sdp", "the answer is SDP")
            self.location = answer.headers["Location"]
        await self.peer.setRemoteDescription(RTCSessionDescription(text, "answer"))

    async def close(self):
        async with self.http.delete(self.base + self.location, headers=self.headers) as answer:
            expect(answer.status == 200, f"DELETE: {answer.status}")
        async with self.http.delete(self.base + self.location, headers=self.headers) as answer:
            expect(answer.status == 404, f"a second DELETE: {answer.status}")
        await self.peer.close()


class Watched:
    """What is seen and heard."""

    def __init__(self):
        self.frames, self.steps_back, self.tones, self.last = {}, 0, 0, {}
        self.tasks = []

    def attach(self, peer):
        peer.on("track", lambda track: self.tasks.append(asyncio.ensure_future(self.take(track))))

    async def take(self, track):
        try:
            while True:
                frame = await track.recv()
                if track.kind == "audio":
                    self.hear(frame)
                else:
                    self.see(frame)
        except MediaStreamError:
            return

    def see(self, frame):
        image = frame.to_ndarray(format="rgb24")
        shade, step = (int(image[:, part, :].mean()) for part in (slice(20, 140), slice(180, 300)))
        who = min(SHADES, key=lambda known: abs(known - shade))
        self.frames[who] = self.frames.get(who, 0) + 1
        before = self.last.get(who)
        # Shades grow by 4; back to the start is a fall of more than 100.
        if before is not None and 8 < before - step < 100:
            self.steps_back += 1
        self.last[who] = step

    def hear(self, frame):
        wave = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0].astype(float)
        if numpy.abs(wave).max() < 1000:
            return
        spectrum = numpy.abs(numpy.fft.rfft(wave * numpy.hanning(len(wave))))
        loudest = spectrum.argmax() * frame.sample_rate / len(wave)
        self.tones += abs(loudest - TONE_HZ) < 60


def expect(holds, what):
    if not holds:
        raise SystemExit(f"aiortc: {what}")


async def until(holds, what):
    deadline = time.time() + WITHIN_S
    while not holds():
        expect(time.time() < deadline, f"not within {WITHIN_S} s: {what()}")
        await asyncio.sleep(0.1)


async def refusals(http, base, room, token):
    """Who may not, and what is no offer, is told so."""
    sdp = {"Content-Type": "application/sdp"}
    signed = {"Authorization": f"Bearer {token}"} | sdp
    for path, headers, body, status in [
        (f"/whip/{room}", sdp, "v=0", 401),
        (f"/whip/{room}", {"Authorization": "Bearer nobody"} | sdp, "v=0", 401),
        ("/whip/no-such-room", signed, "v=0", 404),
        (f"/whip/{room}", signed, "garbage", 422),
        (f"/whip/{room}", signed, "v=0\r\n" + "m=video 9 X 96\r\n" * 5000, 422),
        (f"/whip/{room}", signed | {"Content-Type": "text/plain"}, "v=0", 415),
        (f"/whip/{room}", signed, "x" * (1 << 20), 413),
    ]:
        async with http.post(base + path, data=body, headers=headers) as answer:
            kind = answer.headers.get("Content-Type")
            expect(answer.status == status, f"{path}: {answer.status} instead of {status}")
            expect(kind == "application/problem+json", f"{path}: {kind}")


async def sign_in(http, base):
    """A token for the administrator."""
    login = {"login": os.environ["PLENARY_ADMIN"], "password": os.environ["PLENARY_PASSWORD"]}
    async with http.post(f"{base}/api/v1/session", json=login) as answer:
        expect(answer.status == 201, f"signing in: {answer.status}")
        return (await answer.json())["token"]


async def main(base, room):
    async with aiohttp.ClientSession() as http:
        token = await sign_in(http, base)
        await refusals(http, base, room, token)
        publishers = [Client(http, base, token) for _ in range(2)]
        for publisher, shade in zip(publishers, SHADES):
            publisher.peer.addTrack(Picture(shade))
            publisher.peer.addTrack(Tone())
            await publisher.open(f"/whip/{room}")
        watcher, watched = Client(http, base, token), Watched()
        watched.attach(watcher.peer)
        for kind in ("audio", "video"):
            watcher.peer.addTransceiver(kind, direction="recvonly")
        await watcher.open(f"/whep/{room}")
        state = lambda: f"frames {watched.frames}, tones {watched.tones}, steps back {watched.steps_back}"
        most = lambda: max(watched.frames.values(), default=0)
        await until(lambda: most() >= FRAMES and watched.tones >= 20, state)
        # The one who comes first is shown until the other is heard first, if that is how it comes; then nothing changes.
        watched.frames.clear()
        await until(lambda: most() >= FRAMES, state)
        expect(len(watched.frames) == 1, f"one is seen at a time: {state()}")
        shown = list(SHADES).index(next(iter(watched.frames)))
        await publishers.pop(shown).close()
        await until(lambda: len(watched.frames) == 2 and min(watched.frames.values()) >= FRAMES, state)
        expect(watched.steps_back == 0, f"pictures came out of order: {state()}")
        print(f"aiortc: {state()}")
        for client in (watcher, *publishers):
            await client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
