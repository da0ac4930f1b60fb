// A UDP path between a client and a server on this machine that loses, repeats and overtakes datagrams as its seed says, and on which
// the client can come to have another port, as behind a NAT that forgets.
import dgram from 'node:dgram';

export async function startPath(serverPort, { loss = 0, repeat = 0, late = 0, seed = 1 } = {}) {
  const address = '127.0.0.1', sockets = [];
  let state = seed, client, outer, bad = true;
  // xorshift32: equal seeds lose the same datagrams.
  const chance = percent => {
    state ^= state << 13, state ^= state >>> 17, state ^= state << 5;
    return (state >>> 0) % 100 < percent;
  };
  const pass = send => {
    if (!bad) return send();
    if (chance(loss)) return;
    if (chance(late)) setTimeout(send, 15); else send();
    if (chance(repeat)) send();
  };
  const socket = onMessage => {
    const made = dgram.createSocket('udp4', onMessage);
    sockets.push(made);
    made.on('error', () => {});
    return new Promise(done => made.bind(0, address, () => done(made)));
  };
  const inner = await socket((datagram, { port }) => {
    client = port;
    const from = outer;
    pass(() => from.send(datagram, serverPort, address, () => {}));
  });
  const move = async () => {
    const here = await socket(datagram => here === outer && pass(() => inner.send(datagram, client, address, () => {})));
    outer = here;
  };
  await move();
  return {
    port: inner.address().port, move,
    heal: () => { bad = false; },
    spoil: () => { bad = true; },
    stop: () => sockets.forEach(each => each.close()),
  };
}
