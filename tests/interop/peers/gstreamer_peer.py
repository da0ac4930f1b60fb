"""GStreamer's webrtcbin: libnice for ICE, OpenSSL for DTLS 1.2, libsrtp, usrsctp."""

import asyncio
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

import page  # noqa: E402

SOURCES = {
    "audio": "audiotestsrc is-live=true ! opusenc ! rtpopuspay pt=111 ! capsfilter caps=application/x-rtp,media=audio,encoding-name=OPUS,payload=111",
    "video": "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=15/1 ! vp8enc deadline=1 keyframe-max-dist=30"
             " ! rtpvp8pay pt=96 picture-id-mode=2 ! capsfilter caps=application/x-rtp,media=video,encoding-name=VP8,payload=96",
}
# The names of `createDataChannel`'s options here, and their types.
OPTIONS = {
    "ordered": ("ordered", bool),
    "maxRetransmits": ("max-retransmits", int),
    "maxPacketLifeTime": ("max-packet-lifetime", int),
    "protocol": ("protocol", str),
    "negotiated": ("negotiated", bool),
    "id": ("id", int),
}


def send(channel, data):
    if isinstance(data, str):
        channel.emit("send-string", data)
    else:
        channel.emit("send-data", GLib.Bytes.new(data))


class Peer:
    def __init__(self):
        self.pipeline = Gst.Pipeline.new()
        self.bin = Gst.ElementFactory.make("webrtcbin")
        self.bin.set_property("bundle-policy", "max-bundle")
        self.pipeline.add(self.bin)
        self.channels, self.echo, self.received, self.candidates = {}, False, {"audio": 0, "video": 0}, []
        self.bin.connect("on-data-channel", lambda _bin, channel: self.adopt(channel, "open", self.echo))
        self.bin.connect("on-ice-candidate", lambda _bin, line, candidate: self.candidates.append((line, candidate)))
        self.bin.connect("pad-added", self.on_pad)
        self.pipeline.set_state(Gst.State.PLAYING)

    def adopt(self, channel, state="connecting", echo=False):
        adopted = page.Channel(channel, lambda data: send(channel, data), echo)
        # A new channel's `ready-state` is no value of its type, and reading that ends Python.
        adopted.state = state
        channel.connect("on-open", lambda _channel: setattr(adopted, "state", "open"))
        channel.connect("on-close", lambda _channel: setattr(adopted, "state", "closed"))
        channel.connect("on-message-data", lambda _channel, data: adopted.on_message(data and data.get_data() or b""))
        channel.connect("on-message-string", lambda _channel, text: adopted.on_message(text or ""))
        self.channels[channel.get_property("label")] = adopted

    def on_pad(self, _bin, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("async", False)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, lambda _pad, _info: self.count(kind))
        pad.link(sink.get_static_pad("sink"))

    def count(self, kind):
        self.received[kind] += 1
        return Gst.PadProbeReturn.OK

    async def ask(self, what, *arguments):
        """Emits an action that answers by a promise."""
        promise = Gst.Promise.new()
        self.bin.emit(what, *arguments, promise)
        await asyncio.to_thread(promise.wait)
        reply = promise.get_reply()
        if reply and reply.has_field("error"):
            raise RuntimeError(f"{what}: {reply.get_value('error')}")
        return reply

    async def describe(self, kind):
        """Makes a description ours; candidates are gathered into it."""
        reply = await self.ask(f"create-{kind}", None)  # the description lives as long as this does
        await self.ask("set-local-description", reply.get_value(kind))
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        await page.until(lambda: "gathering", 10000, lambda: self.bin.get_property("ice-gathering-state") == complete)
        text = self.bin.get_property("local-description").sdp.as_text()
        return {"type": kind, "sdp": text}

    async def take(self, kind, text):
        _, message = GstSdp.SDPMessage.new_from_text(text)
        description = GstWebRTC.WebRTCSessionDescription.new(kind, message)
        await self.ask("set-remote-description", description)


