// libdatachannel (usrsctp, DTLS 1.2) in place of a browser: its W3C-like face runs the page's script. Started as a
// child of its own, since a native module may take its process with it.
import fs from 'node:fs';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { track } from './process.mjs';

const THIS = fileURLToPath(import.meta.url);

export async function startLibdatachannel() {
  const version = JSON.parse(fs.readFileSync(new URL('../node_modules/node-datachannel/package.json', import.meta.url))).version;
  const child = track(fork(THIS, ['--child'])), waiting = new Map();
  let next = 0;
  child.on('message', ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(error)); else resolve(value);
  });
  child.on('close', code => { for (const { reject } of waiting.values()) reject(new Error(`libdatachannel ended (${code})`)); });
  const call = (name, ...args) => new Promise((resolve, reject) => {
    waiting.set(++next, { resolve, reject });
    child.send({ id: next, name, args });
  });
  return {
    name: 'libdatachannel',
    version,
    loopback: true,
    open: async () => ({ call, close: async () => {} }),
    async close() { child.kill('SIGKILL'); },
  };
}

// By itself libdatachannel offers as soon as a channel is made, and answers as soon as an offer comes, on threads of its own:
// what the page asks for would race with that. Here each description is made when it is asked for, and waited for.
function negotiatingWhenAsked({ RTCPeerConnection }, { PeerConnection }) {
  return class extends RTCPeerConnection {
    #native; #made = [];

    constructor(config) {
      const native = new PeerConnection('interop', { iceServers: [], ...config, disableAutoNegotiation: true });
      super({ peerConnection: native });
      this.#native = native;
      native.onLocalDescription((sdp, type) => this.#made.shift()?.({ sdp, type }));
    }

    #make(type) {
      return new Promise(made => {
        this.#made.push(made);
        this.#native.setLocalDescription(type);
      });
    }

    createOffer() { return this.#make('offer'); }
    createAnswer() { return this.#make('answer'); }
    async setLocalDescription() {}
  };
}

if (process.argv[2] === '--child') {
  const [{ default: polyfill }, { default: native }] = await Promise.all([import('node-datachannel/polyfill'), import('node-datachannel')]);
  Object.assign(globalThis, polyfill, { window: globalThis, RTCPeerConnection: negotiatingWhenAsked(polyfill, native) });
  (0, eval)(fs.readFileSync(new URL('page.js', import.meta.url), 'utf8'));
  process.on('message', ({ id, name, args }) => {
    Promise.resolve().then(() => globalThis.api[name](...args))
      .then(value => process.send({ id, value }), error => process.send({ id, error: error.message }));
  });
  process.on('disconnect', () => process.exit());
}
