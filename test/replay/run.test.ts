import { DeadLetter, type Handler, onTombstone, RetryLater, Skip } from 'spillway'
import { expect, test } from 'vitest'
import type { Broker, GroupConsumerOptions } from '../../src/broker/port.ts'
import { isTombstone } from '../../src/dlq/letter.ts'
import { readTrail } from '../../src/topic/trail.ts'
import { until } from '../until.ts'
import { stage } from './stage.ts'

type Step = { readonly id: string; readonly n: number }

const soon = { withinMs: 10_000 }

test('every record of the range is handled once, with ctx.isReplay, and the group itself stays where it is', async () => {
  const { publish, plan, run, processorOf, admin } = await stage()
  const seen: string[] = []
  const processor = processorOf(({ id, n }, ctx) => void seen.push(`${id}${n} ${ctx.isReplay} ${ctx.group} ${ctx.attempt}`))
  await publish(['a', 'b', 'c'], 1, 4)
  await admin.commit('walk', [{ topic: 'steps', partition: 0, offset: 1n, metadata: 'as it was' }])
  const before = await admin.committed('walk', ['steps'])
  const planned = await plan(processor)
  // Beyond the end as it was when the plan was made.
  await publish(['a', 'b', 'c'], 5, 6)

  const result = await run(planned, processor)
  expect(result).toMatchObject({ group: 'walk', id: 'r1', handled: 12, failed: 0, retried: 0, interrupted: false })
  const expected = ['a', 'b', 'c'].flatMap(id => [1, 2, 3, 4].map(n => `${id}${n} true walk 1`))
  expect(seen.toSorted()).toEqual(expected)
  expect(await admin.committed('walk', ['steps'])).toEqual(before)
  expect(await admin.groups(['walk.replay-r1'])).toEqual([{ group: 'walk.replay-r1', state: 'Dead', members: 0 }])
})

test('a range in the middle: nothing before it and nothing from its end on', async () => {
  const { publish, plan, run, processorOf } = await stage({ partitions: 1 })
  const seen: number[] = []
  const processor = processorOf(({ n }) => void seen.push(n))
  await publish(['a'], 0, 2_999)
  await run(await plan(processor, { from: '1001', to: '2500' }), processor)
  expect(seen).toEqual(Array.from({ length: 1_499 }, (_, i) => i + 1_001))
})

test('only the records of a key, and only of a topic', async () => {
  const { publish, plan, run, processorOf, events } = await stage({ topics: ['steps', 'others'] })
  const seen: string[] = []
  const processor = processorOf(({ id, n }, { origin }) => void seen.push(`${origin.topic} ${id}${n}`))
  await publish(['a', 'b'], 1, 3)
  await publish(['a', 'b'], 1, 3, events[1])
  const result = await run(await plan(processor, { topics: ['others'], key: 'b' }), processor)
  expect(seen).toEqual(['others b1', 'others b2', 'others b3'])
  expect(result).toMatchObject({ handled: 3, skipped: 0 })
})

test('what handlers send is counted and not sent, unless it is allowed', async () => {
  const { publish, plan, run, processorOf, events, broker, admin } = await stage({ topics: ['steps', 'others'] })
  const receipts: { topic: string; partition: number }[] = []
  const processor = processorOf(async (step, { publish: send }) => void receipts.push(await send(events[1]!, step)))
  await publish(['a'], 1, 3)
  const topics = ['steps']
  const written = async () => (await admin.bounds('others')).reduce((sum, { high }) => sum + high, 0n)
  // One that writes at all must be allowed to.
  const refusing = { ...broker, producer: () => expect.fail('a producer was made') }
  expect(await run(await plan(processor, { topics }), processor, { broker: refusing })).toMatchObject({
    handled: 3,
    suppressed: { published: 3, scheduled: 0 },
  })
  expect(await written()).toBe(0n)
  expect(receipts).toMatchObject(Array(3).fill({ topic: 'others', partition: -1 }))
  expect(await run(await plan(processor, { topics }), processor, { effects: 'allow' })).toMatchObject({
    handled: 3,
    suppressed: { published: 0, scheduled: 0 },
  })
  expect(await written()).toBe(3n)
})

