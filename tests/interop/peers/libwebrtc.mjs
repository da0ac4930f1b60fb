// libwebrtc itself, some years older than the browsers here, as a module for Node.
import wrtc from '@roamhq/wrtc';
import { serve, versionOf } from './page.mjs';

const { RTCAudioSource, RTCVideoSource } = wrtc.nonstandard;
const WIDTH = 320, HEIGHT = 240;

// A grey picture that gets lighter, fifteen times a second.
function picture() {
  const source = new RTCVideoSource(), data = new Uint8ClampedArray(WIDTH * HEIGHT * 3 / 2).fill(128);
  let shade = 0;
  setInterval(() => {
    data.fill(++shade & 255, 0, WIDTH * HEIGHT);
    source.onFrame({ width: WIDTH, height: HEIGHT, data });
  }, 66).unref();
  return source.createTrack();
}

// A triangle wave, ten milliseconds at a time.
function tone() {
  const source = new RTCAudioSource(), samples = Int16Array.from({ length: 480 }, (_, i) => Math.abs(i % 96 - 48) * 200);
  setInterval(() => source.onData({ samples, sampleRate: 48000 }), 10).unref();
  return source.createTrack();
}

serve(versionOf('@roamhq/wrtc'), wrtc, peers => ({
  media(name, { audio, video }) {
    const { pc } = peers[name];
    pc.ontrack = null; // the page's shows a picture
    if (audio) pc.addTrack(tone());
    if (video) pc.addTrack(picture());
  },
}));
