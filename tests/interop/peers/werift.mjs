// werift (ICE, DTLS 1.2, SRTP and SCTP in TypeScript). It has no codecs: its media are packets made here.
import { MediaStreamTrack, RTCDataChannel, RTCPeerConnection, RtpHeader, RtpPacket } from 'werift';
import { serve, versionOf } from './page.mjs';

// Messages are Buffers to it.
const { send } = RTCDataChannel.prototype;
RTCDataChannel.prototype.send = function (data) { send.call(this, typeof data === 'string' ? data : Buffer.from(data)); };

const received = { audio: 0, video: 0 };

// RTP of one kind, fifty times a second, as one packet per frame.
function source(kind) {
  const track = new MediaStreamTrack({ kind });
  let sequenceNumber = 65500, timestamp = 4294960000;
  const timer = setInterval(() => {
    sequenceNumber = (sequenceNumber + 1) & 0xffff;
    timestamp = (timestamp + (kind === 'audio' ? 960 : 1800)) >>> 0;
    const header = new RtpHeader({ sequenceNumber, timestamp, marker: true, payloadType: 96 });
    track.writeRtp(new RtpPacket(header, Buffer.alloc(kind === 'audio' ? 40 : 900, sequenceNumber)));
  }, 20);
  timer.unref();
  return track;
}

class Connection extends RTCPeerConnection {
  constructor(config) { super({ maxMessageSize: 262144, ...config }); }
}

serve(versionOf('werift'), { RTCPeerConnection: Connection }, peers => ({
  media(name, { audio, video }) {
    const { pc } = peers[name];
    pc.ontrack = null; // the page's shows a picture
    received.audio = received.video = 0;
    for (const kind of [audio && 'audio', video && 'video'].filter(Boolean)) pc.addTrack(source(kind));
    pc.onTrack.subscribe(track => track.onReceiveRtp.subscribe(() => { received[track.kind]++; }));
  },
  async inbound(_name, kind, enough) {
    for (let i = 0; i < 500 && received[kind] < enough; i++) await new Promise(done => setTimeout(done, 20));
    if (received[kind] < enough) throw new Error(`${received[kind]} packets of ${kind}`);
    return { packetsReceived: received[kind] };
  },
}));
