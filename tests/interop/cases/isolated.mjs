// Cases again inside a network namespace of their own, where browsers see an ordinary interface instead of loopback.
import { cases as datachannel } from './datachannel.mjs';
import { cases as media } from './media.mjs';

// What makes a case run there; the one set of options lets all of them share a browser.
export const ISOLATED = { isolated: true, options: { loopback: false, turn: true } };

// A few that use everything: for other surroundings than the ordinary.
export const SAMPLE = [...datachannel, ...media].filter(({ name }) =>
  /^(chromium|firefox)\/.*offers\/(256 KiB|1000 messages each way, unordered|opus and (video\/)?VP8)/.test(name));

export const cases = SAMPLE.map(test => ({ ...test, ...ISOLATED, name: `${test.name}, in a network of its own` }));
