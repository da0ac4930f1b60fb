// The demonstration page: one RTCPeerConnection to the program that served it, signalled over a WebSocket.
import { drawGraph, Series } from './graph.js';
import { describe } from './panel.js';
import { synthetic } from './synthetic.js';

const $ = id => document.getElementById(id);
const show = (id, text) => { $(id).textContent = text; };
const series = { up: new Series(), down: new Series() };
let pc, socket, chat, bulk, control, media = [], previousReport;

// What went wrong, and what the visitor can do about it.
function notice(text, retry) {
  $('notice').hidden = !text;
  show('notice-text', text ?? '');
  $('retry').hidden = !retry;
  $('retry').onclick = retry;
}

function setStatus(state, text) {
  $('status').dataset.state = state;
  show('status-text', text ?? state);
}

function connect() {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/signal`);
  socket.onmessage = event => onSignal(JSON.parse(event.data));
  socket.onclose = () => {
    setStatus('closed', 'server gone');
    disable();
    notice('The sendrecv program has ended or cannot be reached. Start it again: this page then comes back by itself.');
    setTimeout(comeBack, 1000);
  };
}

// Nothing can be done without a connection.
function disable() {
  for (const button of document.querySelectorAll('main button')) button.disabled = true;
}

async function comeBack() {
  const here = await fetch('/', { cache: 'no-store' }).catch(() => undefined);
  if (here?.ok) location.reload();
  else setTimeout(comeBack, 1000);
}

const signal = message => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));

async function onSignal(message) {
  try {
    if (message.type === 'hello') await start(message.iceServers);
    else if (message.type === 'answer') await pc.setRemoteDescription(message), checkAnswer();
    else if (message.type === 'candidate') await pc.addIceCandidate(message.candidate ?? undefined);
    else if (message.type === 'stats') onReport(message.stats);
    else if (message.type === 'error') notice(message.message);
  } catch (error) {
    notice(`Negotiation failed in the browser: ${error.message}`);
  }
}

async function start(iceServers) {
  pc = new RTCPeerConnection({ iceServers });
  window.pc = pc;
  pc.onicecandidate = event => signal({ type: 'candidate', candidate: event.candidate });
  pc.onconnectionstatechange = onConnectionState;
  pc.ontrack = event => onTrack(event.track);
  pc.onnegotiationneeded = negotiate;
  openChannels();
  listCodecs();
}

async function negotiate() {
  await pc.setLocalDescription();
  signal({ type: 'offer', sdp: pc.localDescription.sdp });
}

function onConnectionState() {
  if (socket.readyState !== WebSocket.OPEN) return;
  setStatus(pc.connectionState);
  if (pc.connectionState === 'failed')
    notice('There is no connection (ICE failed).\nThe browser found no network path to the program: a VPN, a firewall, or a browser that hides its addresses may be in the way. Granting the camera lets the browser use its real addresses.', () => { notice(); pc.restartIce(); });
  if (pc.connectionState === 'connected') notice();
}

// --- data ---------------------------------------------------------------------------------------------------------

function openChannels() {
  chat = pc.createDataChannel('chat');
  bulk = pc.createDataChannel('throughput');
  control = pc.createDataChannel('control');
  bulk.binaryType = 'arraybuffer';
  const ready = open => ['chat-send', 'tp-up', 'tp-down'].forEach(id => { $(id).disabled = !open; });
  chat.onopen = () => ready(true);
  chat.onclose = () => ready(false);
  chat.onmessage = event => {
    say('in', event.data);
    if (chat.sentAt) show('chat-rtt', `${(performance.now() - chat.sentAt).toFixed(1)} ms`);
  };
  bulk.onmessage = event => series.down.add(event.data.byteLength);
  control.onmessage = event => onControl(JSON.parse(event.data));
}

function say(side, text) {
  const line = document.createElement('li');
  line.className = side;
  line.textContent = text;
  $('chat-log').append(line);
  line.scrollIntoView({ block: 'nearest' });
}

$('chat-form').onsubmit = event => {
  event.preventDefault();
  const text = $('chat-input').value;
  if (!text || chat.readyState !== 'open') return;
  chat.sentAt = performance.now();
  chat.send(text);
  say('out', text);
  $('chat-input').value = '';
};

const busy = on => ['tp-up', 'tp-down'].forEach(id => { $(id).disabled = on; });

$('tp-up').onclick = () => {
  busy(true);
  series.up.clear();
  const block = new Uint8Array(65536), end = performance.now() + 5000;
  bulk.bufferedAmountLowThreshold = 1 << 20;
  control.send(JSON.stringify({ do: 'count' }));
  const fill = () => {
    if (performance.now() > end) {
      bulk.onbufferedamountlow = null;
      control.send(JSON.stringify({ do: 'report' }));
      return;
    }
    while (bulk.bufferedAmount < 4 << 20) bulk.send(block);
  };
  bulk.onbufferedamountlow = fill;
  fill();
};

$('tp-down').onclick = () => {
  busy(true);
  series.down.clear();
  control.send(JSON.stringify({ do: 'download', seconds: 5 }));
};

// The program tells how many bytes it has taken in (while we upload) and when a run is over.
function onControl(message) {
  if (message.received != null) series.up.addTotal(message.received);
  if (message.done === undefined) return;
  const run = message.done === 'upload' ? series.up : series.down;
  show('tp-result', `${message.done} ${(message.bytes * 8 / message.seconds / 1e6).toFixed(0)} Mbit/s (${(run.total / 1e6).toFixed(0)} MB)`);
  busy(false);
}

// --- media --------------------------------------------------------------------------------------------------------

function listCodecs() {
  const names = RTCRtpSender.getCapabilities?.('video')?.codecs.map(codec => codec.mimeType) ?? [];
  for (const name of new Set(names.filter(name => !/rtx|red|fec/i.test(name))))
    $('codec').add(new Option(name.replace('video/', ''), name));
}

async function openSource() {
  if ($('source').value === 'synthetic') return synthetic();
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 1280, height: 720 } });
  } catch (error) {
    notice(`No camera or microphone (${error.name}): a synthetic picture and tone are sent instead.`);
    $('source').value = 'synthetic';
    return synthetic();
  }
}

$('media-start').onclick = async () => {
  $('media-start').disabled = true;
  const stream = await openSource();
  $('local').srcObject = stream;
  const idle = pc.getTransceivers().filter(t => !t.sender.track && !t.stopped);
  for (const track of stream.getTracks()) {
    const old = idle.find(t => t.receiver.track.kind === track.kind);
    const transceiver = old ?? pc.addTransceiver(track, { direction: 'sendrecv', streams: [stream] });
    if (old) { await old.sender.replaceTrack(track); old.direction = 'sendrecv'; }
    if (track.kind === 'video') preferCodec(transceiver);
    media.push(transceiver);
  }
  $('media-stop').disabled = false;
};

$('media-stop').onclick = () => {
  for (const transceiver of media) {
    transceiver.sender.track?.stop();
    transceiver.sender.replaceTrack(null);
    transceiver.direction = 'inactive';
  }
  media = [];
  $('local').srcObject = $('echo').srcObject = null;
  $('media-start').disabled = false;
  $('media-stop').disabled = true;
};

function preferCodec(transceiver) {
  const wanted = $('codec').value;
  if (!wanted || !transceiver.setCodecPreferences) return;
  const all = RTCRtpReceiver.getCapabilities('video').codecs;
  transceiver.setCodecPreferences([...all.filter(c => c.mimeType === wanted), ...all.filter(c => c.mimeType !== wanted)]);
}

function onTrack(track) {
  const stream = $('echo').srcObject ?? new MediaStream();
  stream.addTrack(track);
  $('echo').srcObject = stream;
  $('echo').muted = !$('listen').checked;
}

$('listen').onchange = () => { $('echo').muted = !$('listen').checked; };

// A section that comes back without sendrecv was refused: say what is missing rather than show black.
function checkAnswer() {
  const refused = media.filter(t => t.currentDirection !== 'sendrecv').map(t => t.receiver.track.kind);
  if (refused.length)
    notice(`The program took no ${refused.join(' and no ')}: this browser offered no codec it knows (Opus, G.722, PCMU, PCMA; VP8, VP9, H264, AV1).`);
}

// --- statistics ---------------------------------------------------------------------------------------------------

function onReport(report) {
  show('raw-stats', JSON.stringify(report, null, 1));
  $('panel').replaceChildren(...describe(report, previousReport).map(([name, value]) => {
    const row = document.createElement('div');
    row.append(Object.assign(document.createElement('dt'), { textContent: name }), Object.assign(document.createElement('dd'), { textContent: value }));
    return row;
  }));
  previousReport = report;
}

async function refresh() {
  for (const id of ['local', 'echo']) {
    const { videoWidth: w, videoHeight: h } = $(id);
    show(`${id}-info`, w ? `${w}×${h}` : '');
  }
  drawGraph($('graph'), series);
}

setInterval(refresh, 250);
addEventListener('beforeunload', () => pc?.close());
connect();
