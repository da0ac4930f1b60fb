// A moving picture and a soft tone, for machines without a camera.
export function synthetic() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
  const g = canvas.getContext('2d'), began = performance.now();
  const draw = () => {
    const t = (performance.now() - began) / 1000;
    const sky = g.createLinearGradient(0, 0, 1280, 720);
    sky.addColorStop(0, `hsl(${t * 20 % 360} 60% 25%)`);
    sky.addColorStop(1, `hsl(${(t * 20 + 90) % 360} 60% 15%)`);
    g.fillStyle = sky;
    g.fillRect(0, 0, 1280, 720);
    for (let i = 0; i < 24; i++) {
      g.fillStyle = `hsl(${i * 15} 80% 60% / .8)`;
      g.beginPath();
      g.arc(640 + Math.cos(t + i * .26) * 420, 360 + Math.sin(t * 1.3 + i * .26) * 220, 26, 0, 7);
      g.fill();
    }
    g.fillStyle = '#fff';
    g.font = '600 64px system-ui';
    g.fillText(new Date().toISOString().slice(11, 23), 60, 110);
  };
  const timer = setInterval(draw, 33);
  draw();
  const stream = canvas.captureStream(30);
  stream.getVideoTracks()[0].addEventListener('ended', () => clearInterval(timer));
  stream.addTrack(tone());
  return stream;
}

function tone() {
  const audio = new AudioContext(), volume = audio.createGain(), out = audio.createMediaStreamDestination();
  const oscillator = new OscillatorNode(audio, { frequency: 440 });
  volume.gain.value = .1;
  oscillator.connect(volume).connect(out);
  oscillator.start();
  return out.stream.getAudioTracks()[0];
}
