"""GStreamer publishes into a room by WHIP, or watches it by WHEP.

    gstreamer_client.py URL ROOM publish VP8|H264 [SECONDS]
        until its input ends, and for so long at least; says "publishing" when media flows
    gstreamer_client.py URL ROOM watch
        until it has seen and heard enough
    (PLENARY_ADMIN and PLENARY_PASSWORD in the environment)

It runs with the Python of Debian, which has GStreamer's bindings. webrtcbin does ICE, DTLS and SRTP, with a certificate
that is RSA, and asks by STUN at the beginning alone; here is the HTTP around it. The right half of the picture that is
sent is a grey that grows with each frame and starts again, the left half is black; the sound is a tone of 440 Hz.
aiortc_room.py sends and checks much the same. Passed is the run when pictures were decoded in the order in which they
were sent, the tone was heard, and the session was ended by DELETE.
"""

import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import Gst, GstSdp, GstWebRTC

FRAMES = 40  # that a watcher must decode
TONES = 20  # frames of sound with the tone
WITHIN_S = 60
TONE_HZ = 440
SIZE = (320, 180)
RTP = "application/x-rtp,media={},encoding-name={},payload={},clock-rate={}"
ENCODERS = {
    "VP8": "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=2000 ! rtpvp8pay picture-id-mode=2",
    "H264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=2000 "
    "! video/x-h264,profile=constrained-baseline ! h264parse ! rtph264pay config-interval=-1 aggregate-mode=zero-latency",
}
SENT = """
    webrtcbin name=rtc bundle-policy=max-bundle
    videotestsrc name=picture is-live=true pattern=solid-color ! video/x-raw,width={},height={},framerate=25/1
    ! videobox left=-{} fill=black ! videoconvert ! {} pt=96 ! {} ! queue ! rtc.
    audiotestsrc is-live=true freq={} samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=1 ! audioconvert
    ! opusenc ! rtpopuspay pt=111 ! {} ! queue ! rtc.
"""
DECODERS = {
    "VP8": "rtpvp8depay ! vp8dec",
    "H264": "rtph264depay ! h264parse ! avdec_h264",
    "OPUS": "rtpopusdepay ! opusdec",
}
DECODED = {
    "video": "videoconvert ! video/x-raw,format=I420",
    "audio": "audioconvert ! audioresample ! audio/x-raw,format=S16LE,rate=48000,channels=1",
}
RECEIVED = "{} ! {} ! fakesink name=end signal-handoffs=true sync=false"
PIPELINES = []


def expect(holds, what):
    if not holds:
        raise SystemExit(f"GStreamer: {what}")


def request(url, method, headers, body=None):
    """Status, headers and text of the answer, whatever it is."""
    asked = urllib.request.Request(url, method=method, headers=headers, data=body and body.encode())
    try:
        with urllib.request.urlopen(asked, timeout=WITHIN_S) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers, refusal.read().decode()


def sign_in(base):
    login = {"login": os.environ["PLENARY_ADMIN"], "password": os.environ["PLENARY_PASSWORD"]}
    kind = {"Content-Type": "application/json"}
    status, _, text = request(f"{base}/api/v1/session", "POST", kind, json.dumps(login))
    expect(status == 201, f"signing in: {status}")
    return {"Authorization": f"Bearer {json.loads(text)['token']}"}


class Session:
    """A pipeline with a webrtcbin, and its session of WHIP or WHEP."""

    def __init__(self, pipeline, base):
        PIPELINES.append(pipeline)
        self.pipeline, self.base, self.headers = pipeline, base, sign_in(base)
        self.rtc = pipeline.get_by_name("rtc")
        self.bus = pipeline.get_bus()
        self.location = None

    def ask(self, signal, *values):
        """Emits a signal that answers by a promise; gives the answer."""
        promise = Gst.Promise.new()
        self.rtc.emit(signal, *values, promise)
        expect(promise.wait() == Gst.PromiseResult.REPLIED, f"webrtcbin does not answer {signal}")
        return promise.get_reply()

    def open(self, path):
        # The offer lives as long as the answer that it is in.
        reply = self.ask("create-offer", None)
        offer = reply.get_value("offer")
        self.ask("set-local-description", offer)
        kind = self.headers | {"Content-Type": "application/sdp"}
        status, headers, text = request(self.base + path, "POST", kind, offer.sdp.as_text())
        expect(status == 201, f"POST {path}: {status} {text}")
        self.location = headers["Location"]
        _, sdp = GstSdp.SDPMessage.new_from_text(text)
        answer = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        self.ask("set-remote-description", answer)

    def is_connected(self):
        self.complain()
        state = self.rtc.get_property("connection-state")
        failed = GstWebRTC.WebRTCPeerConnectionState.FAILED
        expect(state != failed, "the connection failed: ICE or DTLS")
        return state == GstWebRTC.WebRTCPeerConnectionState.CONNECTED

    def complain(self):
        message = self.bus.pop_filtered(Gst.MessageType.ERROR)
        expect(message is None, message and "{}; {}".format(*message.parse_error()))

    def close(self):
        status, _, _ = request(self.base + self.location, "DELETE", self.headers)
        expect(status == 200, f"DELETE: {status}")
        status, _, _ = request(self.base + self.location, "DELETE", self.headers)
        expect(status == 404, f"a second DELETE: {status}")


def until(holds, what):
    deadline = time.time() + WITHIN_S
    while not holds():
        expect(time.time() < deadline, f"not within {WITHIN_S} s: {what()}")
        time.sleep(0.05)


