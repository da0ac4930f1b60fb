// Servers and tools as child processes: what they print is kept, waited for, and shown when something goes wrong.
import { spawn } from 'node:child_process';
import dgram from 'node:dgram';

// No child outlives this process, however it ends.
const alive = new Set();
process.on('exit', () => { for (const child of alive) child.kill('SIGKILL'); });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

export function track(child) {
  alive.add(child);
  child.on('error', () => alive.delete(child));
  child.on('close', () => alive.delete(child));
  return child;
}

export class Process {
  output = ''; #child; #name; #waiting = new Set(); #code;

  constructor(program, args, options = {}) {
    this.#name = program.replace(/.*\//, '');
    this.#child = track(spawn(program, args.map(String), { stdio: 'pipe', ...options }));
    this.#child.stdin.on('error', () => {});
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', data => {
        this.output = (this.output + data).slice(-200000);
        this.#look();
      });
    this.ended = new Promise(done => {
      const end = code => { this.#code ??= code; this.#look(); done(this.#code); };
      this.#child.on('close', (code, signal) => end(code ?? signal));
      this.#child.on('error', error => { this.output += error.message; end('not started'); });
    });
  }

  #look() { for (const look of this.#waiting) look(); }

  // Waits until the output matches, and returns the match.
  until(pattern, ms = 10000) {
    return new Promise((resolve, reject) => {
      const settle = (how, value) => { clearTimeout(timer); this.#waiting.delete(look); how(value); };
      const fail = why => settle(reject, new Error(`${this.#name} ${why} before ${pattern}:\n${this.output.slice(-4000)}`));
      const look = () => {
        const found = this.output.match(pattern);
        if (found) settle(resolve, found); else if (this.#code !== undefined) fail(`ended (${this.#code})`);
      };
      const timer = setTimeout(() => fail('ran out of time'), ms);
      this.#waiting.add(look);
      look();
    });
  }

  write(text) { this.#child.stdin.write(text); }

  // Ends the process if it has not ended by itself, and waits for it.
  async stop() {
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    const code = await this.ended;
    clearTimeout(force);
    return code;
  }
}

// A UDP port that was free a moment ago.
export function freePort(address = '127.0.0.1') {
  const socket = dgram.createSocket('udp4');
  return new Promise((done, fail) => {
    socket.on('error', fail);
    socket.bind(0, address, () => { const { port } = socket.address(); socket.close(() => done(port)); });
  });
}
