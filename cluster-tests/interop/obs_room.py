"""OBS Studio streams into a room by WHIP, and aiortc watches it.

    obs_room.py URL ROOM DEBIAN        (PLENARY_ADMIN and PLENARY_PASSWORD in the environment; run as root)

DEBIAN is a folder with a Debian that has OBS with WHIP, and Xvfb: `cargo xtask test --long obs` makes it. OBS gets a
home of its own with a profile, a scene of a picture and a tone, and a service of the kind "WHIP"; it is told to stream
as soon as it starts. Passed is the run when its pictures were decoded in their order, the tone was heard, and the
place in the roster was free again when OBS had stopped streaming.
"""

import asyncio
import base64
import hashlib
import json
import math
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import wave

import aiohttp
import numpy
from aiortc_client import watch
from aiortc_room import SHADES, TONE_HZ, expect, sign_in

SIZE = (320, 180)
FRAMES_A_SECOND = 25
WITHIN_S = 120
# It goes inside with processes of its own: whatever is started there goes with it.
ENTER = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c"]
OBS = """
set -eu
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
chroot "$1" env --ignore-environment HOME="$2" TMPDIR="$2" XDG_RUNTIME_DIR="$2" LANG=C.UTF-8 PATH=/usr/bin:/bin \
    LIBGL_ALWAYS_SOFTWARE=1 QT_QPA_PLATFORM=xcb \
    xvfb-run --auto-servernum --server-args="-screen 0 1024x768x24" \
    obs --startstreaming --collection Plenary --profile Plenary --minimize-to-tray --disable-updater \
    --disable-missing-files-check --disable-shutdown-check --multi --websocket_ipv4_only
"""
PROFILE = f"""[General]
Name=Plenary
[Output]
Mode=Simple
[SimpleOutput]
StreamEncoder=x264
StreamAudioEncoder=opus
VBitrate=600
ABitrate=64
Preset=ultrafast
UseAdvanced=true
x264Settings=keyint=50
[Video]
BaseCX={SIZE[0]}
BaseCY={SIZE[1]}
OutputCX={SIZE[0]}
OutputCY={SIZE[1]}
FPSType=1
FPSInt={FRAMES_A_SECOND}
[Audio]
SampleRate=48000
ChannelSetup=Stereo
"""
GLOBAL = """[General]
FirstRun=true
LastVersion=503447555
EnableAutoUpdates=false
[Basic]
Profile=Plenary
ProfileDir=Plenary
SceneCollection=Plenary
SceneCollectionFile=Plenary
"""


