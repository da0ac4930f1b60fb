// The few assertions the cases need, with messages that show both values.
import assert from 'node:assert/strict';

export const equal = (actual, expected, what) =>
  assert.deepEqual(actual, expected, `${what}: got ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);

export const ok = (value, what) => assert.ok(value, what);

// What was sent and what arrived, as counts and order-independent hashes.
export function sameMessages(sent, received, what) {
  const pick = ({ messages, bytes, hash }) => ({ messages, bytes, hash });
  equal(pick(received), pick(sent), what);
}