test('a failing record is tried again in its lane: what is behind it waits, others flow', async () => {
  const { publish, plan, run, processorOf, admin } = await stage({ partitions: 1 })
  const seen: string[] = []
  const processor = processorOf(
    ({ id, n }, { attempt }) => {
      seen.push(`${id}${n}.${attempt}`)
      if (id === 'bad' && n === 1 && attempt < 3) throw new Error('not yet')
    },
    { retry: { tiers: ['60ms', '120ms'] }, concurrency: 1 },
  )
  await publish(['bad', 'good'], 1, 3)
  const startedAt = performance.now()
  const result = await run(await plan(processor), processor)
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(180)
  expect(result).toMatchObject({ handled: 6, retried: 2, failed: 0 })
  expect(seen.filter(step => step.startsWith('bad'))).toEqual(['bad1.1', 'bad1.2', 'bad1.3', 'bad2.1', 'bad3.1'])
  // With a single place: the one that waits has given it up.
  expect(seen.indexOf('good3.1')).toBeLessThan(seen.indexOf('bad1.2'))
  expect((await admin.topicNames()).toSorted()).toEqual(['steps'])
})

test('what is given up is handed out with its bytes and its story, and the rest is handled', async () => {
  const { publish, plan, run, processorOf, letters, broker, signals } = await stage({ partitions: 1 })
  const failed: unknown[] = []
  signals.on('replay.failed', signal => failed.push(signal))
  const answers: Record<string, () => void> = {
    exhausted: () => {
      throw new RangeError('no such customer')
    },
    rejected: () => {
      throw new DeadLetter('never')
    },
    skipped: () => {
      throw new Skip()
    },
    fine: () => {},
  }
  const processor = processorOf(({ id }) => answers[id]!(), { retry: { tiers: ['60ms'] } })
  await publish(Object.keys(answers), 1, 1)
  await broker
    .producer()
    .sendBatch('steps', 0, [{ topic: 'steps', partition: 0, key: null, value: Buffer.from('garbage'), headers: [['h', null]] }])
  const result = await run(await plan(processor), processor)
  expect(result).toMatchObject({ handled: 1, skipped: 1, failed: 3, retried: 1 })
  const story = letters.map(({ offset, trail }) => [offset, trail?.disposition, trail?.attempt, trail?.failure?.class] as const)
  expect(story.toSorted((a, b) => Number(a[0] - b[0]))).toEqual([
    [0n, 'exhausted', 2, 'RangeError'],
    [1n, 'rejected', 1, 'DeadLetter'],
    [4n, 'undecodable', 1, 'Undecodable'],
  ])
  const garbage = letters.find(({ offset }) => offset === 4n)!
  expect(garbage.record).toMatchObject({ value: Buffer.from('garbage'), headers: [['h', null]] })
  expect(garbage.trail).toMatchObject({ group: 'walk', origin: { topic: 'steps', partition: 0, offset: 4n } })
  expect(readTrail(garbage.record.headers)).toBeUndefined()
  expect(failed).toHaveLength(3)
  expect(failed).toContainEqual(expect.objectContaining({ group: 'walk.replay-r1', disposition: 'exhausted', attempt: 2 }))
})

