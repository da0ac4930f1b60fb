// The DTLS crate against Mbed TLS (1.2) and wolfSSL (1.3 and 1.2): what OpenSSL and GnuTLS do not know, above all connection IDs
// and DTLS 1.3, and what happens on a path that loses datagrams or under a client that moves. In each case both sides name
// the same keying material, see each other's certificate, carry data both ways, and close in order.
import { X509Certificate } from 'node:crypto';
import { Process, freePort } from '../lib/process.mjs';
import { certificate } from '../lib/certificates.mjs';
import { equal, ok } from '../lib/expect.mjs';
import { startPath } from '../lib/path.mjs';
import { built, peerTool } from '../lib/tools.mjs';

const PEER = process.env.SENDRECV_DTLS_PEER ?? built('examples/dtls_peer');
const SUITES_12 = {
  c02b: ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ecdsa'], c02c: ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ecdsa'],
  cca9: ['ECDHE-ECDSA-CHACHA20-POLY1305', 'ecdsa'], c02f: ['ECDHE-RSA-AES128-GCM-SHA256', 'rsa'],
  c030: ['ECDHE-RSA-AES256-GCM-SHA384', 'rsa'], cca8: ['ECDHE-RSA-CHACHA20-POLY1305', 'rsa'],
};
const SUITES_13 = { 1301: 'TLS13-AES128-GCM-SHA256', 1302: 'TLS13-AES256-GCM-SHA384', 1303: 'TLS13-CHACHA20-POLY1305-SHA256' };
// The profile that each side is to agree to, and what the library calls it.
const PROFILES = { mbedtls: ['0001', '0001'], wolfssl: ['0007', 'SRTP_AEAD_AES_128_GCM'] };
const GROUPS = { '0017': 'P-256', '0018': 'P-384', '001d': 'X25519', '11ec': 'X25519MLKEM768' };
// A connection ID of so many bytes, as an argument.
const id = length => length === undefined ? undefined : Buffer.from(Array.from({ length }, (_, i) => i + 1)).toString('hex') || '-';

export const cases = [];
// `role` is ours.
const add = (peer, version, role, what, setup = {}) =>
  cases.push({ name: `${peer}/${version}/${role}/${what}`, ms: 30000, run: context => meet({ ...context, peer, version, role, ...setup }) });

for (const role of ['client', 'server']) {
  for (const [peer, version] of [['mbedtls', '1.2'], ['wolfssl', '1.2'], ['wolfssl', '1.3']]) {
    const here = (what, setup) => add(peer, version, role, what, setup);
    if (version === '1.2') for (const [suite, [name, key]] of Object.entries(SUITES_12)) here(name, { suite, name, key });
    else for (const [suite, name] of Object.entries(SUITES_13)) here(name, { suite, name });
    for (const [group, name] of Object.entries(GROUPS))
      if (version === '1.3' || (group !== '11ec' && peer === 'mbedtls')) here(`group ${name}`, { group, key: 'rsa' });
    for (const key of ['rsa', 'p384']) here(`${key} certificates`, { key });
    here('datagrams of 300 bytes', { key: 'rsa', mtu: 300 });
    here('they close', { closer: 'theirs' });
    here('a certificate they do not have', { refused: true });

    for (const [ours, theirs] of [[8, 8], [8, 0], [0, 8], [0, 0], [1, 32], [32, 1], [8, undefined], [undefined, 8]])
      here(`connection ids of ${ours ?? 'no'} and ${theirs ?? 'no'} bytes`, { ours, theirs });
    here('the client gets another port', { ours: 8, theirs: 8, moves: true });
    // A ChangeCipherSpec that comes twice ends wolfSSL's 1.2.
    const repeat = peer === 'wolfssl' && version === '1.2' ? 0 : 10;
    here('a bad path', { path: { loss: 25, repeat, late: 20, seed: 1 } });
    here('a bad path, connection ids of 4 bytes', { path: { loss: 25, repeat, late: 20, seed: 2 }, ours: 4, theirs: 4 });
    here('a bad path, connection ids of 4 bytes, datagrams of 400', { path: { loss: 25, repeat, late: 20, seed: 3 }, ours: 4, theirs: 4, mtu: 400 });
  }
  add('wolfssl', '1.3', role, 'we change our key', { then: updates('ours') });
  add('wolfssl', '1.3', role, 'they change their key', { then: updates('theirs') });
  add('wolfssl', '1.3', role, 'both change their keys, with connection ids', { ours: 8, theirs: 8, then: updates('ours', 'theirs', 'ours') });
  add('wolfssl', '1.3', role, 'keys change on a bad path', { path: { loss: 25, late: 20, seed: 5 }, then: updates('ours', 'theirs'), spoiled: true });
  add('wolfssl', '1.3', role, 'we give them another connection id', { ours: 8, theirs: 8, then: replace });
  add('wolfssl', '1.3', role, 'we ask for connection ids', { ours: 8, theirs: 8, then: request });
}
add('mbedtls', '1.2', 'server', 'we ask for a cookie', { own: ['--cookie'] });
add('mbedtls', '1.2', 'client', 'they ask for a cookie', { cookie: true });
add('wolfssl', '1.3', 'server', 'we ask for a cookie', { own: ['--cookie'] });
add('wolfssl', '1.3', 'client', 'they ask for a cookie', { cookie: true });
add('wolfssl', '1.3', 'server', 'we ask for another share', { group: '0018', groups: '29,24' });
add('wolfssl', '1.3', 'server', 'they send no share', { flags: ['--no-share'] });
add('wolfssl', '1.3', 'server', 'we ask for a cookie and a share, datagrams of 300 bytes', { own: ['--cookie'], flags: ['--no-share'], mtu: 300, key: 'rsa' });
add('wolfssl', '1.3', 'client', 'they ask for another share', { groups: '24' });
add('wolfssl', '1.3', 'client', 'they ask for a cookie and a share', { groups: '24', cookie: true });
add('wolfssl', '1.3', 'client', 'they ask for a cookie and a share of X25519MLKEM768', { group: '11ec', cookie: true });