class Api:
    def __init__(self):
        self.peers = {}

    async def create(self, name, _config=None):
        self.peers[name] = Peer()

    async def echo(self, name):
        self.peers[name].echo = True

    async def open(self, name, label, init=None):
        options = Gst.Structure.new_empty("options")
        for key, value in (init or {}).items():
            option, kind = OPTIONS[key]
            options.set_value(option, kind(value))
        peer = self.peers[name]
        channel = peer.bin.emit("create-data-channel", label, options)
        if channel is None:
            raise RuntimeError(f"no channel {label}")
        peer.adopt(channel)

    async def echoOn(self, name, label):
        self.peers[name].channels[label].echo = True

    async def media(self, name, wanted):
        peer = self.peers[name]
        for kind, description in SOURCES.items():
            if wanted.get(kind):
                source = Gst.parse_bin_from_description(description, True)
                peer.pipeline.add(source)
                source.link(peer.bin)
                source.sync_state_with_parent()

    async def offer(self, name, _options=None):
        return await self.peers[name].describe("offer")

    async def answer(self, name, offer):
        await self.peers[name].take(GstWebRTC.WebRTCSDPType.OFFER, offer["sdp"])
        return await self.peers[name].describe("answer")

    async def accept(self, name, answer):
        await self.peers[name].take(GstWebRTC.WebRTCSDPType.ANSWER, answer["sdp"])

    async def candidate(self, name, line):
        if line:
            self.peers[name].bin.emit("add-ice-candidate", line.get("sdpMLineIndex", 0), line["candidate"])

    async def state(self, name, wanted, ms=15000):
        peer = self.peers[name]
        now = lambda: peer.bin.get_property("connection-state").value_nick  # noqa: E731
        await page.until(lambda: f"{wanted}, is {now()}", ms, lambda: now() == wanted)

    async def channelState(self, name, label, wanted, ms=10000):
        channels = self.peers[name].channels
        now = lambda: channels[label].state if label in channels else None  # noqa: E731
        await page.until(lambda: f"channel {label} {wanted}, is {now()}", ms, lambda: now() == wanted)

    async def burst(self, name, label, count, sizes):
        channel, sent = self.peers[name].channels[label].channel, page.Tally()
        for index in range(count):
            message = page.pattern(index, sizes[index % len(sizes)])
            sent.add(message)
            await page.until(lambda: "room", 30000, lambda: channel.get_property("buffered-amount") < 1 << 20)
            send(channel, message)
        return sent.value()

    async def text(self, name, label, text):
        send(self.peers[name].channels[label].channel, text)

    async def received(self, name, label, messages, ms=20000):
        channel = self.peers[name].channels[label]
        await page.until(lambda: f"{messages} messages on {label}, got {channel.received.messages}", ms,
                         lambda: channel.received.messages >= messages)
        return await self.count(name, label)

    async def count(self, name, label):
        entry = self.peers[name].channels[label]
        number = lambda what: (lambda value: None if value < 0 else value)(entry.channel.get_property(what))  # noqa: E731
        return {**entry.received.value(), "texts": entry.texts, "ordered": entry.channel.get_property("ordered"),
                "maxRetransmits": number("max-retransmits"), "maxPacketLifeTime": number("max-packet-lifetime"),
                "negotiated": entry.channel.get_property("negotiated"), "id": number("id"),
                "protocol": entry.channel.get_property("protocol") or ""}

    async def closeChannel(self, name, label):
        self.peers[name].channels[label].channel.emit("close")

    async def close(self, name):
        if peer := self.peers.pop(name, None):
            await asyncio.to_thread(peer.pipeline.set_state, Gst.State.NULL)

    async def inbound(self, name, kind, enough, ms=20000):
        received = self.peers[name].received
        await page.until(lambda: f"{enough} packets of {kind}, got {received}", ms, lambda: received[kind] >= enough)
        return {"packetsReceived": received[kind]}


Gst.init(None)
threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
asyncio.run(page.serve(Gst.version_string().removeprefix("GStreamer "), Api()))
