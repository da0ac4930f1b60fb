// The stacks that are no browsers: media there and back, trickled candidates, ICE restarts in the middle of a transfer.
import { Peer } from '../lib/program.mjs';
import { equal, ok, sameMessages } from '../lib/expect.mjs';
import { join } from '../lib/join.mjs';

export const cases = [];
const add = (browser, what, run) => cases.push({ name: `${browser}/${what}`, browser, run: context => withPeers(context, run) });

for (const browser of ['libwebrtc', 'pion', 'aiortc', 'werift', 'gstreamer'])
  for (const offerer of ['browser', 'program'])
    add(browser, `${offerer} offers/audio and video echoed`, context => echo(context, offerer));
for (const browser of ['libwebrtc', 'pion', 'aiortc', 'werift', 'gstreamer', 'libdatachannel']) add(browser, 'trickled candidates', trickle);
for (const browser of ['libwebrtc', 'pion', 'werift'])
  for (const by of ['browser', 'program']) add(browser, `ICE restart by the ${by} in the middle of a transfer`, context => restart(context, by));

async function withPeers(context, run) {
  const { page, defer } = context, peer = new Peer();
  defer(() => peer.quit());
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  await run({ ...context, peer });
  const { tlsVersion, dtlsCipher, srtpCipher, dtlsRole } = Object.values((await peer.do('stats')).stats).find(s => s.type === 'transport');
  context.note([tlsVersion, dtlsCipher, srtpCipher, `${dtlsRole} here`].filter(Boolean).join(' '));
}

async function echo({ page, peer }, offerer) {
  const media = { audio: true, video: true };
  await join(page, peer, { offerer, media: { ...media, source: 'echo' }, prepare: () => page.call('media', 'p', media) });
  await Promise.all([page.call('inbound', 'p', 'audio', 50), page.call('inbound', 'p', 'video', 20)]);
  const { received } = await peer.do('state');
  ok(received.audio.packets >= 50 && received.video.packets >= 20, `the program counts media: ${JSON.stringify(received)}`);
}

async function useChannel(page, messages = 0) {
  await page.call('channelState', 'p', 'theirs', 'open');
  const before = await page.call('count', 'p', 'theirs');
  equal(before.messages, messages, 'messages so far');
  const sent = await page.call('burst', 'p', 'theirs', 20, [1000, 20000]);
  const after = await page.call('received', 'p', 'theirs', messages + 20);
  equal(after.bytes - before.bytes, sent.bytes, 'the channel echoes');
}

// No description has candidates in it: all of them travel by themselves.
async function trickle({ page, peer }) {
  const bare = sdp => sdp.replace(/a=candidate:.*\r\n|a=end-of-candidates\r\n/g, '');
  const candidatesOf = sdp => [...sdp.matchAll(/a=(candidate:.*)\r\n/g)].map(([, candidate]) => ({ candidate, sdpMid: mid(sdp), sdpMLineIndex: 0 }));
  const mid = sdp => sdp.match(/a=mid:(\S+)/)[1];
  await page.call('open', 'p', 'theirs');
  const offer = await page.call('offer', 'p');
  const answer = await peer.do('answer', { sdp: bare(offer.sdp) });
  await page.call('accept', 'p', { type: 'answer', sdp: bare(answer.sdp) });
  ok(candidatesOf(offer.sdp).length && candidatesOf(answer.sdp).length, 'both sides have candidates');
  for (const candidate of candidatesOf(answer.sdp)) await page.call('candidate', 'p', candidate);
  for (const candidate of [...candidatesOf(offer.sdp), null]) await peer.do('candidate', { candidate });
  await Promise.all([page.call('state', 'p', 'connected'), peer.connected()]);
  await useChannel(page);
}

async function restart({ page, peer }, by) {
  await join(page, peer, { offerer: 'browser', prepare: () => page.call('open', 'p', 'theirs') });
  await page.call('channelState', 'p', 'theirs', 'open');
  const burst = page.call('burst', 'p', 'theirs', 60, [60000, 100]);
  if (by === 'browser') {
    const offer = await page.call('offer', 'p', { iceRestart: true });
    await page.call('accept', 'p', await peer.do('answer', { sdp: offer.sdp }));
  } else {
    const answer = await page.call('answer', 'p', await peer.do('restart'));
    await peer.do('accept', { sdp: answer.sdp });
  }
  sameMessages(await burst, await page.call('received', 'p', 'theirs', 60), 'nothing is lost');
  await useChannel(page, 60);
  await peer.connected();
}
