// What the specifications say beside the ordinary course: limits of messages and ids, both ends' statistics, bundle policies,
// protocol versions only the browser's settings can bring about; and how fast it goes.
import { Peer } from '../lib/program.mjs';
import { equal, ok, sameMessages } from '../lib/expect.mjs';
import { join } from '../lib/join.mjs';

export const cases = [];
const add = (browser, what, run, options) => cases.push({ name: `${browser}/${what}`, browser, options, run: context => withPeers(context, run) });

for (const browser of ['chromium', 'firefox']) {
  add(browser, 'messages over the limit are refused at both ends', limits);
  add(browser, 'the highest channel ids', highestIds);
  add(browser, 'a thousand channels', thousandChannels);
  add(browser, 'statistics of both ends agree', statistics);
  for (const policy of ['balanced', 'max-compat', 'max-bundle']) add(browser, `bundle policy ${policy}`, context => bundle(context, policy));
  add(browser, 'bulk both ways', bulk);
}
for (const offerer of ['browser', 'program']) {
  add('firefox', `${offerer} offers/the browser has DTLS 1.2 only`, context => oldDtls(context, offerer), { dtls12: true });
  add('chromium', `${offerer} offers/SCTP INITs in the descriptions`, context => snap(context, offerer), { trial: 'snap' });
}

async function withPeers(context, run) {
  const peer = new Peer();
  context.defer(() => peer.quit());
  context.defer(() => context.page.call('close', 'p'));
  await run({ ...context, peer });
}

// Connected, with a channel of the browser's that the program echoes, and one of the program's.
async function connected({ page, peer }, { offerer = 'browser', config, media, prepare = async () => {} } = {}) {
  await page.call('create', 'p', config ?? {});
  await join(page, peer, { offerer, channel: 'first', media, prepare: async () => {
    await page.call('open', 'p', 'theirs');
    await prepare();
  } });
  await page.call('channelState', 'p', 'theirs', 'open');
  await peer.do('channel', { label: 'ours' });
  await page.call('channelState', 'p', 'ours', 'open');
}

async function exchange(page, count = 50) {
  const sent = await page.call('burst', 'p', 'theirs', count, [1000, 20000, 1]);
  sameMessages(sent, await page.call('received', 'p', 'theirs', count), 'the channel echoes');
}

const statsOf = async (peer, type) => Object.values((await peer.do('stats')).stats).filter(s => s.type === type);

async function limits({ page, peer, browser, note }) {
  await connected({ page, peer });
  const { limit, error } = await page.call('tooBig', 'p', 'theirs');
  equal(error, 'TypeError', `a message of ${limit + 1} bytes`);
  // Firefox takes a gibibyte.
  if (browser.name === 'chromium') {
    const refused = await peer.do('send', { channel: 'ours', bytes: 262145 }).catch(error => error.message);
    ok(/262144|size|large/i.test(refused), `what the program says: ${JSON.stringify(refused)}`);
    note(refused);
  }
  const whole = await page.call('burst', 'p', 'theirs', 1, [limit]);
  sameMessages(whole, await page.call('received', 'p', 'theirs', 1), 'a message of the limit returns');
  await peer.do('send', { channel: 'ours', bytes: 262144 });
  equal((await page.call('received', 'p', 'ours', 1)).bytes, 262144, 'a message of 256 KiB');
  note(`the program takes ${limit} bytes`);
}

// Firefox opens no more than 2048 streams.
async function highestIds({ page, peer, browser, note }) {
  await page.call('create', 'p');
  const ids = browser.name === 'firefox' ? [1023, 1024, 2046, 2047] : [1023, 1024, 65533, 65534];
  await join(page, peer, { offerer: 'browser', prepare: async () => {
    for (const id of ids) await page.call('open', 'p', `n${id}`, { negotiated: true, id });
  } });
  for (const id of ids) await peer.do('channel', { label: `n${id}`, init: { negotiated: true, id }, echo: true });
  for (const id of ids) {
    await page.call('channelState', 'p', `n${id}`, 'open');
    const sent = await page.call('burst', 'p', `n${id}`, 5, [100, 5000]);
    sameMessages(sent, await page.call('received', 'p', `n${id}`, 5), `channel ${id} echoes`);
  }
  note(ids.join());
}

