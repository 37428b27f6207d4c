import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import { logContext, messageFields } from 'spillway'
import { describe, expect, it } from 'vitest'
import { oneAttempt, outcomeOf } from './one-attempt.ts'

const fields = {
  group: 'it-group',
  id: 'id-1',
  type: 'it.Thing',
  attempt: 3,
  topic: 'it-src',
  partition: 0,
  offset: '7',
  correlationId: 'chain-1',
}

describe('the log context', () => {
  it('is known wherever the handler leads, and nowhere else', async () => {
    const seen: object[] = []
    const deep = async () => {
      await turn()
      seen.push(messageFields())
    }
    const { run } = oneAttempt({ middleware: [logContext()], handler: () => deep() })
    expect(messageFields()).toEqual({})
    const outcome = outcomeOf(run())
    expect(messageFields()).toEqual({})
    expect(await outcome).toBe('returned')
    expect(seen).toEqual([fields])
    expect(messageFields()).toEqual({})
  })

  it('puts the message into each line of a logger of the team, and neither key, payload nor the line before', async () => {
    const lines: string[] = []
    const log = pino({ mixin: messageFields, base: null, timestamp: false }, { write: line => void lines.push(line) })
    const handler = async () => {
      log.info({ orderId: '17' }, 'charged')
      await turn()
      log.info('told')
    }
    await oneAttempt({ middleware: [logContext()], handler }).run()
    log.info('idle')
    expect(lines.map(line => JSON.parse(line))).toEqual([
      { level: 30, ...fields, orderId: '17', msg: 'charged' },
      { level: 30, ...fields, msg: 'told' },
      { level: 30, msg: 'idle' },
    ])
  })

  it('keeps messages that are handled at the same time apart', async () => {
    const seen: unknown[] = []
    const begin = (name: string) =>
      oneAttempt({
        middleware: [logContext(() => ({ name }))],
        handler: async () => {
          await turn()
          seen.push(messageFields().name)
        },
      }).run()
    await Promise.all([begin('a'), begin('b')])
    expect(seen).toEqual(['a', 'b'])
  })

  it('takes more fields, which cannot replace those of the message', async () => {
    const seen: object[] = []
    const { run } = oneAttempt({
      middleware: [logContext(ctx => ({ tenant: ctx.source, id: 'another', topic: 'another' }))],
      handler: () => void seen.push(messageFields()),
    })
    await run()
    expect(seen).toEqual([{ ...fields, tenant: 'it-src' }])
  })

  it('takes nothing from the attempt: what the handler throws is the outcome', async () => {
    const { run } = oneAttempt({ middleware: [logContext()], handler: () => Promise.reject(new RangeError('no')) })
    expect(await outcomeOf(run())).toEqual(new RangeError('no'))
  })
})
