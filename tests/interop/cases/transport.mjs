// Below the channels: DTLS versions and key exchange, trickle, restarts, mDNS names, record and replay.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { Peer, PROGRAM } from '../lib/program.mjs';
import { equal, ok, sameMessages } from '../lib/expect.mjs';
import { join } from '../lib/join.mjs';

export const cases = [];
const both = (what, run, options) => {
  for (const browser of ['chromium', 'firefox']) cases.push({ name: `${browser}/${what}`, browser, options: options?.[browser], run });
};

async function open({ page, defer }, { configure, args } = {}) {
  const peer = new Peer(args);
  defer(() => peer.quit());
  if (configure) await peer.do('configure', configure);
  await page.call('create', 'p');
  defer(() => page.call('close', 'p'));
  return peer;
}

async function useChannel(page, label = 'theirs') {
  await page.call('channelState', 'p', label, 'open');
  const before = await page.call('count', 'p', label);
  const sent = await page.call('burst', 'p', label, 50, [1000, 20000]);
  const after = await page.call('received', 'p', label, before.messages + 50);
  equal(after.bytes - before.bytes, sent.bytes, 'the channel echoes');
}

const transportOf = async peer => Object.values((await peer.do('stats')).stats).find(s => s.type === 'transport');

for (const offerer of ['browser', 'program']) {
  both(`${offerer} offers/DTLS 1.3 with X25519MLKEM768`, async context => {
    const peer = await open(context);
    await join(context.page, peer, { offerer, channel: 'first', prepare: () => context.page.call('open', 'p', 'theirs') });
    await useChannel(context.page);
    const transport = await transportOf(peer);
    equal([transport.tlsVersion, transport.tlsGroup], ['FEFC', 'X25519MLKEM768'], 'version and group');
    context.note(transport.dtlsCipher);
  });
  both(`${offerer} offers/ICE-TCP alone`, async context => {
    const peer = await open(context, { args: ['--ice-tcp'] });
    await join(context.page, peer, { offerer, channel: 'first', wanted: line => !line.startsWith('a=candidate') || / tcp /i.test(line),
      prepare: () => context.page.call('open', 'p', 'theirs') });
    await useChannel(context.page);
    const { stats } = await peer.do('stats');
    const pair = stats[(await transportOf(peer)).selectedCandidatePairId];
    equal(stats[pair.localCandidateId].protocol, 'tcp', 'the protocol');
    context.note(`${stats[pair.localCandidateId].tcpType} here`);
  });
  both(`${offerer} offers/DTLS 1.2 only`, async context => {
    const peer = await open(context, { configure: { dtls: { max: '1.2' } } });
    await join(context.page, peer, { offerer, channel: 'first', prepare: () => context.page.call('open', 'p', 'theirs') });
    await useChannel(context.page);
    const transport = await transportOf(peer);
    equal(transport.tlsVersion, 'FEFD', 'version');
    context.note(transport.dtlsCipher);
  });
}

// With Chromium these are also the cases in which it sends I-DATA.
const CLASSIC = { quantum: false };
for (const offerer of ['browser', 'program'])
  both(`${offerer} offers/DTLS 1.3 without ML-KEM, I-DATA`, async context => {
    const peer = await open(context);
    await join(context.page, peer, { offerer, channel: 'first', prepare: () => context.page.call('open', 'p', 'theirs') });
    await useChannel(context.page);
    const transport = await transportOf(peer);
    equal([transport.tlsVersion, transport.tlsGroup], ['FEFC', 'X25519'], 'version and group');
  }, { chromium: { ...CLASSIC, trial: 'interleaving' }, firefox: CLASSIC });

both('trickled candidates', async context => {
  const { page } = context, peer = await open(context);
  await page.call('open', 'p', 'theirs');
  const offer = await page.call('offer', 'p', undefined, { trickle: true });
  const answer = await peer.do('answer', { sdp: offer.sdp.replace(/a=candidate:.*\r\n|a=end-of-candidates\r\n/g, '') });
  await page.call('accept', 'p', answer);
  for (let ended = false; !ended;)
    for (const candidate of await page.call('candidates', 'p')) {
      ended ||= candidate === null;
      await peer.do('candidate', { candidate });
    }
  await page.call('state', 'p', 'connected');
  await useChannel(page);
});

for (const offerer of ['browser', 'program'])
  both(`ICE restart by the ${offerer} in the middle of a transfer`, async context => {
    const { page } = context, peer = await open(context);
    await join(page, peer, { offerer: 'browser', prepare: () => page.call('open', 'p', 'theirs') });
    await page.call('channelState', 'p', 'theirs', 'open');
    const burst = page.call('burst', 'p', 'theirs', 300, [65536, 100]);
    if (offerer === 'browser') {
      const offer = await page.call('offer', 'p', { iceRestart: true });
      await page.call('accept', 'p', await peer.do('answer', { sdp: offer.sdp }));
    } else {
      const offer = await peer.do('restart');
      const answer = await page.call('answer', 'p', offer);
      await peer.do('accept', { sdp: answer.sdp });
    }
    sameMessages(await burst, await page.call('received', 'p', 'theirs', 300), 'nothing is lost');
    await useChannel(page);
    await peer.connected();
  });

cases.push({ name: 'chromium/host names hidden behind mDNS', browser: 'chromium', options: { mdns: true, loopback: false }, isolated: true,
  async run(context) {
    const { page } = context, peer = await open(context);
    await join(page, peer, { offerer: 'browser', prepare: () => page.call('open', 'p', 'theirs') });
    await useChannel(page);
  } });

both('a recorded run replays to the same bytes', async context => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'sendrecv-')), 'run.log');
  context.defer(() => fs.rmSync(path.dirname(file), { recursive: true }));
  const { page } = context, peer = await open(context, { args: ['--record', file] });
  await join(page, peer, { offerer: 'browser', media: { audio: true, video: true },
    prepare: async () => { await page.call('open', 'p', 'theirs'); await page.call('media', 'p', { audio: true, video: true }); } });
  await useChannel(page);
  await page.call('inbound', 'p', 'video', 10);
  equal(await peer.quit(), 0, 'exit status');
  const report = execFileSync(PROGRAM, ['replay', file], { encoding: 'utf8' });
  ok(/identical/.test(report), report);
  context.note(report.trim());
});
