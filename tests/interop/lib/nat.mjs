// A port mapping as home routers have it, in user space: what an inside host sends through `port` reaches the STUN
// server from a mapped port, and what others send to that mapped port reaches the inside host, from one socket each.
import dgram from 'node:dgram';

export async function startNat(address, serverPort) {
  const sockets = [], outers = new Map();
  let mapped;
  const socket = async onMessage => {
    const made = dgram.createSocket('udp4', onMessage);
    sockets.push(made);
    made.on('error', () => {});
    await new Promise(done => made.bind(0, address, done));
    return made;
  };

  // One per inside host: its mapping.
  const outerOf = host => {
    if (!outers.has(host)) outers.set(host, map(Number(host)));
    return outers.get(host);
  };
  const map = async host => {
    const mirrors = new Map();
    const outer = await socket(async (packet, from) => {
      if (from.port === serverPort) return inner.send(packet, host, address);
      if (!mirrors.has(from.port)) mirrors.set(from.port, socket(reply => { mapped = outer.address().port; outer.send(reply, from.port, from.address); }));
      (await mirrors.get(from.port)).send(packet, host, address);
    });
    return outer;
  };
  const inner = await socket(async (packet, from) => (await outerOf(from.port)).send(packet, serverPort, address));

  return {
    stun: `stun:${address}:${inner.address().port}`,
    // The mapped port over which the inside host talked with someone else than the server.
    used: () => mapped,
    stop: () => sockets.forEach(each => each.close()),
  };
}
