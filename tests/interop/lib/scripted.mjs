// Peers that are no browsers: a program of ours around another stack, which does what `page.js` does in a browser. One JSON line
// per call, `{ id, name, args }`, one per answer, `{ id, value }` or `{ id, error }`; its first line names the version.
import readline from 'node:readline';
import { spawn } from 'node:child_process';
import { track } from './process.mjs';
import { peerTool } from './tools.mjs';

const source = name => new URL(`../peers/${name}`, import.meta.url).pathname;

const COMMANDS = {
  libdatachannel: () => [process.execPath, source('libdatachannel.mjs')],
  libwebrtc: () => [process.execPath, source('libwebrtc.mjs')],
  werift: () => [process.execPath, source('werift.mjs')],
  aiortc: () => [peerTool('python/bin/python'), source('aiortc_peer.py')],
  gstreamer: () => ['/usr/bin/python3', source('gstreamer_peer.py')],
  pion: () => [peerTool('pion')],
};

export async function startScripted(name) {
  const [program, ...args] = COMMANDS[name]();
  const child = track(spawn(program, args, { stdio: 'pipe', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } })), waiting = new Map();
  let next = 0, stderr = '', started, ended;
  const version = new Promise((resolve, reject) => { started = { resolve, reject }; });
  readline.createInterface({ input: child.stdout }).on('line', line => {
    const { id, value, error, version } = JSON.parse(line);
    if (version) return started.resolve(version);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error) reject(new Error(`${name}: ${error}`)); else resolve(value);
  });
  const end = code => {
    ended = new Error(`${name} ended (${code}): ${stderr}`);
    for (const { reject } of [started, ...waiting.values()]) reject(ended);
  };
  child.stderr.on('data', data => { stderr = (stderr + data).slice(-8000); if (process.env.PEER_STDERR) process.stderr.write(data); });
  child.stdin.on('error', () => {});
  child.on('close', end);
  child.on('error', error => end(error.message));
  const call = (what, ...args) => new Promise((resolve, reject) => {
    if (ended) return reject(ended);
    waiting.set(++next, { resolve, reject });
    child.stdin.write(`${JSON.stringify({ id: next, name: what, args })}\n`);
  });
  return {
    name,
    version: await version,
    loopback: true,
    open: async () => ({ call, close: async () => {} }),
    async close() { child.kill('SIGKILL'); },
  };
}