class Shades:
    """Gives each picture its own, where pictures are made: between two of them."""

    def __init__(self, picture):
        self.picture, self.count = picture, 0
        picture.get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.next)

    def next(self, _pad, _info):
        self.count += 1
        self.picture.set_property("foreground-color", 0xFF000000 | (16 + self.count * 4 % 224) * 0x010101)
        return Gst.PadProbeReturn.OK


def publish(base, room, codec, seconds="0"):
    video = RTP.format("video", codec, 96, 90000)
    audio = RTP.format("audio", "OPUS", 111, 48000) + ",encoding-params=(string)2"
    pipeline = Gst.parse_launch(SENT.format(SIZE[0] // 2, SIZE[1], SIZE[0] // 2, ENCODERS[codec], video, TONE_HZ, audio))
    session = Session(pipeline, base)
    Shades(pipeline.get_by_name("picture"))
    needed, ended = threading.Event(), threading.Event()
    session.rtc.connect("on-negotiation-needed", lambda _: needed.set())
    for at in range(2):
        line = session.rtc.emit("get-transceiver", at)
        line.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
    pipeline.set_state(Gst.State.PLAYING)
    expect(needed.wait(WITHIN_S), "there is nothing to negotiate")
    # What the encoder makes stands in the offer then.
    pads = [pad for pad in session.rtc.sinkpads]
    until(lambda: all(pad.get_current_caps() for pad in pads), lambda: "nothing is encoded")
    session.open(f"/whip/{room}")
    until(session.is_connected, lambda: session.rtc.get_property("connection-state"))
    least = time.time() + float(seconds)
    print("publishing", flush=True)
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(0.1) or time.time() < least:
        session.complain()
        time.sleep(0.1)
    session.close()
    print(f"GStreamer: published {codec}")


class Watched:
    """What is seen and heard."""

    def __init__(self, session):
        self.session, self.frames, self.steps_back, self.tones, self.last = session, 0, 0, 0, None
        self.codecs = set()
        session.rtc.connect("pad-added", self.attach)

    def attach(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        caps = pad.get_current_caps().get_structure(0)
        codec, kind = caps.get_string("encoding-name"), caps.get_string("media")
        self.codecs.add(codec)
        end = Gst.parse_bin_from_description(RECEIVED.format(DECODERS[codec], DECODED[kind]), True)
        end.get_by_name("end").connect("handoff", self.see if kind == "video" else self.hear)
        self.session.pipeline.add(end)
        end.sync_state_with_parent()
        linked = pad.link(end.get_static_pad("sink"))
        expect(linked == Gst.PadLinkReturn.OK, f"{codec} is not linked: {linked}")

    def see(self, _, buffer, pad):
        size = pad.get_current_caps().get_structure(0)
        width, height = size.get_value("width"), size.get_value("height")
        # The middle of the right half: that is where aiortc's pictures have the shade that grows.
        shade = buffer.extract_dup((height // 2) * width + width * 3 // 4, 1)[0]
        expect((width, height) == SIZE, f"pictures of {width}x{height}")
        self.frames += 1
        # Shades grow by 4, or by a multiple; back to the start is a fall of more than 100.
        if self.last is not None and 8 < self.last - shade < 100:
            self.steps_back += 1
        self.last = shade

    def hear(self, _, buffer, _pad):
        bytes_ = buffer.extract_dup(0, buffer.get_size())
        wave = memoryview(bytes_).cast("h")
        if len(wave) < 480 or max(wave) < 1000:
            return
        rises = sum(1 for one, next_ in zip(wave, wave[1:]) if one < 0 <= next_)
        self.tones += abs(rises * 48000 / len(wave) - TONE_HZ) < 60

    def state(self):
        return f"{self.frames} frames, {self.steps_back} steps back, {self.tones} tones, {self.codecs}"


def watch(base, room):
    pipeline = Gst.Pipeline.new()
    pipeline.add(Gst.parse_launch("webrtcbin name=rtc bundle-policy=max-bundle latency=100"))
    session = Session(pipeline, base)
    watched = Watched(session)
    pipeline.set_state(Gst.State.PLAYING)
    receives = GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY
    audio = RTP.format("audio", "OPUS", 111, 48000) + ",encoding-params=(string)2"
    vp8 = RTP.format("video", "VP8", 96, 90000) + ",rtcp-fb-nack-pli=(boolean)true"
    h264 = RTP.format("video", "H264", 102, 90000) + (
        ",packetization-mode=(string)1,profile-level-id=(string)42e01f,rtcp-fb-nack-pli=(boolean)true"
    )
    for caps in (audio, f"{vp8};{h264}"):
        session.rtc.emit("add-transceiver", receives, Gst.Caps.from_string(caps))
    session.open(f"/whep/{room}")
    until(session.is_connected, lambda: session.rtc.get_property("connection-state"))

    def enough():
        session.complain()
        return watched.frames >= FRAMES and watched.tones >= TONES

    until(enough, watched.state)
    expect(watched.steps_back == 0, f"pictures came out of order: {watched.state()}")
    session.close()
    print(f"GStreamer: {watched.state()}")


def main(url, room, part, *rest):
    Gst.init(None)
    try:
        {"publish": publish, "watch": watch}[part](url, room, *rest)
    finally:
        # What plays must be stopped before it goes; GStreamer complains at length of what is not.
        for pipeline in PIPELINES:
            pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    main(*sys.argv[1:])
