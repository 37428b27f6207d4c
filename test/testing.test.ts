import {
  avroSchema,
  consumer,
  DeadLetter,
  event,
  job,
  on,
  onTombstone,
  RetryLater,
  type ServiceOptions,
  Skip,
  topic,
  worker,
} from 'spillway'
import { type TestService, testService } from 'spillway/testing'
import { afterEach, describe, expect, it } from 'vitest'

const Paid = avroSchema<'shop.Paid', { id: string; amount: number }, { id: string; amount: number }>({
  name: 'shop.Paid',
  long: 'number',
  avro: {
    type: 'record',
    name: 'Paid',
    namespace: 'shop',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'amount', type: 'int' },
    ],
  },
})
const paid = event(Paid, { topic: topic('shop.payments', { partitions: 3 }), key: 'id' })
const remind = job(Paid, { topic: 'shop.reminders', key: 'id' })

let running: TestService | undefined

async function begin(options: ServiceOptions): Promise<TestService> {
  running = await testService(options)
  return running
}

afterEach(async () => {
  await running?.stop()
  running = undefined
})

describe('the test kit', () => {
  it('walks a failing message up the ladder in moved time, and shows its dead letter', async () => {
    const attempts: { attempt: number; at: number }[] = []
    const ledger = consumer('ledger', [
      on(paid, (_, ctx) => {
        attempts.push({ attempt: ctx.attempt, at: t.now().getTime() - start })
        throw new Error('books are closed')
      }),
    ])
    const t = await begin({ name: 'shop', processors: [ledger] })
    const start = t.now().getTime()
    await t.publisher(paid).publish({ id: 'p-1', amount: 5 })
    await t.settled()
    expect(attempts).toEqual([{ attempt: 1, at: 0 }])
    await t.advance('6s')
    expect(attempts.slice(1)).toEqual([
      { attempt: 2, at: 1_000 },
      { attempt: 3, at: 6_000 },
    ])
    await t.advance('1h')
    expect(attempts.slice(3)).toEqual([
      { attempt: 4, at: 36_000 },
      { attempt: 5, at: 336_000 },
    ])
    const [letter] = await t.letters('ledger')
    expect(letter).toMatchObject({
      type: 'shop.Paid',
      payload: { id: 'p-1', amount: 5 },
      trail: { disposition: 'exhausted', attempt: 5, failure: { message: 'books are closed' } },
    })
  })

  it('runs a delayed job at its time and not before, through as many hops as it takes, at attempt 1', async () => {
    const ran: [string, number, number][] = []
    const hops: string[] = []
    const reminder = worker(
      'reminder',
      remind,
      (payload, ctx) => void ran.push([payload.id, ctx.attempt, t.now().getTime() - start]),
    )
    const t = await begin({ name: 'shop', processors: [reminder] })
    t.signals.on('message.delayed', ({ tier }) => hops.push(tier))
    const start = t.now().getTime()
    await t.scheduler(remind).schedule({ id: 'late', amount: 1 }, { delay: '11m' })
    await t.scheduler(remind).schedule({ id: 'soon', amount: 1 }, { delay: '1300ms' })
    await t.advance('10m')
    expect(ran).toEqual([['soon', 1, 1_300]])
    await t.advance('59999ms')
    expect(ran).toHaveLength(1)
    await t.advance('1ms')
    expect(ran[1]).toEqual(['late', 1, 660_000])
    expect(hops.filter(tier => tier === 'reminder.retry.5m')).toHaveLength(2)
    expect(hops.filter(tier => tier === 'reminder.retry.30s')).toHaveLength(2)
  })

  it('takes RetryLater, Skip and DeadLetter as answers', async () => {
    const tries: string[] = []
    const answers = consumer('answers', [
      on(paid, ({ id }, ctx) => {
        tries.push(`${id}#${ctx.attempt}`)
        if (id === 'skip') throw new Skip()
        if (id === 'never') throw new DeadLetter('refused by the bank')
        if (id === 'later' && tries.filter(one => one.startsWith('later')).length < 3) throw new RetryLater('2s')
      }),
    ])
    const t = await begin({ name: 'shop', processors: [answers] })
    const outcomes: string[] = []
    t.signals.on('message.done', ({ attempt }) => outcomes.push(`done#${attempt}`))
    t.signals.on('message.skipped', ({ reason }) => outcomes.push(`skipped ${reason}`))
    t.signals.on('message.deadLettered', ({ disposition }) => outcomes.push(disposition))
    for (const id of ['skip', 'never', 'later']) await t.publisher(paid).publish({ id, amount: 1 })
    await t.advance('10s')
    expect(tries.filter(one => one.startsWith('later'))).toEqual(['later#1', 'later#1', 'later#1'])
    expect(outcomes.sort()).toEqual(['done#1', 'rejected', 'skipped requested'])
    expect((await t.letters('answers')).map(({ trail }) => trail?.failure?.message)).toEqual(['refused by the bank'])
  })

  it('hands tombstones to who takes them, in the order of the entity; else they are skipped', async () => {
    const handled: string[] = []
    const ledger = consumer('ledger', [
      on(paid, ({ id, amount }) => void handled.push(`${id} ${amount}`)),
      onTombstone(paid.topic, (key, ctx) => {
        if (key === 'never') throw new DeadLetter('cannot be deleted')
        if (ctx.attempt === 1) throw new Error('books are closed')
        handled.push(`${key} gone, ${ctx.type}`)
      }),
    ])
    const t = await begin({ name: 'shop', processors: [ledger, consumer('other', [on(paid, () => {})])] })
    const skipped: string[] = []
    t.signals.on('message.skipped', ({ group, reason, detail }) => skipped.push(`${group} ${reason} ${detail}`))
    await t.publisher(paid).publish({ id: '7', amount: 1 })
    await t.publisher(paid).publishTombstone(7n)
    await t.publisher(paid).publish({ id: '7', amount: 2 })
    await t.publisher(paid).publishTombstone('never')
    await t.settled()
    expect(handled).toEqual(['7 1'])
    await t.advance('1s')
    expect(handled).toEqual(['7 1', '7 gone, tombstone', '7 2'])
    expect(skipped).toEqual(Array(2).fill('other unhandled tombstone'))
    expect(await t.letters('ledger')).toMatchObject([
      {
        type: 'tombstone',
        payload: null,
        record: { key: Buffer.from('never'), value: null },
        trail: { disposition: 'rejected' },
      },
    ])
    await expect(t.publisher(paid).publishTombstone('')).rejects.toMatchObject({ code: 'E_KEY_MISSING' })
    // Nothing says that there is data: neither what it is nor of which schema.
    const [{ record }] = (await t.letters('ledger')) as [Awaited<ReturnType<typeof t.letters>>[0]]
    const names = record.headers.map(([name]) => name).filter(name => !name.startsWith('spillway-'))
    expect(names).toEqual(['ce_specversion', 'ce_id', 'ce_source', 'ce_type', 'ce_time'])
  })

  it('keeps the order of an entity through retries, in moved time', async () => {
    const handled: [string, number][] = []
    const ledger = consumer('ledger', [
      on(paid, ({ id, amount }, ctx) => {
        if (id === 'slow' && amount === 1 && ctx.attempt < 3) throw new Error('books are closed')
        handled.push([`${id} ${amount}`, t.now().getTime() - start])
      }),
    ])
    const t = await begin({ name: 'shop', processors: [ledger] })
    const start = t.now().getTime()
    const say = (id: string, amount: number) => t.publisher(paid).publish({ id, amount })
    for (const amount of [1, 2]) for (const id of ['slow', 'quick']) await say(id, amount)
    await t.settled()
    expect(handled.splice(0)).toEqual([
      ['quick 1', 0],
      ['quick 2', 0],
    ])
    // Its second try fails too.
    await t.advance('1s')
    await say('slow', 3)
    await t.advance('4999ms')
    expect(handled).toEqual([])
    await t.advance('1ms')
    expect(handled).toEqual([1, 2, 3].map(amount => [`slow ${amount}`, 6_000]))
  })

  it('moves followers on behind a long wait, and blocks an entity for as long as its message fails', async () => {
    const handled: [string, number][] = []
    let mended = false
    const strict = consumer(
      'strict',
      [
        on(paid, ({ id, amount }) => {
          if (amount === 1 && !mended) throw new Error('not yet')
          handled.push([`${id} ${amount}`, t.now().getTime() - start])
        }),
      ],
      { retry: { tiers: ['1s', '1m'], onExhausted: 'block' } },
    )
    const t = await begin({ name: 'shop', processors: [strict] })
    const start = t.now().getTime()
    const followed: string[] = []
    t.signals.on('message.followed', ({ tier }) => followed.push(tier))
    for (const amount of [1, 2, 3]) await t.publisher(paid).publish({ id: 'p-1', amount })
    await t.advance('10m')
    expect(handled).toEqual([])
    expect(new Set(followed)).toEqual(new Set(['strict.retry.1m']))
    mended = true
    await t.advance('1m')
    // 1 s, and then every minute.
    expect(handled).toEqual([1, 2, 3].map(amount => [`p-1 ${amount}`, 601_000]))
    expect(await t.letters('strict')).toEqual([])
  })
})
