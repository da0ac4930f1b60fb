// coturn with its own certificate authority, on free ports of one address.
import fs from 'node:fs';
import path from 'node:path';
import os from 'node:os';
import { Process, freePort } from './process.mjs';
import { openssl, temporary } from './certificates.mjs';

export const USER = { username: 'user', credential: 'secret' };
// What certificates and `turns:` URLs call the server: Firefox wants a name there.
export const NAME = 'turn.test';

// An address of this machine that is not loopback, where Firefox does not go for TURN.
export function lanAddress() {
  const found = Object.values(os.networkInterfaces()).flat().find(i => i.family === 'IPv4' && !i.internal);
  if (!found) throw new Error('this machine has no IPv4 address but loopback');
  return found.address;
}

// A certificate authority and a server certificate by it: Firefox refuses an authority as a server's own certificate.
let authority;
export function tlsFiles(address = lanAddress()) {
  if (authority) return authority;
  const file = name => path.join(temporary(), name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=interop authority', '-keyout', file('ca.key'), '-out', file('ca.pem'));
  fs.writeFileSync(file('names'), `basicConstraints=CA:FALSE\nsubjectAltName=DNS:${NAME},IP:${address}\n`);
  openssl('req', ...key, '-subj', `/CN=${NAME}`, '-keyout', file('turn.key'), '-out', file('turn.req'));
  openssl('x509', '-req', '-in', file('turn.req'), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-days', '2',
    '-extfile', file('names'), '-out', file('turn.pem'));
  return authority = { ca: file('ca.pem'), certificate: file('turn.pem'), key: file('turn.key') };
}

export async function startCoturn(address = lanAddress()) {
  const [port, tlsPort] = [await freePort(address), await freePort(address)], { certificate, key } = tlsFiles(address);
  const server = new Process('turnserver', ['-n', '--log-file=stdout', '--simple-log', '--no-cli', '--verbose',
    `--listening-ip=${address}`, `--relay-ip=${address}`, `--listening-port=${port}`, `--tls-listening-port=${tlsPort}`,
    '--lt-cred-mech', `--user=${USER.username}:${USER.credential}`, '--realm=interop', '--fingerprint', '--no-rfc5780',
    `--cert=${certificate}`, `--pkey=${key}`, '--allow-loopback-peers', `--userdb=${path.join(temporary(), `${port}.db`)}`,
    `--pidfile=${path.join(temporary(), `${port}.pid`)}`, '--proc-user=root', '--proc-group=root'],
    { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
  await server.until(new RegExp(`listener opened on.*${port}[^]*listener opened on.*${tlsPort}`), 8000);
  return {
    address, port, server,
    stun: `stun:${address}:${port}`,
    turn: { udp: `turn:${address}:${port}?transport=udp`, tcp: `turn:${address}:${port}?transport=tcp`, tls: `turns:${NAME}:${tlsPort}?transport=tcp` },
    tlsByAddress: `turns:${address}:${tlsPort}?transport=tcp`,
    stop: () => server.stop(),
  };
}
