/**
 * A batch of a few bytes that is 400 MB inside stops nobody: it becomes one dead letter that says where it lies and why, what comes
 * before and after it is handled, and neither memory nor the event loop feels it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { consumer, on } from 'spillway'
import { expect, test } from 'vitest'
import { unique } from '../unique.ts'
import { openScenario } from './harness.ts'
import { stepsOn } from './messages.ts'
import { bombOf, writeBatch } from './raw-batch.ts'

const megabyte = 1024 * 1024

test('batches that are 400 MB inside become one letter each, and the rest is handled', async () => {
  const { prepare, run, drained, heard, put, encode, records, trails } = await openScenario()
  const { steps, opened } = stepsOn({ partitions: 1 })
  const handled: number[] = []
  const reader = consumer(unique('reader'), [on(opened, ({ n }) => handled.push(n))])
  await prepare([reader])
  const unreadable = heard('batch.unreadable')
  const dead = heard('message.deadLettered')

  const say = async (n: number) => put(steps.name, { key: 'a', value: await encode(opened, { id: 'a', n }) })
  const [gzip, zstd] = [await bombOf(400 * megabyte, 'gzip'), await bombOf(400 * megabyte, 'zstd')]
  await say(1)
  await writeBatch(steps.name, 'gzip', 1, gzip)
  await say(2)
  await writeBatch(steps.name, 'zstd', 1, zstd)
  await say(3)

  const watch = watchProcess()
  await run([reader])
  await drained(reader)
  const { stallMs, growth } = watch.end()
  console.log(
    `bombs of ${gzip.length} (gzip) and ${zstd.length} (zstd) bytes: longest stall ${stallMs.toFixed(0)} ms, memory +${growth.toFixed(0)} MB`,
  )

  expect(handled).toEqual([1, 2, 3])
  expect(await trails(reader.ladder.dlq)).toMatchObject(
    [
      { offset: 1n, codec: 'gzip' },
      { offset: 3n, codec: 'zstd' },
    ].map(({ offset, codec }) => ({
      disposition: 'refused',
      origin: { topic: steps.name, partition: 0, offset },
      batchLastOffset: offset,
      batchCodec: codec,
      failure: { class: 'RecordRefused', message: expect.stringMatching(/67108864 bytes when decompressed/) },
    })),
  )
  expect((await records(reader.ladder.dlq)).map(({ key, value }) => [key, value])).toEqual([
    [null, null],
    [null, null],
  ])
  expect(unreadable).toMatchObject([{ firstOffset: 1n, lastOffset: 1n, codec: 'gzip' }, { codec: 'zstd' }])
  expect(dead.map(({ disposition }) => disposition)).toEqual(['refused', 'refused'])
  // A reader without a group gets past them too.
  expect((await records(steps.name)).map(one => one.unreadable?.codec)).toEqual([undefined, 'gzip', undefined, 'zstd', undefined])
  expect(growth).toBeLessThan(200)
  expect(stallMs).toBeLessThan(1_000)
})

/** The longest the event loop stood still, and by how much all memory of the process has grown at most, in MB. */
function watchProcess() {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const memory = () => process.memoryUsage.rss() / megabyte
  const before = memory()
  let highest = before
  const timer = setInterval(() => {
    highest = Math.max(highest, memory())
  }, 2)
  return {
    end() {
      clearInterval(timer)
      delay.disable()
      return { stallMs: delay.max / 1e6, growth: highest - before }
    },
  }
}
