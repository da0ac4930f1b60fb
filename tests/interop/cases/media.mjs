// Audio and video there and back: the browser must decode frames of its own echo.
import { Peer } from '../lib/program.mjs';
import { equal, ok } from '../lib/expect.mjs';
import { join } from '../lib/join.mjs';

const VIDEO = { chromium: ['video/VP8', 'video/H264', 'video/VP9', 'video/AV1'], firefox: ['video/VP8', 'video/VP9'] };
export const cases = [];
for (const browser of ['chromium', 'firefox']) {
  for (const codec of VIDEO[browser])
    cases.push({ name: `${browser}/browser offers/opus and ${codec} echoed`, browser, run: context => echo(context, 'browser', codec) });
  cases.push({ name: `${browser}/program offers/opus and VP8 echoed`, browser, run: context => echo(context, 'program') });
  for (const offerer of ['browser', 'program'])
    cases.push({ name: `${browser}/${offerer} offers/tones are agreed on`, browser, run: context => tones(context, offerer) });
  cases.push({ name: `${browser}/program offers/its own source is decoded`, browser, run: source });
  cases.push({ name: `${browser}/program offers/its feedback raises our estimate`, browser, run: estimate });
}

async function echo({ page, note, defer, args }, offerer, codec) {
  const peer = new Peer(args);
  defer(() => peer.quit());
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  const media = { audio: true, video: true };
  await join(page, peer, { offerer, media: { ...media, source: 'echo' },
    prepare: () => page.call('media', 'p', { ...media, codec, answering: offerer === 'program' }) });
  const video = await page.call('inbound', 'p', 'video', 30);
  const audio = await page.call('inbound', 'p', 'audio', 50);
  const stats = await page.call('stats', 'p');
  const used = stats.find(s => s.id === video.codecId)?.mimeType;
  if (codec) equal(used, codec, 'the echo has the codec that was sent');
  const state = await peer.do('state');
  ok(state.received.video.packets >= 30 && state.received.video.frames > 10, `the program counts video: ${JSON.stringify(state.received)}`);
  ok(state.received.audio.packets > 30, 'the program counts audio');
  const transport = stats.find(s => s.type === 'transport');
  note(`${used} ${video.frameWidth}x${video.frameHeight}, ${video.framesDecoded} frames, ${audio.packetsReceived} audio packets, ${transport?.srtpCipher ?? ''}`);
}

async function source({ page, defer }) {
  const peer = new Peer();
  defer(() => peer.quit());
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  await join(page, peer, { offerer: 'program', media: { audio: true, video: true } });
  await page.call('inbound', 'p', 'video', 10);
  await page.call('inbound', 'p', 'audio', 50);
}

// Congestion control begins with 300 kbit/s; the browser's transport-wide feedback on probes shows that there is more.
async function estimate({ page, note, defer }) {
  const peer = new Peer();
  defer(() => peer.quit());
  await peer.do('configure', { congestionControl: true });
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  await join(page, peer, { offerer: 'program', media: { audio: true, video: true } });
  const available = async () => {
    const { stats } = await peer.do('stats');
    return Math.max(...Object.values(stats).map(s => s.availableOutgoingBitrate ?? 0));
  };
  let best = 0;
  for (let tries = 0; tries < 100 && best < 1_000_000; tries++) {
    await new Promise(resolve => setTimeout(resolve, 200));
    best = Math.max(best, await available());
  }
  ok(best >= 1_000_000, `the estimate rises: ${best}`);
  const { framesDecoded } = await page.call('inbound', 'p', 'video', 30);
  note(`${Math.round(best / 1000)} kbit/s, ${framesDecoded} frames`);
}

// Tones need telephone-event in offer and answer. They go with the audio, which comes back as before.
async function tones({ page, note, defer, args }, offerer) {
  const peer = new Peer(args);
  defer(() => peer.quit());
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  const media = { audio: true };
  await join(page, peer, { offerer, media: { ...media, source: 'echo' },
    prepare: () => page.call('media', 'p', { ...media, answering: offerer === 'program' }) });
  equal(await page.call('dial', 'p', '1#'), '1#', 'both tones sounded');
  const { packetsReceived } = await page.call('inbound', 'p', 'audio', 50);
  const state = await peer.do('state');
  ok(state.received.audio.packets > 30, 'the program counts audio');
  note(`${packetsReceived} packets came back`);
}