test('tombstones reach who takes them, in the order of their entity, and are given up as tombstones; else they are skipped and counted', async () => {
  const { publish, plan, run, processorOf, events, client, letters, signals } = await stage()
  const seen: string[] = []
  const [{ topic }] = events as [(typeof events)[0]]
  const write: Handler<Step> = ({ id, n }) => void seen.push(`${id} ${n}`)
  const gone = onTombstone(topic, (id, { attempt, isReplay, type }) => {
    if (id === 'b' || attempt === 1) throw new Error('not yet')
    seen.push(`${id} gone ${attempt} ${isReplay} ${type}`)
  })
  await publish(['a', 'b'], 1, 1)
  for (const id of ['a', 'b']) await client.publisher(events[0]!).publishTombstone(id)
  await publish(['a', 'b'], 2, 2)
  const taking = processorOf(write, { retry: { tiers: ['60ms'] } }, [gone])
  expect(await run(await plan(taking), taking)).toMatchObject({ handled: 5, retried: 2, skipped: 0, failed: 1 })
  expect(seen.filter(line => line.startsWith('a'))).toEqual(['a 1', 'a gone 2 true tombstone', 'a 2'])
  expect(seen.filter(line => line.startsWith('b'))).toEqual(['b 1', 'b 2'])
  expect(letters.map(isTombstone)).toEqual([true])
  expect(letters[0]!.trail).toMatchObject({ disposition: 'exhausted', attempt: 2 })

  const skipped: unknown[] = []
  signals.on('message.skipped', signal => skipped.push(signal))
  const others = processorOf(() => {})
  expect(await run(await plan(others), others)).toMatchObject({ handled: 4, retried: 0, skipped: 2, failed: 0 })
  expect(skipped).toMatchObject(Array(2).fill({ reason: 'unhandled', type: 'tombstone' }))
  const strict = processorOf(() => {}, { unhandled: 'dead-letter' })
  expect(await run(await plan(strict), strict)).toMatchObject({ handled: 4, skipped: 0, failed: 2 })
})

test('an outage of what the handlers need gives nothing up: the breaker holds it all until it is over', async () => {
  const { publish, plan, run, processorOf, signals } = await stage()
  const told: string[] = []
  signals.on('breaker.opened', ({ group }) => told.push(`opened ${group}`))
  signals.on('breaker.closed', ({ reason }) => told.push(`closed ${reason}`))
  let isDown = true
  const processor = processorOf(
    () => {
      if (isDown) throw new Error('the database is away')
    },
    { retry: { tiers: ['30ms'] }, breaker: { entities: 5, probeEvery: '50ms' } },
  )
  await publish(
    Array.from({ length: 20 }, (_, i) => `entity-${i}`),
    1,
    3,
  )
  const running = run(await plan(processor), processor)
  await until(() => told.length > 0, { ...soon, what: 'the breaker to open' })
  setTimeout(() => {
    isDown = false
  }, 300)
  expect(await running).toMatchObject({ handled: 60, failed: 0 })
  expect(told).toEqual(['opened walk.replay-r1', 'closed success'])
})

test('RetryLater waits and uses no attempt; a time that has passed stops nobody else', async () => {
  const { publish, plan, run, processorOf } = await stage({ partitions: 1 })
  const attempts: number[] = []
  const processor = processorOf(
    (_step, { attempt }) => {
      attempts.push(attempt)
      if (attempts.length === 1) throw new RetryLater('70ms')
      if (attempts.length < 4) throw new RetryLater(new Date(0))
    },
    { retry: { tiers: [] } },
  )
  await publish(['a'], 1, 1)
  expect(await run(await plan(processor), processor)).toMatchObject({ handled: 1, retried: 3, failed: 0 })
  expect(attempts).toEqual([1, 1, 1, 1])
})

test('a delayed job that is not due is left to the group', async () => {
  const { publish, plan, run, processorOf, broker } = await stage({ partitions: 1 })
  const processor = processorOf(() => {})
  await publish(['a'], 1, 1)
  const headers = [['spillway-due-at', Buffer.from(String(Date.now() + 60_000))]] as const
  const value = Buffer.from('not looked at')
  await broker.producer().sendBatch('steps', 0, [{ topic: 'steps', partition: 0, key: null, value, headers }])
  expect(await run(await plan(processor), processor)).toMatchObject({ handled: 1, notDue: 1, failed: 0, interrupted: false })
})

