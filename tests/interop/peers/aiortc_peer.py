"""aiortc: ICE and SCTP in Python, DTLS 1.2 by OpenSSL, SRTP by libsrtp, codecs by FFmpeg."""

import asyncio
from importlib.metadata import version

import page
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack
from aiortc.sdp import candidate_from_sdp


class Peer:
    def __init__(self, config):
        servers = [RTCIceServer(**server) for server in config.get("iceServers", [])]
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self.channels, self.echo, self.received, self.log, self.tasks = {}, False, {"audio": 0, "video": 0}, [], []
        self.pc.on("datachannel", lambda channel: self.adopt(channel, self.echo))
        self.pc.on("track", lambda track: self.tasks.append(asyncio.create_task(self.consume(track))))
        self.pc.on("connectionstatechange", lambda: self.log.append(self.pc.connectionState))

    def adopt(self, channel, echo=False):
        adopted = self.channels[channel.label] = page.Channel(channel, channel.send, echo)
        channel.on("message", adopted.on_message)

    async def consume(self, track):
        """Counts decoded frames."""
        try:
            while True:
                await track.recv()
                self.received[track.kind] += 1
        except MediaStreamError:
            pass


class Api:
    def __init__(self):
        self.peers = {}

    async def create(self, name, config=None):
        self.peers[name] = Peer(config or {})

    async def echo(self, name):
        self.peers[name].echo = True

    async def open(self, name, label, init=None):
        peer = self.peers[name]
        peer.adopt(peer.pc.createDataChannel(label, **(init or {})))

    async def echoOn(self, name, label):
        self.peers[name].channels[label].echo = True

    async def media(self, name, wanted):
        for kind, track in (("audio", AudioStreamTrack), ("video", VideoStreamTrack)):
            if wanted.get(kind):
                self.peers[name].pc.addTrack(track())

    def described(self, name):
        description = self.peers[name].pc.localDescription
        return {"type": description.type, "sdp": description.sdp}

    async def offer(self, name, _options=None):
        pc = self.peers[name].pc
        await pc.setLocalDescription(await pc.createOffer())
        return self.described(name)

    async def answer(self, name, offer):
        pc = self.peers[name].pc
        await pc.setRemoteDescription(RTCSessionDescription(**offer))
        await pc.setLocalDescription(await pc.createAnswer())
        return self.described(name)

    async def accept(self, name, answer):
        await self.peers[name].pc.setRemoteDescription(RTCSessionDescription(sdp=answer["sdp"], type="answer"))

    async def candidate(self, name, line):
        candidate = None
        if line:
            candidate = candidate_from_sdp(line["candidate"].removeprefix("candidate:"))
            candidate.sdpMid = line["sdpMid"]
        await self.peers[name].pc.addIceCandidate(candidate)

    async def state(self, name, wanted, ms=15000):
        peer = self.peers[name]
        await page.until(lambda: f"{wanted}, is {peer.log}", ms, lambda: peer.pc.connectionState == wanted)

    async def channelState(self, name, label, wanted, ms=10000):
        channels = self.peers[name].channels
        await page.until(lambda: f"channel {label} {wanted}, of {list(channels)}", ms,
                         lambda: label in channels and channels[label].channel.readyState == wanted)

    async def burst(self, name, label, count, sizes):
        channel, sent = self.peers[name].channels[label].channel, page.Tally()
        for index in range(count):
            message = page.pattern(index, sizes[index % len(sizes)])
            sent.add(message)
            await page.until(lambda: "room", 30000, lambda: channel.bufferedAmount < 1 << 20)
            channel.send(message)
            await asyncio.sleep(0)
        return sent.value()

    async def text(self, name, label, text):
        self.peers[name].channels[label].channel.send(text)

    async def received(self, name, label, messages, ms=20000):
        channel = self.peers[name].channels[label]
        await page.until(lambda: f"{messages} messages on {label}, got {channel.received.messages}", ms,
                         lambda: channel.received.messages >= messages)
        return await self.count(name, label)

    async def count(self, name, label):
        entry = self.peers[name].channels[label]
        channel = entry.channel
        return {**entry.received.value(), "texts": entry.texts, "ordered": channel.ordered, "protocol": channel.protocol,
                "maxRetransmits": channel.maxRetransmits, "maxPacketLifeTime": channel.maxPacketLifeTime,
                "negotiated": channel.negotiated, "id": channel.id}

    async def closeChannel(self, name, label):
        self.peers[name].channels[label].channel.close()

    async def close(self, name):
        if peer := self.peers.pop(name, None):
            await peer.pc.close()

    async def inbound(self, name, kind, enough, ms=20000):
        received = self.peers[name].received
        await page.until(lambda: f"{enough} frames of {kind}, got {received}", ms, lambda: received[kind] >= enough)
        return {"packetsReceived": received[kind], "framesDecoded": received[kind]}


asyncio.run(page.serve(version("aiortc"), Api()))
