// The DTLS crate by itself against OpenSSL and GnuTLS, in both roles: suites, certificates, cookies, small datagrams,
// SRTP profiles. Each case compares the keying material and the certificates that both sides saw.
import { Process, freePort } from '../lib/process.mjs';
import { certificate, fingerprintOf } from '../lib/certificates.mjs';
import { equal, ok } from '../lib/expect.mjs';
import { built } from '../lib/tools.mjs';

const PEER = process.env.SENDRECV_DTLS_PEER ?? built('examples/dtls_peer');
const LABEL = 'EXTRACTOR-dtls_srtp';
const SUITES = {
  c02b: ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ecdsa'], c02c: ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ecdsa'],
  cca9: ['ECDHE-ECDSA-CHACHA20-POLY1305', 'ecdsa'], c02f: ['ECDHE-RSA-AES128-GCM-SHA256', 'rsa'],
  c030: ['ECDHE-RSA-AES256-GCM-SHA384', 'rsa'], cca8: ['ECDHE-RSA-CHACHA20-POLY1305', 'rsa'],
};
const PROFILES = { '0001': 'SRTP_AES128_CM_SHA1_80', '0007': 'SRTP_AEAD_AES_128_GCM', '0008': 'SRTP_AEAD_AES_256_GCM' };
// The one of ours that GnuTLS 3.7 knows.
const GNUTLS_PROFILE = 'SRTP_AES128_CM_HMAC_SHA1_80';

export const cases = [];
const add = (peer, role, what, setup) =>
  cases.push({ name: `${peer}/${role}/${what}`, ms: 20000, run: context => shake({ ...context, peer, role, ...setup }) });

// `role` is ours. With ECDSA certificates OpenSSL wants the certificate's curve among the groups, RSA leaves them free. The peer's flags limit what it offers or takes.
for (const role of ['client', 'server']) {
  for (const [suite, [name, key]] of Object.entries(SUITES))
    add('openssl', role, name, { suite, key, ownKey: key, flags: ['-cipher', name] });
  for (const [srtp, name] of Object.entries(PROFILES)) add('openssl', role, name, { srtp });
  add('openssl', role, 'a certificate of our own making', {});
  add('openssl', role, 'P-384 certificates', { key: 'p384', ownKey: 'p384' });
  for (const [group, name] of [['0017', 'P-256'], ['0018', 'P-384'], ['001d', 'X25519']])
    add('openssl', role, `group ${name}`, { group, key: 'rsa', ownKey: 'rsa' });
  add('openssl', role, 'datagrams of 256 bytes', { mtu: 256, key: 'rsa', ownKey: 'rsa', flags: ['-mtu', 256] });
  for (const key of ['ecdsa', 'rsa']) add('gnutls', role, `${key} certificates`, { key, ownKey: key });
  add('gnutls', role, 'ChaCha20', { suite: 'cca9' });
  add('gnutls', role, 'datagrams of 300 bytes', { mtu: 300, key: 'rsa', ownKey: 'rsa', flags: ['--mtu', 300] });
}
add('openssl', 'server', 'we ask for a cookie', { own: ['--cookie'] });
add('openssl', 'client', 'OpenSSL asks for a cookie before it keeps state', { flags: ['-listen'] });
add('gnutls', 'server', 'we ask for a cookie', { own: ['--cookie'] });
add('gnutls', 'client', 'without a cookie', { flags: ['--nocookie'] });

