import { expect, test } from 'vitest'
import { until } from './until.ts'

test('gives the first truthy value', async () => {
  let calls = 0
  expect(await until(() => ++calls === 3 && `call ${calls}`, { withinMs: 5_000, what: 'the third call' })).toBe('call 3')
})

test('says what it waited for, and keeps the error of the condition', async () => {
  const reason = new Error('still empty')
  const waiting = until(() => Promise.reject(reason), { withinMs: 30, what: 'a record' })
  await expect(waiting).rejects.toMatchObject({ message: 'waited in vain for a record (30 ms)', cause: reason })
})

test('asks at least once, however short the deadline', async () => {
  expect(await until(() => 'there', { withinMs: 0, what: 'nothing' })).toBe('there')
})
