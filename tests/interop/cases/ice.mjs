// The ICE crate by itself against libnice by itself: both roles, both kinds of nomination, and both sides taking the same role.
import { Process } from '../lib/process.mjs';
import { equal, ok } from '../lib/expect.mjs';
import { built, peerTool } from '../lib/tools.mjs';

const AGENT = process.env.SENDRECV_ICE_AGENT ?? built('examples/signalled_agent');

export const cases = [];
for (const ours of ['controlling', 'controlled'])
  for (const theirs of ['controlling', 'controlled'])
    for (const nomination of ['regular', 'aggressive'])
      cases.push({ name: `libnice/${nomination}/we ${ours}, libnice ${theirs}`, ms: 20000, run: context => connect(context, ours, theirs, nomination) });

async function connect({ defer, note }, ours, theirs, nomination) {
  const agent = new Process(AGENT, [ours]), nice = new Process(peerTool('nice'), [theirs, nomination, '127.0.0.1']);
  for (const process of [agent, nice]) defer(() => process.stop());
  const description = process => process.until(/m=application[^]*?\nend\n/).then(([text]) => text);
  const [mine, its] = [await description(agent), await description(nice)];
  nice.write(mine);
  agent.write(its);
  const [, role] = await agent.until(/echoed 100 packets as (\w+)/, 15000);
  equal(await agent.ended, 0, 'our exit status');
  await nice.until(/state ready/);
  ok(ours === theirs || role.toLowerCase() === ours, 'without a conflict everyone keeps its role');
  note(`${role.toLowerCase()} at the end`);
}
