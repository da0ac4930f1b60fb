// SPED, with SNAP and without: Chromium with its field trials, either side offering. What browsers do that do not know of it is
// shown by all other cases, as we always offer it.
import { Peer } from '../lib/program.mjs';
import { equal, ok } from '../lib/expect.mjs';
import { join } from '../lib/join.mjs';

export const cases = [];
for (const offerer of ['browser', 'program'])
  for (const trial of ['sped', 'snap,sped'])
    for (const media of [false, true])
      cases.push({ name: `chromium/${offerer} offers/DTLS on checks, ${trial}, ${media ? 'with media' : 'data'}`,
        browser: 'chromium', options: { trial }, run: context => warp(context, offerer, trial, media) });

async function warp({ page, defer, note }, offerer, trial, media) {
  const peer = new Peer();
  defer(() => peer.quit());
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  const kinds = media ? { audio: true, video: true } : {};
  const prepare = async () => {
    await page.call('open', 'p', 'theirs');
    if (media) await page.call('media', 'p', { ...kinds, answering: offerer === 'program' });
  };
  const began = Date.now();
  const { offer, answer } = await join(page, peer, { offerer, channel: 'first', prepare, media: { ...kinds, ...media && { source: 'echo' } } });
  note(`connected after ${Date.now() - began} ms`);
  for (const { sdp } of [offer, answer]) ok(/^a=ice-options:.*\bsped\b/m.test(sdp), 'the option is in both descriptions');
  equal(/^a=sctp-init:/m.test(answer.sdp), trial.includes('snap'), 'INITs are exchanged if both want it');
  await page.call('channelState', 'p', 'theirs', 'open');
  const sent = await page.call('burst', 'p', 'theirs', 50, [1000, 20000]);
  equal((await page.call('received', 'p', 'theirs', 50)).bytes, sent.bytes, 'the channel echoes');
  if (!media) return;
  const video = await page.call('inbound', 'p', 'video', 20);
  ok(video.framesDecoded >= 20, 'media flows');
}
