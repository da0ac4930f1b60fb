// Path MTU discovery with every other stack: how large packets get, with bulk both ways; and in a network that takes less
// than Ethernet does.
import { execFileSync } from 'node:child_process';
import { Peer } from '../lib/program.mjs';
import { ok, sameMessages } from '../lib/expect.mjs';
import { join } from '../lib/join.mjs';
import { STACKS } from '../lib/stacks.mjs';
import { ISOLATED } from './isolated.mjs';

// Of 1500 bytes IP takes 20 (or 40), UDP 8, and DTLS 22 to 37; the search begins at 1200 bytes of UDP. Only peers that announce I-DATA
// (or zero checksums) are sent probes: Firefox by itself, Chromium with its field trial.
const INTERLEAVING = { trial: 'interleaving' }, ETHERNET = [1400, 1452], WHATEVER = [0, 1452];

export const cases = Object.keys(STACKS).map(browser => ({ name: `${browser}/packets as large as the path and the peer take`, browser,
  run: context => bulk(context, browser === 'firefox' ? ETHERNET : WHATEVER) }));
cases.push({ name: 'chromium/packets as large as the path takes, with I-DATA', browser: 'chromium', options: INTERLEAVING,
  run: context => bulk(context, ETHERNET) });
for (const [browser, options] of [['firefox', {}], ['chromium', INTERLEAVING]])
  cases.push({ name: `${browser}/packets grow to what an interface of 1400 bytes takes`, browser, isolated: true,
    options: { ...ISOLATED.options, ...options }, run: context => withMtu(context, 1400, () => bulk(context, [1270, 1352])) });

async function bulk({ page, browser, note, defer }, [least, most]) {
  const { largest = 65536 } = STACKS[browser.name], peer = new Peer();
  defer(() => peer.quit());
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  await page.call('echo', 'p');
  await join(page, peer, { offerer: 'browser', prepare: () => page.call('open', 'p', 'theirs') });
  await peer.do('channel', { label: 'ours' });
  await page.call('channelState', 'p', 'ours', 'open');
  await page.call('channelState', 'p', 'theirs', 'open');
  const { maxPacketSize } = await peer.until('the search', state => state.maxPacketSize >= least, 30000);
  const sizes = [Math.min(60000, largest), 16384], count = 100;
  const [sent, made] = await Promise.all([page.call('burst', 'p', 'theirs', count, sizes), peer.do('send', { channel: 'ours', count, sizes })]);
  sameMessages(sent, await page.call('received', 'p', 'theirs', count), 'the program echoes what the browser sent');
  sameMessages(made, await page.call('received', 'p', 'ours', count), 'the browser receives what the program sent');
  const state = await peer.until('its own echo', state => state.channels.ours?.received.messages >= count, 30000);
  ok(state.maxPacketSize >= least && state.maxPacketSize <= most, `packets of ${state.maxPacketSize} bytes`);
  note(`SCTP packets of ${maxPacketSize} bytes`);
}

// Between two addresses of one machine it is loopback that carries.
async function withMtu({ defer }, mtu, work) {
  const set = size => execFileSync('ip', ['link', 'set', 'lo', 'mtu', String(size)]);
  set(mtu);
  defer(() => set(65536));
  await work();
}
