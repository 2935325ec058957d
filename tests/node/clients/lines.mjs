// What the scripts beside this one share: a command in, what came of it out, a line of JSON each, until the input ends.

import { mock } from 'node:test';
import { createInterface } from 'node:readline';

/**
 * Obeys commands until there are no more.
 * @param commands Functions by name; each gets the rest of its line.
 * @param describe Puts what was thrown into fields.
 */
export async function obey(commands, describe) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...given } = JSON.parse(line);
    let answer;
    try {
      answer = { returned: await commands[command](given) };
    } catch (error) {
      answer = { thrown: describe(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

/** Does something on a machine whose clock is late by so many seconds. */
export async function withClockBehind(seconds = 0, act) {
  if (!seconds) return await act();
  mock.timers.enable({ apis: ['Date'], now: Date.now() - seconds * 1000 });
  try {
    return await act();
  } finally {
    mock.timers.reset();
  }
}