/** Handles until `n` have begun, then stops, while those are still held; they finish in the drain. */
async function interruptedAt(n: number) {
  const set = await stage({ partitions: 2 })
  const stop = new AbortController()
  const seen: string[] = []
  const held = Promise.withResolvers<void>()
  const handler: Handler<Step> = async ({ id, n: step }) => {
    seen.push(`${id}${step}`)
    if (seen.length === n) {
      stop.abort()
      setTimeout(held.resolve, 50)
    }
    if (stop.signal.aborted) await held.promise
  }
  const processor = set.processorOf(handler, { concurrency: 2 })
  await set.publish(['a', 'b', 'c', 'd', 'e', 'f'], 1, 20)
  const result = await set.run(await set.plan(processor), processor, { signal: stop.signal })
  return { ...set, seen, processor, result }
}

test('interrupted, it finishes what runs, and goes on by its id with the rest and the same end', async () => {
  const { seen, processor, result, publish, run, resumed, admin } = await interruptedAt(30)
  expect(result.interrupted).toBe(true)
  expect(seen.length).toBeLessThan(40)
  expect(result.handled).toBe(seen.length)
  expect((await admin.groups(['walk.replay-r1']))[0]?.state).toBe('Empty')

  await publish(['a', 'b', 'c', 'd', 'e', 'f'], 21, 22)
  const again = await run(await resumed(processor), processor, { id: 'not this one' })
  expect(again).toMatchObject({ id: 'r1', interrupted: false, handled: 120 - result.handled })
  expect(seen).toHaveLength(120)
  expect(new Set(seen).size).toBe(120)
  await expect(resumed(processor)).rejects.toMatchObject({ code: 'E_USAGE' })
})

test('what was finished behind a record that waits for its retry is not run again', async () => {
  const { publish, plan, run, resumed, processorOf } = await stage({ partitions: 1 })
  const stop = new AbortController()
  const seen: string[] = []
  const failing = (wait: '10m' | '60ms') =>
    processorOf(
      ({ id, n }, { attempt }) => {
        seen.push(`${id}${n}`)
        if (id === 'b' && n === 20) setTimeout(() => stop.abort(), 10)
        if (id === 'bad' && attempt === 1) throw new Error('not yet')
      },
      { retry: { tiers: [wait] } },
    )
  await publish(['bad'], 1, 1)
  await publish(['a', 'b'], 1, 20)
  const first = await run(await plan(failing('10m')), failing('10m'), { signal: stop.signal })
  expect(first).toMatchObject({ interrupted: true, handled: 40 })
  const rest = await resumed(failing('60ms'))
  expect(rest.partitions).toMatchObject([{ from: 0n, to: 41n, position: 0n }])
  expect(await run(rest, failing('60ms'))).toMatchObject({ interrupted: false, handled: 1, retried: 1 })
  expect(seen.filter(step => step !== 'bad1')).toHaveLength(40)
})

test('a new one does not take the place of one with its id', async () => {
  const { result, run, plan, resumed, processor } = await interruptedAt(10)
  expect(result.interrupted).toBe(true)
  await expect(run(await plan(processor), processor)).rejects.toMatchObject({ code: 'E_USAGE' })
  await expect(run(await plan(processor), processor, { id: 'a b' })).rejects.toMatchObject({ code: 'E_USAGE' })
  expect(await run(await resumed(processor), processor)).toMatchObject({ handled: 120 - result.handled })
})

test('it goes on only with the key that it began with', async () => {
  const { publish, plan, run, resumed, processorOf } = await stage()
  const stop = new AbortController()
  const processor = processorOf(() => stop.abort(), { concurrency: 1 })
  await publish(['a', 'b'], 1, 50)
  const key = 'a'
  expect(await run(await plan(processor, { key }), processor, { signal: stop.signal })).toMatchObject({ interrupted: true })
  for (const other of [undefined, 'b']) await expect(resumed(processor, other)).rejects.toMatchObject({ code: 'E_USAGE' })
  expect(await run(await resumed(processor, key), processor)).toMatchObject({ interrupted: false, handled: 49 })
})