async function meet(test) {
  const { role, version, note, refused, then = async () => {}, closer = 'ours' } = test;
  const { ours, theirs, path } = await start(test);
  if (refused) {
    await ours.until(/closed: failed: /);
    note((await theirs.until(/failed: .*/))[0]);
    return;
  }
  const [agreed] = await ours.until(/connected .*/).catch(async error => {
    await theirs.stop();
    throw new Error(`${error.message}\nand the peer said:\n${theirs.output}`);
  });
  ok(agreed.includes(version === '1.2' ? 'Dtls12' : 'Dtls13'), `the version: ${agreed}`);
  for (const what of ['suite', 'group'])
    if (test[what]) ok(agreed.includes(`${what}=${test[what]}`), `the ${what} asked for: ${agreed}`);
  ok(agreed.includes(`srtp=${PROFILES[test.peer][0]}`), `the SRTP profile: ${agreed}`);
  await agree(test, ours, theirs);
  path?.heal();
  await talk(ours, theirs);
  if (test.spoiled) path.spoil();
  await then({ ours, theirs });
  path?.heal();
  if (test.moves) {
    await path.move();
    const mover = role === 'client' ? ours : theirs, other = role === 'client' ? theirs : ours;
    mover.write('send from another port\n');
    await other.until(/received from another port/);
  }
  await talk(ours, theirs);
  await close(closer === 'ours' ? ours : theirs, closer === 'ours' ? theirs : ours);
  note(agreed.replace('connected ', ''));
}

async function start(test) {
  const { role, key = 'ecdsa', moves, path: quality, defer } = test;
  const its = certificate(key), port = await freePort();
  const path = moves || quality ? await startPath(port, quality) : undefined;
  if (path) defer(path.stop);
  const clientPort = path?.port ?? port, weServe = role === 'server';

  const run = (program, line) => { const it = new Process(program, line); defer(() => it.stop()); return it; };
  const startOurs = async () => {
    const it = run(PEER, ourLine(test, weServe ? port : clientPort, its));
    await it.until(/bound to/);
    return it;
  };
  const startTheirs = async () => {
    const it = run(peerTool(test.peer), theirLine(test, weServe ? clientPort : port, its));
    await it.until(/ready/);
    return it;
  };
  if (weServe) {
    const ours = await startOurs();
    return { ours, theirs: await startTheirs(), path };
  }
  const theirs = await startTheirs();
  return { theirs, ours: await startOurs(), path };
}

const flagsOf = options => Object.entries(options).flatMap(([flag, value]) => value === undefined ? [] : [`--${flag}`, value]);

