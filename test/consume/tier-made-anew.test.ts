import { expect, it } from 'vitest'
import { admitting } from './admitting.ts'
import { assigned, loopFixture } from './loop-fixture.ts'

it.each([true, false])(
  'a log that begins anew is read again, or ends an assignment that cannot outlive it: %s',
  async outlives => {
    const { loop, told } = loopFixture({ admission: admitting({ outlives }) })
    await loop.onAssigned([{ ...assigned('it-src'), position: 5n }])
    loop.onReset({ topic: 'it-src', partition: 0, from: 5n, to: 0n, reason: 'log-ends-before' })
    expect(told.filter(one => one.startsWith('failure'))).toHaveLength(outlives ? 0 : 1)
    expect(loop.progress()!.partitions[0]!.position).toBe(outlives ? 0n : 5n)
  },
)
