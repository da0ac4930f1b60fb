// The SCTP crate by itself against usrsctp by itself, over UDP: both open at once; every kind of message there and back, big
// ones, a stream reset and used again, an orderly end; with and without loss.
import { Process, freePort } from '../lib/process.mjs';
import { equal, ok } from '../lib/expect.mjs';
import { built, peerTool } from '../lib/tools.mjs';

const CLIENT = process.env.SENDRECV_SCTP_CLIENT ?? built('examples/echo_client');

export const cases = [0, 3].map(loss => ({ name: `usrsctp/${loss ? `${loss} of 1000 packets lost` : 'no loss'}`, run: context => talk(context, loss) }));

async function talk({ defer, note }, loss) {
  const [ours, theirs] = [await freePort(), await freePort()];
  const peer = new Process(peerTool('usrsctp'), [theirs, ours]);
  defer(() => peer.stop());
  const client = new Process(CLIENT, [`127.0.0.1:${ours}`, `127.0.0.1:${theirs}`, loss]);
  defer(() => client.stop());
  const code = await client.ended;
  equal(code, 0, client.output);
  ok(client.output.includes('done'), client.output);
  await peer.until(/the end after 1200 messages/);
  note(client.output.match(/bulk: .*/)[0]);
}
