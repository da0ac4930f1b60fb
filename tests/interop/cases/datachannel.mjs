// Data channels with each browser and each other stack, either side offering: every kind of channel, big and empty messages, closing.
import { Peer } from '../lib/program.mjs';
import { equal, ok, sameMessages } from '../lib/expect.mjs';
import { join } from '../lib/join.mjs';
import { STACKS } from '../lib/stacks.mjs';

const SIZES = [0, 1, 17, 100, 1100, 1200, 4096, 16384, 3, 65536];
const sizesFor = ({ name }) => {
  const { empty = true, largest = Infinity } = STACKS[name];
  return SIZES.filter(size => size > 0 || empty).map(size => Math.min(size, largest));
};
const KINDS = {
  ordered: {},
  unordered: { ordered: false },
  retransmits: { ordered: false, maxRetransmits: 30 },
  lifetime: { maxPacketLifeTime: 10000, protocol: 'interop' },
  negotiated: { negotiated: true, id: 200 },
};

export const cases = [];
for (const [browser, { count, largest = 262144, tellsClose = true, hearsClose = true }] of Object.entries(STACKS))
  for (const offerer of ['browser', 'program']) {
    const add = (what, run, extra = {}) => cases.push({ name: `${browser}/${offerer} offers/${what}`, browser, ...extra,
      run: context => withPeers(context, offerer, run) });
    for (const [kind, init] of Object.entries(KINDS))
      add(`${count} messages each way, ${kind}`, context => eachWay(context, kind, init));
    add(largest === 262144 ? '256 KiB messages and empty ones' : `messages of ${largest} bytes and empty ones`, big);
    add('channel close is seen on both sides', closing);
    if (tellsClose) add('connection close is seen by the program', closedByBrowser);
    if (hearsClose) add('connection close is seen by the browser', closedByProgram);
  }

async function withPeers({ page, browser, note, defer, args }, offerer, run) {
  const peer = new Peer(args);
  defer(() => peer.quit());
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  const connect = (channel, prepare) => join(page, peer, { offerer, channel, prepare });
  await run({ page, browser, peer, note, connect, offerer });
}

// The browser's channels are echoed by the program, the program's by the browser: contents compared at both ends.
async function eachWay({ page, browser, peer, offerer }, kind, init) {
  const { count, tellsKind, unset = null } = STACKS[browser.name], sizes = sizesFor(browser);
  const ours = `ours-${kind}`, theirs = `theirs-${kind}`;
  const negotiated = init.negotiated;
  await page.call('echo', 'p');
  await join(page, peer, { offerer, channel: 'first', prepare: async () => {
    await page.call('open', 'p', theirs, init);
    if (negotiated) await page.call('open', 'p', ours, { ...init, id: init.id + 1 });
  } });
  if (negotiated) await peer.do('channel', { label: theirs, init, echo: true });
  await peer.do('channel', { label: ours, init: negotiated ? { ...init, id: init.id + 1 } : init });
  await page.call('channelState', 'p', theirs, 'open');
  await page.call('channelState', 'p', ours, 'open');
  if (negotiated) await page.call('echoOn', 'p', ours);

  const [sent, made] = await Promise.all([
    page.call('burst', 'p', theirs, count, sizes),
    peer.do('send', { channel: ours, count: count, sizes }),
  ]);
  sameMessages(sent, await page.call('received', 'p', theirs, count), 'the program echoes what the browser sent');
  sameMessages(made, await page.call('received', 'p', ours, count), 'the browser receives what the program sent');
  const back = await peer.until('its own echo', state => state.channels[ours]?.received.messages >= count, 20000);
  sameMessages(made, back.channels[ours].received, 'the program receives its own echo');

  if (tellsKind === false) return;
  const seen = await page.call('count', 'p', ours);
  equal([seen.ordered, seen.maxRetransmits, seen.maxPacketLifeTime, seen.negotiated, seen.protocol],
    [init.ordered ?? true, init.maxRetransmits ?? unset, init.maxPacketLifeTime ?? unset, !!negotiated, init.protocol ?? ''],
    'the browser sees the channel as it was made');
}

async function big({ page, browser, connect }) {
  const { empty: sendsEmpty = true, largest = 262144 } = STACKS[browser.name], empty = sendsEmpty ? [''] : [];
  await connect('first', () => page.call('open', 'p', 'big'));
  await page.call('channelState', 'p', 'big', 'open');
  const sent = await page.call('burst', 'p', 'big', 20, [largest, ...empty.map(() => 0), largest - 1]);
  sameMessages(sent, await page.call('received', 'p', 'big', 20), 'the largest and empty messages return');
  const wanted = [...empty, 'grüße 🌍'];
  for (const text of wanted) await page.call('text', 'p', 'big', text);
  const { texts } = await page.call('received', 'p', 'big', 20 + wanted.length);
  equal(texts, wanted, 'texts return as texts, the empty one too');
}

async function closing({ page, peer, connect }) {
  await page.call('echo', 'p');
  await connect('first', () => page.call('open', 'p', 'theirs'));
  await peer.do('channel', { label: 'ours' });
  await page.call('channelState', 'p', 'ours', 'open');
  await page.call('channelState', 'p', 'theirs', 'open');
  await page.call('closeChannel', 'p', 'theirs');
  await page.call('channelState', 'p', 'theirs', 'closed');
  await peer.until('theirs closed', state => state.channels.theirs?.readyState === 'closed');
  await peer.do('close_channel', { channel: 'ours' });
  await peer.until('ours closed', state => state.channels.ours?.readyState === 'closed');
  await page.call('channelState', 'p', 'ours', 'closed');
  await peer.do('channel', { label: 'again' });
  await page.call('channelState', 'p', 'again', 'open');
  await peer.do('send', { channel: 'again', text: 'still here' });
  equal((await page.call('received', 'p', 'again', 1)).texts, ['still here'], 'ids are used again');
}

async function closedByBrowser({ page, peer, connect }) {
  await connect('first', () => page.call('open', 'p', 'theirs'));
  await page.call('channelState', 'p', 'theirs', 'open');
  await page.call('close', 'p');
  const state = await peer.until('the end', state => ['closed', 'failed', 'disconnected'].includes(state.connectionState)
    || Object.values(state.channels).every(c => c.readyState === 'closed'));
  ok(Object.values(state.channels).every(c => c.readyState === 'closed'), 'its channels are closed');
}

async function closedByProgram({ page, peer, connect }) {
  await connect('first', () => page.call('open', 'p', 'theirs'));
  await page.call('channelState', 'p', 'theirs', 'open');
  await peer.do('close');
  await page.call('channelState', 'p', 'theirs', 'closed');
}
