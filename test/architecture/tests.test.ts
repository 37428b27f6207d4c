import { expect, test } from 'vitest'
import { checkName } from '../../src/message/definition.ts'
import { unique } from '../unique.ts'
import { bareSleeps, fixedNames, leavesTestsOut } from './source-rules.ts'
import { sourceFiles } from './sources.ts'

const tests = sourceFiles('test')

test('no test is left out', () => {
  expect(tests.length).toBeGreaterThan(10)
  expect(leavesTestsOut(tests)).toEqual([])
})

test('no test sleeps: it waits for a condition', () => {
  expect(bareSleeps(tests)).toEqual([])
})

test('tests on a shared broker have topics and groups of their own', () => {
  expect(fixedNames(sourceFiles('test/scenarios', 'test/contract'))).toEqual([])
  expect(unique('orders')).toMatch(/^it-orders-/)
  expect(unique('orders')).not.toBe(unique('orders'))
  expect(() => checkName(unique('orders'), 'topic')).not.toThrow()
})

// Put together here, or these lines would be breaches themselves.
const call = (...parts: string[]) => parts.join('')

test('the checks catch what they are for', () => {
  const at = (text: string) => [{ path: 'test/scenarios/story.test.ts', text }]
  for (const text of [
    call('test', '.skip(', `'x')`),
    call('describe', '.only', '('),
    call('it', '.concurrent', '.todo', '('),
    call('test.each([1])\ntest', '.only('),
  ]) {
    expect(leavesTestsOut(at(text))).toHaveLength(1)
  }
  expect(leavesTestsOut(at('test.each([1]), test.concurrent(), only(), dlq.skip'))).toEqual([])

  const timers = call(`import { set`, `Timeout as sleep } from 'node:timers/promises'`)
  for (const text of [
    call('new Promise(done => set', 'Timeout(done, 100))'),
    call('new Promise<void>(go => { set', 'Timeout(go, 5) })'),
    timers,
  ]) {
    expect(bareSleeps(at(text))).not.toEqual([])
    expect(bareSleeps([{ path: 'test/until.ts', text }])).toEqual([])
  }
  expect(bareSleeps(at('setTimeout(() => broker.kill(), 100); vi.advanceTimersByTime(5); await until(there)'))).toEqual([])

  for (const text of [
    call('topic(', `'orders')`),
    call('consumer(', '"spend", [])'),
    call('topics: [', `'orders']`),
    call('group: ', '`spend`'),
    call('worker(\n  ', `'receipts'`),
  ]) {
    expect(fixedNames(at(text))).toHaveLength(1)
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
  expect(fixedNames(at("topic(unique('orders')), consumer(name, []), group: `${name}-2`, topics: [orders]"))).toEqual([])
})