def picture(path):
    """Frames with the shade of a publisher on the left, and one that grows by four on the right (YUV4MPEG2)."""
    width, height = SIZE
    with open(path, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{FRAMES_A_SECOND}:1 Ip A1:1 C420jpeg\n".encode())
        for shade in range(16, 236, 4):
            luma = numpy.full((height, width), SHADES[0], numpy.uint8)
            luma[:, width // 2 :] = shade
            file.write(b"FRAME\n" + luma.tobytes() + bytes([128]) * (width * height // 2))


def tone(path):
    rate = 48000
    n = numpy.arange(rate * 10)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((numpy.sin(2 * math.pi * TONE_HZ * n / rate) * 12000).astype("<i2").tobytes())


def media(name, file):
    settings = {"local_file": file, "is_local_file": True, "looping": True, "clear_on_media_end": False}
    return {"id": "ffmpeg_source", "name": name, "settings": settings, "volume": 1.0, "mixers": 255, "enabled": True}


def item(name, number):
    at = {"pos": {"x": 0.0, "y": 0.0}, "scale": {"x": 1.0, "y": 1.0}, "align": 5, "bounds_type": 0}
    return {"name": name, "id": number, "visible": True} | at


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def configure(home, inside, url, token):
    """Writes what OBS finds in its home, which it calls `inside`; gives how it is controlled."""
    picture(home / "picture.y4m")
    tone(home / "tone.wav")
    config = home / ".config/obs-studio"
    profile, scenes = config / "basic/profiles/Plenary", config / "basic/scenes"
    for folder in (profile, scenes):
        folder.mkdir(parents=True)
    (config / "global.ini").write_text(GLOBAL)
    (profile / "basic.ini").write_text(PROFILE)
    service = {"type": "whip_custom", "settings": {"service": "WHIP", "server": url, "bearer_token": token}}
    (profile / "service.json").write_text(json.dumps(service))
    scene = {"id_counter": 2, "items": [item("Picture", 1), item("Tone", 2)]}
    collection = {
        "name": "Plenary",
        "current_scene": "Scene",
        "current_program_scene": "Scene",
        "scene_order": [{"name": "Scene"}],
        "sources": [
            media("Picture", f"{inside}/picture.y4m"),
            media("Tone", f"{inside}/tone.wav"),
            {"id": "scene", "name": "Scene", "settings": scene, "enabled": True},
        ],
    }
    (scenes / "Plenary.json").write_text(json.dumps(collection))
    control = {
        "first_load": False,
        "server_enabled": True,
        "server_port": free_port(),
        "auth_required": True,
        "server_password": secrets.token_urlsafe(16),
    }
    folder = config / "plugin_config/obs-websocket"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(control))
    return control


async def roster(http, base, room, token):
    headers = {"Authorization": f"Bearer {token}"}
    async with http.get(f"{base}/api/v1/conferences/{room}/participants", headers=headers) as answer:
        expect(answer.status == 200, f"the roster: {answer.status} {await answer.text()}")
        return await answer.json()


async def wait_for(holds, what):
    deadline = time.time() + WITHIN_S
    while not await holds():
        expect(time.time() < deadline, f"not within {WITHIN_S} s: {what}")
        await asyncio.sleep(0.5)


async def main(base, room, debian):
    home = pathlib.Path(tempfile.mkdtemp(prefix="obs-", dir=f"{debian}/tmp"))
    obs = None
    try:
        async with aiohttp.ClientSession() as http:
            token = await sign_in(http, base)
            inside = f"/tmp/{home.name}"
            control = configure(home, inside, f"{base}/whip/{room}", token)
            with open(home / "log", "wb") as log:
                obs = subprocess.Popen([*ENTER, OBS, "sh", debian, inside], stdout=log, stderr=log)

            async def streams():
                expect(obs.poll() is None, "OBS has ended: its log is above")
                return bool(await roster(http, base, room, token))

            await wait_for(streams, "OBS is in the room")
            await watch(http, base, room, token)
            await stop_streaming(http, control)

            async def is_empty():
                return not await roster(http, base, room, token)

            await wait_for(is_empty, "the roster is empty")
        print("OBS: streamed by WHIP, and was watched")
    except BaseException:
        sys.stderr.write((home / "log").read_text(errors="replace") if (home / "log").exists() else "")
        raise
    finally:
        if obs and obs.poll() is None:
            obs.kill()
            obs.wait()
        shutil.rmtree(home, ignore_errors=True)


async def stop_streaming(http, control):
    """Clicks on "Stop Streaming", by the protocol that OBS has for other programs (obs-websocket 5)."""
    digest = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    address = f"ws://127.0.0.1:{control['server_port']}"
    async with http.ws_connect(address, protocols=("obswebsocket.json",)) as obs:
        asked = (await obs.receive_json())["d"]["authentication"]
        secret = digest(control["server_password"] + asked["salt"])
        identify = {"rpcVersion": 1, "authentication": digest(secret + asked["challenge"]), "eventSubscriptions": 0}
        await obs.send_json({"op": 1, "d": identify})
        expect((await obs.receive_json())["op"] == 2, "OBS lets the test in")
        await obs.send_json({"op": 6, "d": {"requestType": "StopStream", "requestId": "stop"}})
        answer = await obs.receive_json()
        expect(answer["d"]["requestStatus"]["result"], f"OBS stops: {answer}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
