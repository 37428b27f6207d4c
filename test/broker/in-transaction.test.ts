import { expect, test } from 'vitest'
import { inTransaction } from '../../src/broker/in-transaction.ts'
import type { TransactionalProducer } from '../../src/broker/port.ts'

/** Writes down what is asked of it; what `fails` names is rejected. */
function recording(...fails: readonly (keyof TransactionalProducer)[]) {
  const asked: string[] = []
  const ask = (what: keyof TransactionalProducer) => async () => {
    asked.push(what)
    if (fails.includes(what)) throw new Error(`no ${what}`)
  }
  const names = ['connect', 'send', 'commit', 'abort', 'close'] as const
  const producer = Object.fromEntries(names.map(name => [name, ask(name)])) as unknown as TransactionalProducer
  return { asked, producer }
}

test.each([
  [[], ['send', 'commit'], undefined],
  [['send'], ['send', 'abort'], 'no send'],
  // The first failure says why; a broker that is not told of an abort aborts by itself.
  [['send', 'abort'], ['send', 'abort'], 'no send'],
  // What became of it is not known, so there is nothing to abort.
  [['commit'], ['send', 'commit'], 'no commit'],
] as const)('when %j fails, what is asked is %j', async (fails, expected, message) => {
  const { asked, producer } = recording(...fails)
  const ended = await inTransaction(producer, []).catch((error: Error) => error.message)
  expect(ended).toBe(message)
  expect(asked).toEqual(expected)
})
