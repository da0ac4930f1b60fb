// STUN and TURN with coturn, over UDP, TCP and TLS: relayed on our side, on the browser's, on both; reflexive addresses.
// In a network namespace, since Firefox does not go to servers at 127.0.0.1.
import { Peer } from '../lib/program.mjs';
import { USER, startCoturn, lanAddress, tlsFiles } from '../lib/coturn.mjs';
import { startNat } from '../lib/nat.mjs';
import { equal, ok, sameMessages } from '../lib/expect.mjs';
import { join } from '../lib/join.mjs';
import { ISOLATED } from './isolated.mjs';

export const cases = [];
for (const browser of ['chromium', 'firefox']) {
  const add = (what, run) => cases.push({ name: `${browser}/${what}`, browser, ...ISOLATED, run });
  for (const transport of ['udp', 'tcp', 'tls']) {
    add(`TURN over ${transport}, the program relayed`, context => relayed(context, { ours: transport }));
    add(`TURN over ${transport}, the browser relayed`, context => relayed(context, { theirs: transport }));
  }
  add('TURN on both sides', context => relayed(context, { ours: 'udp', theirs: 'udp' }));
  for (const inside of ['program', 'browser'])
    add(`STUN, the ${inside} behind a NAT`, context => reflexive(context, inside));
}

const server = url => ({ iceServers: [{ urls: url, ...USER }] });
const relay = url => ({ ...server(url), iceTransportPolicy: 'relay' });

async function pair({ page, defer }, { ours, theirs }) {
  const peer = new Peer([], { SSL_CERT_FILE: tlsFiles().ca });
  defer(() => peer.quit());
  if (ours) await peer.do('configure', ours);
  await page.call('create', 'p', theirs ?? {});
  defer(() => page.call('close', 'p'));
  return peer;
}

async function relayed(context, { ours, theirs }) {
  const { page, browser, note, defer } = context, coturn = await startCoturn();
  defer(() => coturn.stop());
  const urls = { ...coturn.turn };
  const peer = await pair(context, {
    ours: ours && relay(ours === 'tls' ? coturn.tlsByAddress : urls[ours]),
    theirs: theirs && relay(theirs === 'tls' && browser.name !== 'firefox' ? coturn.tlsByAddress : urls[theirs]),
  });
  await join(page, peer, { offerer: ours ? 'program' : 'browser', channel: 'ours', prepare: () => page.call('open', 'p', 'theirs') });
  await exchange(page);
  if (ours) {
    const { local } = selected(Object.values((await peer.do('stats')).stats));
    equal([local.candidateType, local.relayProtocol], ['relay', ours], 'our candidate');
    note(`${local.address} ${local.relayProtocol}`);
  }
  if (theirs) {
    const { local } = selected(await page.call('stats', 'p'));
    equal([local.candidateType, local.relayProtocol], ['relay', theirs], "the browser's candidate");
  }
}

async function exchange(page) {
  await page.call('channelState', 'p', 'theirs', 'open');
  const sent = await page.call('burst', 'p', 'theirs', 100, [1000, 1200, 20000]);
  sameMessages(sent, await page.call('received', 'p', 'theirs', 100), 'the channel echoes');
}

function selected(stats) {
  const by = id => stats.find(s => s.id === id), transport = stats.find(s => s.type === 'transport');
  const pair = by(transport.selectedCandidatePairId);
  return { local: by(pair.localCandidateId), remote: by(pair.remoteCandidateId) };
}

// Only the reflexive candidate is signalled, and nothing of the other side's: the one way in is through the NAT.
async function reflexive(context, inside) {
  const { page, note, defer } = context, address = lanAddress(), coturn = await startCoturn(address);
  defer(() => coturn.stop());
  const nat = await startNat(address, coturn.port);
  defer(() => nat.stop());
  const config = { iceServers: [{ urls: nat.stun }] };
  const peer = await pair(context, { [inside === 'program' ? 'ours' : 'theirs']: config });
  const only = sdp => sdp.split('\r\n').filter(line => !line.startsWith('a=candidate:') || / typ srflx /.test(line)).join('\r\n');
  const none = sdp => sdp.split('\r\n').filter(line => !/^a=(candidate:|end-of-candidates)/.test(line)).join('\r\n');
  let offer;
  if (inside === 'program') {
    offer = only((await peer.do('offer', { channel: 'ours' })).sdp);
    await page.call('open', 'p', 'theirs');
    const answer = await page.call('answer', 'p', { type: 'offer', sdp: offer });
    await peer.do('accept', { sdp: none(answer.sdp) });
  } else {
    await page.call('open', 'p', 'theirs');
    offer = only((await page.call('offer', 'p')).sdp);
    await page.call('accept', 'p', { type: 'answer', sdp: none((await peer.do('answer', { sdp: offer })).sdp) });
  }
  const [candidate] = offer.match(/a=candidate:.* typ srflx .*/) ?? [];
  ok(candidate, 'a server-reflexive candidate is gathered');
  await Promise.all([page.call('state', 'p', 'connected'), peer.connected()]);
  await exchange(page);
  ok(candidate.includes(` ${nat.used()} typ srflx`), `the connection runs through the mapped port ${nat.used()}: ${candidate}`);
  note(candidate);
}