async function thousandChannels({ page, peer }) {
  const labels = Array.from({ length: 500 }, (_, i) => `c${i}`);
  await connected({ page, peer });
  for (const label of labels) await page.call('open', 'p', label);
  for (const label of labels) await peer.do('channel', { label: `p${label}` });
  for (const label of [labels[0], labels[250], labels[499]]) {
    await page.call('channelState', 'p', label, 'open');
    await page.call('channelState', 'p', `p${label}`, 'open');
    const sent = await page.call('burst', 'p', label, 3, [10, 2000]);
    sameMessages(sent, await page.call('received', 'p', label, 3), 'a channel among many echoes');
  }
  const state = await peer.until('all channels', state => Object.values(state.channels).filter(c => c.readyState === 'open').length >= 1002, 20000);
  ok(Object.keys(state.channels).length >= 1002, 'the program has them all');
}

async function statistics({ page, peer, note }) {
  await connected({ page, peer });
  await exchange(page);
  await peer.do('send', { channel: 'ours', count: 30, sizes: [700, 30000] });
  await page.call('received', 'p', 'ours', 30);
  const counts = ({ messagesSent, messagesReceived, bytesSent, bytesReceived }) => ({ messagesSent, messagesReceived, bytesSent, bytesReceived });
  const turned = ({ messagesSent, messagesReceived, bytesSent, bytesReceived }) =>
    ({ messagesSent: messagesReceived, messagesReceived: messagesSent, bytesSent: bytesReceived, bytesReceived: bytesSent });
  const here = await statsOf(peer, 'data-channel'), there = (await page.call('stats', 'p')).filter(s => s.type === 'data-channel');
  for (const label of ['theirs', 'ours']) {
    const [mine, its] = [here, there].map(all => all.find(s => s.label === label));
    ok(mine && its, `both ends know ${label}: ${JSON.stringify({ mine, its })}`);
    equal(turned(counts(mine)), counts(its), label);
    equal(mine.dataChannelIdentifier, its.dataChannelIdentifier, `the id of ${label}`);
    note(JSON.stringify(counts(mine)));
  }
}

async function bundle({ page, peer }, policy) {
  const media = { audio: true, video: true };
  await connected({ page, peer }, { config: { bundlePolicy: policy }, media: { ...media, source: 'echo' }, prepare: () => page.call('media', 'p', media) });
  await Promise.all([page.call('inbound', 'p', 'video', 10), page.call('inbound', 'p', 'audio', 20), exchange(page)]);
  equal((await statsOf(peer, 'transport')).length, 1, 'transports');
}

// Figures to look at; nothing is asserted but that all of it arrives.
async function bulk({ page, peer, note }) {
  await connected({ page, peer });
  const count = 400, size = 65536, rate = began => `${(count * size * 8 / (Date.now() - began) / 1000).toFixed(0)} Mbit/s`;
  const down = Date.now();
  await peer.do('send', { channel: 'ours', count, sizes: [size] });
  await page.call('received', 'p', 'ours', count, 40000);
  note(`to the browser ${rate(down)}`);
  const up = Date.now();
  await page.call('burst', 'p', 'ours', count, [size]);
  await peer.until('everything', state => state.channels.ours.received.messages >= count, 40000);
  note(`to the program ${rate(up)}`);
}

async function oldDtls({ page, peer, note }, offerer) {
  await connected({ page, peer }, { offerer });
  await exchange(page);
  const [{ tlsVersion, dtlsCipher, dtlsRole }] = await statsOf(peer, 'transport');
  equal(tlsVersion, 'FEFD', 'version');
  note(`${dtlsCipher}, ${dtlsRole} here`);
}

async function snap({ page, peer, note }, offerer) {
  await connected({ page, peer }, { offerer });
  await exchange(page);
  const { sdp } = await page.call('described', 'p');
  note(`the browser's description ${sdp.includes('a=sctp-init:') ? 'has' : 'lacks'} an INIT`);
}
