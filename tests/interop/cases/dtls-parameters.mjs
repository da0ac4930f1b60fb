// The DTLS crate against OpenSSL and GnuTLS with parameters that are less usual: large RSA keys, restricted signatures and
// groups, odd datagram sizes, session tickets, an attempt to renegotiate, and keys that are refused.
import fs from 'node:fs';
import path from 'node:path';
import { Process, freePort } from '../lib/process.mjs';
import { fingerprintOf, openssl, temporary } from '../lib/certificates.mjs';
import { ok } from '../lib/expect.mjs';
import { built } from '../lib/tools.mjs';

const PEER = process.env.SENDRECV_DTLS_PEER ?? built('examples/dtls_peer');
const KEYS = {
  p256: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], p384: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  p521: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-521'], ed25519: ['ed25519'],
  rsa1024: ['rsa:1024'], rsa3072: ['rsa:3072'], rsa4096: ['rsa:4096'],
};
const made = new Map();

function certificate(kind) {
  if (made.has(kind)) return made.get(kind);
  const file = what => path.join(temporary(), `parameters-${kind}.${what}`);
  const [pem, key, der, keyDer] = ['pem', 'key', 'der', 'key.der'].map(file);
  openssl('req', '-x509', '-newkey', ...KEYS[kind], '-nodes', '-days', '2', '-subj', '/CN=interop', '-keyout', key, '-out', pem);
  openssl('x509', '-in', pem, '-outform', 'DER', '-out', der);
  openssl('pkcs8', '-topk8', '-nocrypt', '-in', key, '-outform', 'DER', '-out', keyDer);
  made.set(kind, { pem, key, der, keyDer, fingerprint: fingerprintOf(fs.readFileSync(pem)) });
  return made.get(kind);
}

export const cases = [];
const add = (peer, role, what, setup) =>
  cases.push({ name: `${peer}/parameters/${role}/${what}`, ms: 30000, run: context => shake({ ...context, peer, role, ...setup }) });

// `role` is ours; `key` is the peer's and, unless `own` says otherwise, ours is made from the seed.
for (const role of ['client', 'server']) {
  for (const key of ['rsa3072', 'rsa4096']) add('openssl', role, `${key} keys on both sides`, { key, own: key });
  add('openssl', role, 'RSA PKCS#1 signatures only', { key: 'rsa3072', own: 'rsa3072', flags: ['-sigalgs', 'RSA+SHA256'] });
  add('openssl', role, 'RSA-PSS signatures only', { key: 'rsa3072', own: 'rsa3072', flags: ['-sigalgs', 'rsa_pss_rsae_sha256'] });
  add('openssl', role, 'P-384 with SHA-384', { key: 'p384', own: 'p384', flags: ['-sigalgs', 'ECDSA+SHA384'] });
  add('openssl', role, 'datagrams of 512 bytes, RSA 4096', { key: 'rsa4096', own: 'rsa4096', mtu: 512, flags: ['-mtu', 512] });
  for (const priority of ['-GROUP-ALL:+GROUP-SECP256R1', '-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1', '%DISABLE_SAFE_RENEGOTIATION', '-CIPHER-ALL:+AES-256-GCM'])
    add('gnutls', role, priority, { key: 'p256', priority });
  add('openssl', role, 'refuses P-521', { key: 'p521', refused: /closed: (failed: the certificate's key cannot be read|the peer sent the alert handshake_failure)/ });
  add('openssl', role, 'refuses RSA keys of 1024 bits', { key: 'rsa1024', flags: ['-cipher', 'ALL:@SECLEVEL=0'], refused: /closed: failed: the signature in .* does not verify/ });
}
add('openssl', 'server', 'an attempt to renegotiate is refused', { key: 'p256', renegotiate: true });

async function shake({ role, peer, key, own, mtu, flags = [], priority, refused, renegotiate, defer, note }) {
  const port = await freePort(), theirs = certificate(key);
  const args = [role, `127.0.0.1:${port}`, '--expect', theirs.fingerprint, '--version', '1.2', '--srtp', '0001'];
  if (own) args.push('--certificate', certificate(own).der, '--key', certificate(own).keyDer);
  if (mtu) args.push('--mtu', mtu);
  const start = { ours: () => new Process(PEER, args), other: () => PEERS[peer]({ role, port, flags, priority, ...theirs }) };
  const started = {};
  const run = async (who, ready) => {
    started[who] = start[who]();
    defer(() => started[who].stop());
    if (ready) await started[who].until(ready);
  };
  if (role === 'client') {
    await run('other', peer === 'openssl' ? /ACCEPT/ : /Echo Server listening/);
    await run('ours');
  } else {
    await run('ours', /bound to/);
    await run('other');
  }
  const { ours, other } = started;
  if (refused) return note((await ours.until(refused))[0]);
  const [agreed] = await ours.until(/connected .*/);
  await other.until(/hello from sendrecv/);
  if (renegotiate) {
    other.write('R\n');
    // OpenSSL gives up when it is told so.
    await other.until(/no renegotiation/i);
    return note((await ours.until(/closed: .*/))[0]);
  }
  if (!(peer === 'gnutls' && role === 'client')) other.write('hello from the peer\n');
  await ours.until(/received hello from/);
  ok(agreed.includes('Dtls12'), `what was agreed: ${agreed}`);
  note(agreed.replace('connected ', ''));
}

const PEERS = {
  openssl({ role, port, flags, pem, key }) {
    const common = ['-dtls1_2', '-cert', pem, '-key', key, '-use_srtp', 'SRTP_AES128_CM_SHA1_80', ...flags];
    return new Process('openssl', role === 'client'
      ? ['s_server', '-accept', `127.0.0.1:${port}`, '-Verify', 1, '-naccept', 1, ...common]
      : ['s_client', '-connect', `127.0.0.1:${port}`, ...common]);
  },
  gnutls({ role, port, priority, pem, key }) {
    const common = ['--udp', '--port', port, '--x509certfile', pem, '--x509keyfile', key,
      '--srtp-profiles', 'SRTP_AES128_CM_HMAC_SHA1_80', '--priority', `NORMAL:-VERS-ALL:+VERS-DTLS1.2:${priority}`];
    return new Process(role === 'client' ? 'gnutls-serv' : 'gnutls-cli', role === 'client'
      ? ['--echo', '--require-client-cert', ...common] : ['--insecure', ...common, '127.0.0.1']);
  },
};
