import { describe, expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { type BrokerOf, numbered, readerOf, topicOf, write } from './fixture.ts'

export function describeReader(broker: BrokerOf): void {
  describe('a reader', () => {
    test('reads from <= offset < to, in order', async () => {
      const topic = await topicOf(broker(), { partitions: 2 })
      await write(broker(), topic, 1, numbered('v', 10))
      const read = async (from: bigint, to: bigint) => {
        const values: string[] = []
        await readerOf(broker()).read(
          { topic, partition: 1, from, to },
          found => void values.push(`${found.offset}:${found.value}`),
        )
        return values
      }
      expect(await read(3n, 6n)).toEqual(['3:v3', '4:v4', '5:v5'])
      expect(await read(9n, 10n)).toEqual(['9:v9'])
      expect(await read(4n, 4n)).toEqual([])
    })

    test('reads a long range whole', async () => {
      const topic = await topicOf(broker())
      const values = numbered('', 3_000)
      for (let i = 0; i < values.length; i += 1_000) await write(broker(), topic, 0, values.slice(i, i + 1_000))
      const seen: string[] = []
      await readerOf(broker()).read({ topic, partition: 0, from: 100n, to: 2_900n }, found => void seen.push(String(found.value)))
      expect(seen).toEqual(values.slice(100, 2_900))
    })

    test('waits for onRecord before it hands over the next record', async () => {
      const topic = await topicOf(broker())
      await write(broker(), topic, 0, numbered('v', 5))
      let running = 0
      const overlaps: number[] = []
      await readerOf(broker()).read({ topic, partition: 0, from: 0n, to: 5n }, async () => {
        overlaps.push(++running)
        await new Promise(resolve => setImmediate(resolve))
        running--
      })
      expect(overlaps).toEqual([1, 1, 1, 1, 1])
    })

    test('passes on what onRecord throws', async () => {
      const topic = await topicOf(broker())
      await write(broker(), topic, 0, ['v'])
      const reading = readerOf(broker()).read({ topic, partition: 0, from: 0n, to: 1n }, () => {
        throw new Error('enough')
      })
      await expect(reading).rejects.toThrow('enough')
    })

    test('reads ranges of several partitions, one after the other and at once', async () => {
      const topic = await topicOf(broker(), { partitions: 2 })
      await write(broker(), topic, 0, ['a0', 'a1'])
      await write(broker(), topic, 1, ['b0', 'b1'])
      const reader = readerOf(broker())
      const values = async (partition: number) => {
        const seen: string[] = []
        await reader.read({ topic, partition, from: 0n, to: 2n }, found => void seen.push(String(found.value)))
        return seen
      }
      expect(await Promise.all([values(0), values(1)])).toEqual([
        ['a0', 'a1'],
        ['b0', 'b1'],
      ])
      expect(await values(0)).toEqual(['a0', 'a1'])
    })

    test('is refused for a topic that does not exist', async () => {
      const reading = readerOf(broker()).read({ topic: unique('missing'), partition: 0, from: 0n, to: 1n }, () => undefined)
      await expect(reading).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
    })
  })
}