function ourLine({ role, version, peer, suite, key = 'ecdsa', group, mtu, ours, own = [], refused }, port, its) {
  // wolfSSL takes a first ClientHello in one datagram only, which X25519MLKEM768 does not fit into: it asks for that share.
  const alone = peer === 'wolfssl' && version === '1.3' && role === 'client';
  const expect = refused ? its.fingerprint.replace(/..$/, last => last === '00' ? '01' : '00') : its.fingerprint;
  const pair = key === 'ecdsa' ? {} : { certificate: its.der, key: its.keyDer };
  return [role, `127.0.0.1:${port}`, '--talk', ...own, ...flagsOf({
    seconds: 25, version, expect, ...pair, srtp: PROFILES[peer][0], suite, mtu, id: id(ours),
    group: group ?? (alone ? '001d,0017,0018' : undefined), shares: alone && group === '11ec' ? 0 : undefined,
  })];
}

function theirLine({ role, version, peer, name, suite, group, groups, mtu, theirs, flags = [], cookie }, port, its) {
  return [role === 'client' ? 'server' : 'client', port, its.pem, its.key, ...flags, ...flagsOf({
    version, srtp: PROFILES[peer][1], suite: peer === 'wolfssl' ? name : suite, mtu, id: id(theirs),
    groups: groups ?? (group && parseInt(group, 16)), cookie: cookie ? '' : undefined,
  })];
}

// Both name the same keys, and each the other's certificate and connection ID.
async function agree({ ours: wanted, theirs: wantedThere }, ours, theirs) {
  equal((await theirs.until(/exporter (\S+)/))[1], (await ours.until(/exporter (\S+)/))[1], 'keying material');
  const [, der] = await theirs.until(/certificate (\S+)/);
  equal(`sha-256 ${new X509Certificate(Buffer.from(der, 'hex')).fingerprint256}`, (await ours.until(/fingerprint (.*)/))[1], 'the certificate that the peer saw');
  const named = wanted !== undefined && wantedThere !== undefined;
  const [, known, sent] = await theirs.until(/ids (\w+) peer (.*)/);
  equal([known === 'agreed' && sent !== '', sent.toLowerCase()], [named && wanted > 0, named ? id(wanted).replace('-', '') : ''], 'the connection IDs, as the peer says');
  ours.write('ids\n');
  const shown = length => named && length ? id(length).toUpperCase() : '-';
  equal((await ours.until(/ids (.*)/))[1], `${shown(wanted)} ${shown(wantedThere)}`, 'the connection IDs, as we say');
}

let lines = 0;
async function talk(ours, theirs) {
  for (const [from, to] of [[ours, theirs], [theirs, ours]]) {
    const line = `line ${++lines}.`;
    from.write(`send ${line}\n`);
    await to.until(new RegExp(`received ${line}`));
  }
}

async function close(closer, other) {
  closer.write('close\n');
  await other.until(/closed by the peer|closed: .*peer/);
  await closer.ended;
}

const counted = (process, what) => [...process.output.matchAll(new RegExp(`${what}: (\\d+)`, 'g'))].map(found => Number(found[1])).at(-1) ?? 0;

// Waits until a counter of ours is more than it was.
async function more(ours, what, before) {
  for (let i = 0; i < 500; i++) {
    const told = ours.output.split('Stats {').length;
    ours.write('stats\n');
    await ours.until(new RegExp(`(?:Stats {[^]*){${told}}`));
    if (counted(ours, what) > before) return;
    await new Promise(done => setTimeout(done, 20));
  }
  throw new Error(`${what} stayed at ${before}:\n${ours.output}`);
}

// Each changes its key, one after the other.
function updates(...whose) {
  return async both => {
    for (const who of whose) {
      const what = who === 'ours' ? 'key_updates_sent' : 'key_updates_received', before = counted(both.ours, what);
      both[who].write('update\n');
      await more(both.ours, what, before);
    }
  };
}

async function replace({ ours, theirs }) {
  ours.write('replace\n');
  for (let i = 0; i < 100 && !/peer 0003020504070609/.test(theirs.output); i++) {
    theirs.write('ids\n');
    await new Promise(done => setTimeout(done, 20));
  }
  await theirs.until(/peer 0003020504070609/);
}

// wolfSSL acknowledges the request, and does not answer it.
async function request({ ours }) {
  ours.write('request 2\n');
  await new Promise(done => setTimeout(done, 100));
}
