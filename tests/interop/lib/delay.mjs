// A UDP path between a browser and the program on which every datagram takes `ms`. Each sees every socket of the other as one of this
// process's, for which the candidates in the descriptions are exchanged.
import dgram from 'node:dgram';

export async function startDelay(ms) {
  const address = '127.0.0.1', timers = new Set(), doubles = { browser: new Map(), program: new Map() };
  const later = send => {
    const timer = setTimeout(() => { timers.delete(timer); send(); }, ms);
    timers.add(timer);
  };
  // The socket that stands for the one which `name` has at this address.
  function double(name, ip, port) {
    const known = doubles[name].get(`${ip} ${port}`);
    if (known) return known;
    const socket = dgram.createSocket('udp4'), other = name === 'browser' ? 'program' : 'browser';
    const bound = new Promise(done => socket.bind(0, address, done));
    socket.on('error', () => {});
    socket.on('message', (datagram, from) => {
      const sender = double(other, from.address, from.port);
      later(() => sender.bound.then(() => sender.socket.send(datagram, port, ip, () => {})));
    });
    doubles[name].set(`${ip} ${port}`, { socket, bound });
    return { socket, bound };
  }
  return {
    // What the other side is to see of the description of `name`: its first candidate, which leads here.
    async through(sdp, name) {
      const candidate = /^a=candidate:\S+ 1 udp \d+ (\d+\.\d+\.\d+\.\d+) (\d+) typ host/im.exec(sdp);
      if (!candidate) throw new Error(`no host candidate in ${sdp}`);
      const [line, ip, port] = candidate, { socket, bound } = double(name, ip, Number(port));
      await bound;
      const changed = line.replace(`${ip} ${port}`, `${address} ${socket.address().port}`);
      return sdp.split('\r\n').filter(each => !each.startsWith('a=candidate:') || each.startsWith(line)).join('\r\n').replace(line, changed);
    },
    stop() {
      timers.forEach(clearTimeout);
      Object.values(doubles).flatMap(all => [...all.values()]).forEach(({ socket }) => socket.close());
    },
  };
}
