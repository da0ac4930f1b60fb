// The sendrecv program as a child process: `peer` answers one JSON line per command, `serve` prints a URL.
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { track } from './process.mjs';
import { built } from './tools.mjs';

export const PROGRAM = process.env.SENDRECV ?? built('sendrecv');

export class Peer {
  #child; #waiting = []; #stderr = ''; #end;

  constructor(args = [], environment = {}) {
    this.#child = track(spawn(PROGRAM, ['peer', ...args], { stdio: 'pipe', env: { ...process.env, ...environment } }));
    this.#child.stderr.on('data', data => { this.#stderr = (this.#stderr + data).slice(-8000); });
    this.#child.stdin.on('error', () => {});
    this.ended = new Promise(done => {
      const end = code => {
        this.#end = `sendrecv peer ended (${code}): ${this.#stderr}`;
        for (const { reject } of this.#waiting.splice(0)) reject(new Error(this.#end));
        done(code);
      };
      this.#child.on('close', end);
      this.#child.on('error', error => end(error.message));
    });
    readline.createInterface({ input: this.#child.stdout }).on('line', line => {
      const { resolve, reject, what } = this.#waiting.shift() ?? {};
      const answer = JSON.parse(line);
      if (answer.error) reject?.(new Error(`${what}: ${answer.error}`)); else resolve?.(answer);
    });
  }

  do(what, fields = {}) {
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(new Error(this.#end));
      this.#waiting.push({ resolve, reject, what });
      this.#child.stdin.write(`${JSON.stringify({ do: what, ...fields })}\n`);
    });
  }

  // Asks for the state until `test` holds.
  async until(what, test, ms = 15000) {
    let state;
    for (const end = Date.now() + ms; Date.now() < end; await new Promise(done => setTimeout(done, 20))) {
      state = await this.do('state');
      if (test(state)) return state;
    }
    throw new Error(`program: timed out waiting for ${what}: ${JSON.stringify(state)}`);
  }

  connected() { return this.until('connected', state => state.connectionState === 'connected'); }

  async quit() {
    const end = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    this.do('quit').catch(() => {});
    const code = await this.ended;
    clearTimeout(end);
    return code;
  }
}

export async function startServer(args = []) {
  const child = track(spawn(PROGRAM, ['serve', '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
  let stderr = '';
  child.stderr.on('data', data => { stderr += data; });
  const ended = new Promise(done => child.on('close', done));
  const url = await new Promise((done, fail) => {
    readline.createInterface({ input: child.stdout }).on('line', line => {
      const found = line.match(/http:\/\/\S+/);
      if (found) done(found[0]);
    });
    ended.then(code => fail(new Error(`sendrecv serve ended (${code}): ${stderr}`)));
  });
  return { url, stop: async () => { child.kill('SIGINT'); return ended; } };
}
