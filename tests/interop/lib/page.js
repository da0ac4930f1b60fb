// Runs in the browser. Every function takes and returns plain JSON; the driver does the signalling.
'use strict';
const peers = {};
const sleep = ms => new Promise(done => setTimeout(done, ms));

async function until(what, ms, test) {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(15)) {
    const value = await test();
    if (value) return value;
  }
  throw new Error(`timed out after ${ms} ms: ${what()}`);
}

// FNV-1a over the bytes; summed over messages it does not depend on their order.
function fnv(bytes) {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

// Message `index` of `size` bytes, as the program makes and checks it too.
function pattern(index, size) {
  const bytes = new Uint8Array(size);
  for (let j = 0; j < size; j++) bytes[j] = index * 31 + j * 7 + (j >> 8);
  return bytes;
}

const bytesOf = data => typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);

function adopt(peer, channel) {
  const entry = { channel, echo: false, messages: 0, bytes: 0, hash: 0, texts: [], states: [channel.readyState] };
  peer.channels[channel.label] = entry;
  channel.binaryType = 'arraybuffer';
  channel.onopen = () => entry.states.push('open');
  channel.onclose = () => entry.states.push('closed');
  channel.onerror = event => peer.log.push(`channel ${channel.label}: ${event.error?.message}`);
  channel.onmessage = ({ data }) => {
    const bytes = bytesOf(data);
    entry.messages++;
    entry.bytes += bytes.length;
    entry.hash = (entry.hash + fnv(bytes)) >>> 0;
    if (typeof data === 'string' && entry.texts.length < 50) entry.texts.push(data);
    if (entry.echo) channel.send(data);
  };
  return entry;
}