async function shake(test) {
  const { role, peer, key = 'ecdsa', ownKey, suite, group, mtu, own = [], defer, note } = test;
  const srtp = test.srtp ??= peer === 'gnutls' ? '0001' : '0007';
  const port = await freePort(), theirs = certificate(key);
  const args = [role, `127.0.0.1:${port}`, '--expect', theirs.fingerprint, '--version', '1.2', '--srtp', srtp, ...own];
  if (ownKey) args.push('--certificate', certificate(ownKey).der, '--key', certificate(ownKey).keyDer);
  for (const [name, value] of Object.entries({ suite, group, mtu })) if (value) args.push(`--${name}`, value);

  const startPeer = () => { const it = PEERS[peer](test, port, theirs); defer(() => it.stop()); return it; };
  const startOurs = () => { const it = new Process(PEER, args); defer(() => it.stop()); return it; };
  let ours, other;
  if (role === 'client') {
    other = startPeer();
    await other.until(peer === 'openssl' ? /ACCEPT/ : /Echo Server listening/);
    ours = startOurs();
  } else {
    ours = startOurs();
    await ours.until(/bound to/);
    other = startPeer();
  }
  const [agreed] = await ours.until(/connected .*/).catch(async error => {
    await other.stop();
    throw new Error(`${error.message}\nand the peer said:\n${other.output}`);
  });
  const [, material] = await ours.until(/exporter (\S+)/);
  const [, fingerprint] = await ours.until(/fingerprint (.*)/);
  await PEERS[peer].check({ ...test, other, fingerprint, material });
  if (!(peer === 'gnutls' && role === 'client')) other.write('hello from the peer\n');
  await ours.until(/received hello from/);
  ok(agreed.includes('Dtls12') && agreed.includes(`srtp=${srtp}`), `what was agreed: ${agreed}`);
  if (suite) ok(agreed.includes(`suite=${suite}`), `the suite asked for: ${agreed}`);
  if (group) ok(agreed.includes(`group=${group}`), `the group asked for: ${agreed}`);
  equal(await ours.ended, 0, 'our exit status');
  note(agreed.replace('connected ', ''));
}

const PEERS = {
  openssl({ role, srtp, flags = [] }, port, { pem, key }) {
    const common = ['-dtls1_2', '-cert', pem, '-key', key, '-use_srtp', PROFILES[srtp], '-keymatexport', LABEL, '-keymatexportlen', 60, ...flags];
    return new Process('openssl', role === 'client'
      ? ['s_server', '-accept', `127.0.0.1:${port}`, '-Verify', 1, '-naccept', 1, ...common]
      : ['s_client', '-connect', `127.0.0.1:${port}`, ...common]);
  },

  // gnutls-serv echoes by itself, so its clients need no line from it.
  gnutls({ role, suite, flags = [] }, port, { pem, key }) {
    const priority = `NORMAL:-VERS-ALL:+VERS-DTLS1.2${suite === 'cca9' ? ':-CIPHER-ALL:+CHACHA20-POLY1305' : ''}`;
    const common = ['--udp', '--port', port, '--x509certfile', pem, '--x509keyfile', key, '--srtp-profiles', GNUTLS_PROFILE,
      '--keymatexport', LABEL, '--keymatexportsize', 60, '--priority', priority, ...flags];
    return new Process(role === 'client' ? 'gnutls-serv' : 'gnutls-cli', role === 'client'
      ? ['--echo', '--require-client-cert', ...common] : ['--insecure', '--print-cert', ...common, '127.0.0.1']);
  },
};

// What the peer says of the same connection.
PEERS.openssl.check = async ({ other, fingerprint, material, srtp }) => {
  equal((await other.until(/Keying material: (\S+)/))[1], material, 'keying material');
  ok(other.output.includes(`profile=${PROFILES[srtp]}`), 'OpenSSL agrees about the SRTP profile');
  const [pem] = await other.until(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/);
  equal(fingerprintOf(pem), fingerprint, 'the certificate that OpenSSL saw');
  await other.until(/hello from sendrecv/);
};

// As a datagram server GnuTLS prints neither keying material nor the client's certificate.
PEERS.gnutls.check = async ({ other, role, fingerprint, material }) => {
  await other.until(/hello from sendrecv/);
  ok(other.output.includes(GNUTLS_PROFILE), 'GnuTLS agrees about the SRTP profile');
  if (role === 'client') return;
  equal((await other.until(/Key material: ([0-9a-f]+)/i))[1].toUpperCase(), material, 'keying material');
  const [pem] = await other.until(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/);
  equal(fingerprintOf(pem), fingerprint, 'the certificate that GnuTLS saw');
};