test('it does not go on while another process runs it', async () => {
  const { publish, plan, run, resumed, processorOf } = await stage()
  const held = Promise.withResolvers<void>()
  let begun = 0
  const processor = processorOf(() => {
    begun++
    return held.promise
  })
  await publish(['a'], 1, 2)
  const planned = await plan(processor)
  const running = run(planned, processor)
  await until(() => begun > 0, { ...soon, what: 'the handler to run' })
  await expect(resumed(processor)).rejects.toMatchObject({ code: 'E_GROUP_ACTIVE' })
  // Nor does one that looked before the other had begun.
  const late = run({ ...planned, resumes: 'r1' }, processor)
  held.resolve()
  await expect(late).rejects.toMatchObject({ code: 'E_GROUP_ACTIVE' })
  expect(await running).toMatchObject({ interrupted: false })
  expect(begun).toBe(2)
})

test('when what failed cannot be kept, it ends, and the record is handled again when it goes on', async () => {
  const { publish, plan, run, resumed, processorOf, letters } = await stage({ partitions: 1 })
  const processor = processorOf(
    ({ n }) => {
      if (n === 2) throw new Error('bad')
    },
    { retry: { tiers: [] } },
  )
  await publish(['a'], 1, 3)
  const full = async () => Promise.reject(new Error('no space left on device'))
  await expect(run(await plan(processor), processor, { onLetter: full })).rejects.toThrow('no space left')
  expect(letters).toEqual([])
  expect(await run(await resumed(processor), processor)).toMatchObject({ handled: 1, failed: 1 })
  expect(letters).toHaveLength(1)
})

test('a log that ends before the range is not the one that was meant', async () => {
  const { publish, plan, run, processorOf } = await stage({ partitions: 1 })
  const processor = processorOf(() => {})
  await publish(['a'], 1, 3)
  const planned = await plan(processor)
  const [one] = planned.partitions
  const beyond = { ...planned, partitions: [{ ...one!, from: 7n, position: 7n, to: 9n }] }
  await expect(run(beyond, processor)).rejects.toMatchObject({ code: 'E_DATA_LOST' })
})

test('what commits say of the range is taken away before the loop reads what is finished', async () => {
  const { publish, plan, run, processorOf, broker } = await stage({ partitions: 1 })
  const given: string[] = []
  const spied: Broker = {
    ...broker,
    consumer: (options: GroupConsumerOptions) => {
      const inner = broker.consumer(options)
      return {
        start: () => inner.start(),
        pause: partitions => inner.pause(partitions),
        resume: partitions => inner.resume(partitions),
        stop: () => inner.stop(),
        commit: offsets => {
          given.push(...offsets.map(({ metadata }) => metadata))
          return inner.commit(offsets)
        },
      }
    },
  }
  let open: () => void = () => {}
  const processor = processorOf(({ n }) => (n === 1 ? new Promise<void>(resolve => (open = resolve)) : undefined))
  await publish(['slow'], 1, 1)
  await publish(['a', 'b'], 2, 10)
  const running = run(await plan(processor), processor, { broker: spied })
  await until(() => given.some(metadata => metadata.startsWith('s1:')), { ...soon, what: 'a commit above a gap' })
  open()
  await running
  expect(given.every(metadata => / r1:0-19:$/.test(metadata))).toBe(true)
})

test('nothing to read is done at once', async () => {
  const { plan, run, processorOf } = await stage()
  const processor = processorOf(() => {})
  const planned = await plan(processor)
  expect(planned.partitions).toEqual([])
  expect(await run(planned, processor)).toMatchObject({ handled: 0, interrupted: false, leftBehind: undefined })
})
