// Certificates made by OpenSSL, once per kind and run, in a folder that goes when the run ends.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';

const KEYS = {
  ecdsa: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  rsa: ['rsa:2048'],
};
const made = new Map();
let folder;

export function temporary() {
  if (!folder) {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sendrecv-interop-'));
    process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  }
  return folder;
}

export const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });

// The files of a self-signed certificate and its key, as PEM and as DER, and its fingerprint as SDP writes it.
export function certificate(kind) {
  if (!made.has(kind)) made.set(kind, make(kind));
  return made.get(kind);
}

function make(kind) {
  const file = what => path.join(temporary(), `${kind}.${what}`);
  const [pem, key, der, keyDer] = ['pem', 'key', 'der', 'key.der'].map(file);
  openssl('req', '-x509', '-newkey', ...KEYS[kind], '-nodes', '-days', '2', '-subj', '/CN=interop', '-keyout', key, '-out', pem);
  openssl('x509', '-in', pem, '-outform', 'DER', '-out', der);
  openssl('pkcs8', '-topk8', '-nocrypt', '-in', key, '-outform', 'DER', '-out', keyDer);
  return { pem, key, der, keyDer, fingerprint: fingerprintOf(fs.readFileSync(pem)) };
}

export const fingerprintOf = pem => `sha-256 ${new X509Certificate(pem).fingerprint256}`;
