import { expect, it } from 'vitest'
import { createLogger } from '../../src/observe/log.ts'

it('what is logged of a rejection that is no error is its kind, not what is in it', () => {
  const lines: string[] = []
  const logger = createLogger({ format: 'json', destination: { write: text => void lines.push(text) } })
  logger.error({ error: { orderId: '1', card: 'canary-4111' } }, 'a promise was rejected and nobody awaits it')
  logger.error({ error: 'in words' }, 'a promise was rejected and nobody awaits it')
  expect(lines.join()).not.toContain('canary')
  expect(lines.join()).toContain('in words')
})