const api = {
  create(name, config = {}) {
    const pc = new RTCPeerConnection(config);
    const peer = peers[name] = { pc, channels: {}, candidates: [], log: [], echo: false };
    pc.onicecandidate = ({ candidate }) => peer.candidates.push(candidate && candidate.toJSON());
    pc.oniceconnectionstatechange = () => peer.log.push(`ice ${pc.iceConnectionState}`);
    pc.onconnectionstatechange = () => peer.log.push(pc.connectionState);
    pc.ondatachannel = ({ channel }) => { adopt(peer, channel).echo = peer.echo; };
    pc.ontrack = ({ track }) => {
      const video = document.getElementById('echo');
      const stream = video.srcObject ?? new MediaStream();
      stream.addTrack(track);
      video.srcObject = stream;
      video.play().catch(() => {});
    };
  },

  echo(name) { peers[name].echo = true; },

  open(name, label, init) { adopt(peers[name], peers[name].pc.createDataChannel(label, init)); },

  echoOn(name, label) { peers[name].channels[label].echo = true; },

  // As the answerer only addTrack's transceivers pair with offered sections.
  async media(name, { audio, video, codec, answering }) {
    const { pc } = peers[name];
    const stream = await navigator.mediaDevices.getUserMedia({ audio, video: video && { width: 640, height: 360, frameRate: 30 } });
    for (const track of stream.getTracks()) {
      const sender = answering ? pc.addTrack(track, stream) : pc.addTransceiver(track, { streams: [stream] }).sender;
      if (track.kind === 'video' && codec) api.prefer(pc.getTransceivers().find(t => t.sender === sender), codec);
    }
  },

  // One track of 960 by 540 (Chromium sends fewer layers of less) in as many encodings as `rids`, each half as large as the
  // next.
  async simulcast(name, rids) {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 960, height: 540, frameRate: 30 } });
    const encoding = (rid, i) => ({ rid, scaleResolutionDownBy: 2 ** (rids.length - 1 - i), maxBitrate: 100000 * 2 ** i });
    const transceiver = peers[name].pc.addTransceiver(stream.getVideoTracks()[0],
      { streams: [stream], sendEncodings: rids.map(encoding) });
    api.prefer(transceiver, 'video/VP8');
  },

  // Waits for decoded frames of this width.
  async width(name, width, ms = 20000) {
    let last;
    return until(() => `frames ${width} wide: ${JSON.stringify(last)}`, ms, async () => {
      const before = last?.framesDecoded;
      last = (await api.stats(name)).find(s => s.type === 'inbound-rtp' && s.kind === 'video');
      return last?.frameWidth === width && last.framesDecoded > before && last;
    });
  },

  prefer(transceiver, mime) {
    const all = RTCRtpReceiver.getCapabilities('video').codecs;
    const wanted = all.filter(c => c.mimeType.toLowerCase() === mime.toLowerCase());
    if (!wanted.length) throw new Error(`this browser has no ${mime}`);
    transceiver.setCodecPreferences([...wanted, ...all.filter(c => !wanted.includes(c))]);
  },

  async offer(name, options, { trickle = false } = {}) {
    const { pc } = peers[name];
    await pc.setLocalDescription(await pc.createOffer(options));
    if (!trickle) await api.gathered(name);
    return { type: 'offer', sdp: pc.localDescription.sdp };
  },

  async answer(name, offer, { trickle = false } = {}) {
    const { pc } = peers[name];
    await pc.setRemoteDescription(offer);
    await pc.setLocalDescription(await pc.createAnswer());
    if (!trickle) await api.gathered(name);
    return { type: 'answer', sdp: pc.localDescription.sdp };
  },

  described(name) { return { sdp: peers[name].pc.localDescription.sdp }; },

  async accept(name, answer) { await peers[name].pc.setRemoteDescription(answer); },

  async gathered(name) {
    const { pc } = peers[name];
    await until(() => `gathering is ${pc.iceGatheringState}`, 15000, () => pc.iceGatheringState === 'complete');
  },

  candidates(name) { return peers[name].candidates.splice(0); },

  async candidate(name, candidate) { await peers[name].pc.addIceCandidate(candidate); },

  async state(name, wanted, ms = 15000) {
    const { pc, log } = peers[name];
    await until(() => `${wanted}, is ${pc.connectionState} (${log.join(', ')})`, ms, () => pc.connectionState === wanted);
  },

  async channelState(name, label, wanted, ms = 10000) {
    const peer = peers[name];
    await until(() => `channel ${label} ${wanted}, is ${peer.channels[label]?.channel.readyState}`, ms,
      () => peer.channels[label]?.channel.readyState === wanted);
  },

  // Sends `count` messages; their sizes go through `sizes` in turn; keeps at most 4 MiB waiting.
  async burst(name, label, count, sizes) {
    const { channel } = peers[name].channels[label];
    let hash = 0, bytes = 0;
    for (let i = 0; i < count; i++) {
      const message = pattern(i, sizes[i % sizes.length]);
      hash = (hash + fnv(message)) >>> 0;
      bytes += message.length;
      while (channel.bufferedAmount > 4 << 20) await sleep(5);
      channel.send(message);
    }
    return { messages: count, bytes, hash };
  },

  // Sends one message of `size` bytes more than the other side takes, and returns that limit and what became of it.
  tooBig(name, label, size = 1) {
    const { pc, channels } = peers[name], limit = pc.sctp.maxMessageSize;
    try {
      channels[label].channel.send(new Uint8Array(limit + size));
      return { limit, error: null };
    } catch (error) {
      return { limit, error: error.name };
    }
  },

  text(name, label, text) { peers[name].channels[label].channel.send(text); },

  async received(name, label, messages, ms = 20000) {
    const entry = peers[name].channels[label];
    await until(() => `${messages} messages on ${label}, got ${entry.messages}`, ms, () => entry.messages >= messages);
    return api.count(name, label);
  },

  // Waits for a channel of the other side's, and a text on it.
  async arrives(name, label, text, ms = 20000) {
    const { channels } = peers[name];
    await until(() => `${text} on ${label}`, ms, () => channels[label]?.texts.includes(text));
  },

  count(name, label) {
    const { messages, bytes, hash, texts, states, channel } = peers[name].channels[label];
    return { messages, bytes, hash, texts, states, id: channel.id, protocol: channel.protocol, ordered: channel.ordered,
      maxRetransmits: channel.maxRetransmits, maxPacketLifeTime: channel.maxPacketLifeTime, negotiated: channel.negotiated };
  },

  closeChannel(name, label) { peers[name].channels[label].channel.close(); },

  close(name) { peers[name]?.pc.close(); delete peers[name]; },

  async stats(name) {
    const all = [];
    (await peers[name].pc.getStats()).forEach(entry => all.push(entry));
    return all;
  },

  async inbound(name, kind, enough, ms = 20000) {
    let last;
    return until(() => `${kind} received: ${JSON.stringify(last)}`, ms, async () => {
      last = (await api.stats(name)).find(s => s.type === 'inbound-rtp' && s.kind === kind);
      return last && (kind === 'video' ? last.framesDecoded : last.packetsReceived) >= enough && last;
    });
  },

  // Plays tones to the other side; returns those that sounded.
  async dial(name, tones) {
    const { dtmf } = peers[name].pc.getSenders().find(sender => sender.track?.kind === 'audio');
    await until(() => 'telephone events are agreed on', 5000, () => dtmf.canInsertDTMF);
    const sounded = [];
    dtmf.ontonechange = event => sounded.push(event.tone);
    dtmf.insertDTMF(tones);
    return until(() => `tones: ${sounded}`, 10000, () => sounded.at(-1) === '' && sounded.join(''));
  },

  log(name) { return peers[name].log; },
};
window.api = api;
