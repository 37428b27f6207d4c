import { expect, it } from 'vitest'
import type { OutgoingRecord } from '../../src/broker/port.ts'
import { retryPolicy } from '../../src/consume/retry-policy.ts'
import { RecordRefused, RecordTooLarge } from '../../src/errors.ts'
import { Signals } from '../../src/observe/signals.ts'
import { LadderAdmission } from '../../src/retry/ladder-admission.ts'
import { ladderOf } from '../../src/topic/ladder.ts'
import { ManualClock } from '../manual-clock.ts'
import { asked } from './asked.ts'
import { persisting } from './persisting.ts'

it('the letter that has nothing more to leave out is tried until it is acknowledged, and told then', async () => {
  const happened: string[] = []
  let refusals = 2
  const send = async ({ topic, partition, key }: OutgoingRecord) => {
    if (key !== null) throw new RecordTooLarge('too large')
    happened.push('sent')
    if (refusals-- > 0) throw new RecordTooLarge('still too large')
    return { topic, partition, offset: 0n }
  }
  const signals = new Signals()
  signals.on('message.deadLettered', () => happened.push('told'))
  const retry = retryPolicy('g', {}, 'none')
  const admission = asked(
    new LadderAdmission({ ladder: ladderOf('g', []), retry, sender: { send }, signals, clock: new ManualClock(0) }),
  )
  const origin = { topic: 'orders', partition: 0, offset: 1n, timestampMs: 5 }
  const record = { ...origin, key: Buffer.alloc(9), value: null, headers: [] }
  await admission.settle({ record, origin, attempt: 1 }, { kind: 'refused', error: new RecordRefused('no') }, persisting())
  expect(happened).toEqual(['sent', 'sent', 'sent', 'told'])
})
