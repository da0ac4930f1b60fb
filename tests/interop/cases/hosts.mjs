// Cases again on plain threads: the program's other host.
import { SAMPLE } from './isolated.mjs';

export const cases = SAMPLE.map(test => ({ ...test, name: `${test.name}, on the blocking host`,
  run: context => test.run({ ...context, args: ['--host', 'blocking'] }) }));
