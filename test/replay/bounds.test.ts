import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type {
  Assigner,
  Broker,
  BrokerRecord,
  GroupConsumer,
  GroupConsumerHandlers,
  GroupConsumerOptions,
  TopicPartition,
} from '../../src/broker/port.ts'
import { Bounds, type BoundsOptions } from '../../src/replay/bounds.ts'
import type { Standing } from '../../src/replay/side-group.ts'

const topic = 'steps'
const at = (partition: number): TopicPartition => ({ topic, partition })
const standing = (partition: number, from: bigint, to: bigint, position = from): Standing => ({
  topic,
  partition,
  from,
  to,
  position,
})
const record = (partition: number, offset: bigint, more: Partial<BrokerRecord> = {}): BrokerRecord => ({
  ...at(partition),
  offset,
  timestampMs: 1,
  key: Buffer.from(`k${offset % 2n}`),
  value: null,
  headers: [],
  ...more,
})
const assigner: Assigner = { name: 'none', assign: () => new Map() }

/** A loop that takes down what it is told, and the broker behind the bounds, which the test plays. */
async function bounded(standings: readonly Standing[], options: Partial<BoundsOptions> = {}, assigned = standings) {
  const bounds = new Bounds({ standings, keyDigest: '', ...options })
  const told: string[] = []
  const paused = { pause: vi.fn(), resume: vi.fn() }
  let beyond: GroupConsumerHandlers | undefined
  const commits: string[] = []
  const inner: GroupConsumer = {
    start: async () => {},
    stop: async () => {},
    commit: async offsets =>
      void commits.push(...offsets.map(({ partition, offset, metadata }) => `${partition}:${offset}${metadata}`)),
    ...paused,
  }
  const broker = {
    consumer: (given: GroupConsumerOptions) => {
      beyond = given
      return inner
    },
  } as unknown as Broker
  const consumer = bounds.within(broker).consumer({
    group: 'g',
    topics: [topic],
    startAtEnd: [],
    assigner,
    rebalanceTimeoutMs: 1,
    sessionTimeoutMs: 1,
    onAssigned: async partitions =>
      void told.push(`assigned ${partitions.map(({ partition, metadata, end }) => `${partition}${metadata} of ${end}`)}`),
    onRecords: async records => void told.push(`records ${records.map(({ partition, offset }) => `${partition}:${offset}`)}`),
    onPosition: ({ partition }, position, end) => void told.push(`position ${partition}:${position} of ${end}`),
    onReset: ({ partition }) => void told.push(`reset ${partition}`),
    onRevoking: async () => {},
    onCrash: () => {},
  })
  await beyond!.onAssigned(
    assigned.map(({ position, ...one }) => ({ ...one, position, end: 100n, metadata: ` r1:${one.from}-${one.to}:` })),
  )
  const settled = (promise: Promise<void>) => Promise.race([promise.then(() => true), turnOfTheLoop(false)])
  return {
    bounds,
    consumer,
    told,
    commits,
    ...paused,
    beyond: beyond!,
    isFinished: () => settled(bounds.finished),
    isShared: () => settled(bounds.shared),
  }
}

const noBeat = async () => {}

test('what begins at the end or beyond is not handed over, and the position ends there too', async () => {
  const { beyond, told, pause, consumer, resume } = await bounded([standing(0, 2n, 5n), standing(1, 0n, 9n)])
  await beyond.onRecords(
    [2n, 3n, 4n, 5n, 6n].map(offset => record(0, offset)),
    noBeat,
  )
  expect(pause).not.toHaveBeenCalled()
  beyond.onPosition(at(0), 7n, 100n)
  expect(told.slice(1)).toEqual(['records 0:2,0:3,0:4', 'position 0:5 of 5'])
  expect(pause).toHaveBeenCalledExactlyOnceWith([at(0)])
  // The loop does not know: a partition of which enough is done is fetched again, but for this one.
  consumer.resume([at(0), at(1)])
  expect(resume).toHaveBeenCalledExactlyOnceWith([at(1)])
})

test('it is finished when the last commit says so, and what is committed says the range', async () => {
  const { consumer, bounds, commits, isFinished } = await bounded([standing(0, 2n, 5n), standing(1, 0n, 9n, 4n)])
  await consumer.commit([
    { ...at(0), offset: 5n, metadata: '' },
    { ...at(1), offset: 8n, metadata: 's1:b:_w' },
  ])
  expect([bounds.done, bounds.total, await isFinished()]).toEqual([7n, 8n, false])
  await consumer.commit([{ ...at(1), offset: 9n, metadata: '' }])
  expect([bounds.done, await isFinished()]).toEqual([8n, true])
  expect(commits).toEqual(['0:5 r1:2-5:', '1:8s1:b:_w r1:0-9:', '1:9 r1:0-9:'])
})

