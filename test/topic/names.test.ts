import { expect, test } from 'vitest'
import { checkGroupName, dlqTopic, immediateTopic, isTierOf, movedTopic, tierTopic } from '../../src/topic/names.ts'

test('topics of a group carry its name', () => {
  expect([tierTopic('spend', '5s'), immediateTopic('spend'), dlqTopic('spend'), movedTopic('spend')]).toEqual([
    'spend.retry.5s',
    'spend.retry.0s',
    'spend.dlq',
    'spend.dlq.moved',
  ])
})

test('any delay makes a tier, configured or not; nothing else does', () => {
  expect(['spend.retry.5s', 'spend.retry.0s', 'spend.retry.250ms', 'spend.retry.7d'].every(name => isTierOf('spend', name))).toBe(
    true,
  )
  for (const name of [
    'spend.dlq',
    'spend.retry.',
    'spend.retry.soon',
    'spend.retry.5s.x',
    'xspend.retry.5s',
    'spend.retry.retry.5s',
  ])
    expect(isTierOf('spend', name)).toBe(false)
})

test('a group whose longest topic name is too long for Kafka is refused', () => {
  const rest = '.dlq.moved'.length
  expect(() => checkGroupName('g'.repeat(249 - rest), '5s')).not.toThrow()
  for (const group of ['g'.repeat(249 - rest + 1), '', 'a b', '..', 'ä'])
    expect(() => checkGroupName(group, '5s')).toThrow(expect.objectContaining({ code: 'E_DEFINITION' }))
})