test('a partition that stands at its end is not fetched again, nor one that has no range', async () => {
  const standings = [standing(0, 2n, 5n, 5n), standing(1, 0n, 9n)]
  const { told, pause, beyond, isFinished, consumer } = await bounded(standings, {}, [...standings, standing(2, 0n, 9n)])
  expect(told).toEqual(['assigned 0 of 5,1 of 9'])
  expect(pause.mock.calls.flat(2)).toMatchObject([at(0), at(2)])
  await beyond.onRecords([record(2, 0n)], noBeat)
  beyond.onPosition(at(2), 1n, 9n)
  expect(told).toHaveLength(1)
  await consumer.commit([{ ...at(1), offset: 9n, metadata: '' }])
  expect(await isFinished()).toBe(true)
})

test('a batch that cannot be read is handed over when it begins before the end, whatever the key', async () => {
  const unreadable = { firstOffset: 4n, codec: 'gzip', bytes: 1, reason: 'corrupt' }
  const wants = ({ key }: BrokerRecord) => key?.toString() === 'k1'
  const { beyond, told, bounds } = await bounded([standing(0, 0n, 5n)], { wants })
  await beyond.onRecords([record(0, 1n), record(0, 2n), record(0, 3n), record(0, 7n, { key: null, unreadable })], noBeat)
  await beyond.onRecords([record(0, 9n, { key: null, unreadable: { ...unreadable, firstOffset: 8n } })], noBeat)
  expect(told.slice(1)).toEqual(['records 0:1,0:3,0:7'])
  expect(bounds.passedOver).toBe(1)
})

test('records that are gone are counted, and a log that ends before is not the one that was meant', async () => {
  const { beyond, told, bounds } = await bounded([standing(0, 2n, 10n)])
  beyond.onReset({ ...at(0), from: 3n, to: 7n, reason: 'deleted' })
  beyond.onReset({ ...at(0), from: 8n, to: 50n, reason: 'deleted' })
  expect(bounds.gone).toBe(6n)
  expect(told.slice(1)).toEqual(['reset 0', 'reset 0'])
  expect(() => beyond.onReset({ ...at(0), from: 8n, to: 0n, reason: 'log-ends-before' })).toThrow(
    expect.objectContaining({ code: 'E_DATA_LOST' }),
  )
})

test('a partition whose records are all gone is finished when it is assigned beyond its end', async () => {
  const gone = standing(0, 2n, 5n)
  const { isFinished, pause, bounds } = await bounded([gone], {}, [{ ...gone, position: 8n }])
  expect([await isFinished(), bounds.done]).toEqual([true, 3n])
  expect(pause).toHaveBeenCalledWith([expect.objectContaining(at(0))])
})

test('who is not given all of it at first has come second and gets nothing; who was given all goes on', async () => {
  const standings = [standing(0, 0n, 5n), standing(1, 0n, 5n)]
  const second = await bounded(standings, {}, [standings[1]!])
  expect(second.told).toEqual(['assigned '])
  expect(second.pause).toHaveBeenCalledWith([expect.objectContaining(at(1))])
  expect(await second.isShared()).toBe(true)

  const first = await bounded(standings)
  await first.beyond.onRevoking()
  await first.beyond.onAssigned([{ ...at(0), position: 0n, end: 100n, metadata: '' }])
  expect(first.told).toEqual(['assigned 0 of 5,1 of 5', 'assigned 0 of 5'])
  expect(await first.isShared()).toBe(false)
})

test('an assignment that is given up is handed nothing more of what is held for its pace', async () => {
  const turns: (() => void)[] = []
  const pace = { take: async () => new Promise<number>(resolve => turns.push(() => resolve(1))) } as unknown as NonNullable<
    BoundsOptions['pace']
  >
  const { beyond, told } = await bounded([standing(0, 0n, 5n)], { pace })
  const taking = beyond.onRecords([record(0, 0n), record(0, 1n), record(0, 2n)], noBeat)
  await vi.waitFor(() => expect(turns).toHaveLength(1))
  turns[0]!()
  await vi.waitFor(() => expect(turns).toHaveLength(2))
  await beyond.onRevoking()
  turns[1]!()
  await taking
  expect(told.slice(1)).toEqual(['records 0:0'])
})
