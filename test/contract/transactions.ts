import { randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Broker, TransactionalProducer } from '../../src/broker/port.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { adminOf, type BrokerOf, numbered, readAll, record, text, topicOf, write } from './fixture.ts'
import { patience } from './recording-consumer.ts'

/** Connected. */
async function transactionalOf(broker: Broker, id = unique('transactions')): Promise<TransactionalProducer> {
  const producer = broker.transactionalProducer(id)
  onTestFinished(() => producer.close())
  await producer.connect()
  return producer
}

/** Values of a partition, once there are `count`: what is committed may be seen a little later. */
function seen(broker: Broker, topic: string, partition: number, count: number): Promise<(string | undefined)[]> {
  const enough = async () => {
    const values = text(await readAll(broker, topic, partition))
    return values.length >= count && values
  }
  return until(enough, { ...patience, what: `${count} records in ${topic}[${partition}]` })
}

export function describeTransactions(broker: BrokerOf): void {
  describe('a transactional producer', () => {
    describeAtomicity(broker)
    describeFencing(broker)
    describeLimits(broker)
  })
}

function describeAtomicity(broker: BrokerOf): void {
  test('writes to several partitions and topics, in order within each', async () => {
    const [one, two] = [await topicOf(broker(), { partitions: 2 }), await topicOf(broker())]
    const producer = await transactionalOf(broker())
    await producer.send([record(one, 0, 'a0'), record(one, 1, 'b0'), record(one, 0, 'a1'), record(two, 0, 'c0')])
    await producer.send([record(one, 0, 'a2')])
    await producer.commit()
    await producer.send([record(one, 0, 'a3'), record(one, 1, 'b1')])
    await producer.commit()
    expect(await seen(broker(), one, 0, 4)).toEqual(['a0', 'a1', 'a2', 'a3'])
    expect(await seen(broker(), one, 1, 2)).toEqual(['b0', 'b1'])
    expect(await seen(broker(), two, 0, 1)).toEqual(['c0'])
  })

  test('shows nothing before the commit, and nothing of what is aborted', async () => {
    const topic = await topicOf(broker(), { partitions: 2 })
    const producer = await transactionalOf(broker())
    await producer.send([record(topic, 0, 'never'), record(topic, 1, 'never')])
    expect((await adminOf(broker()).bounds(topic)).map(({ high }) => high)).toEqual([0n, 0n])
    await producer.abort()
    await producer.send([record(topic, 0, 'seen')])
    await producer.commit()
    expect(await seen(broker(), topic, 0, 1)).toEqual(['seen'])
    expect(text(await readAll(broker(), topic, 1))).toEqual([])
  })

  test('keeps keys, values, headers and given timestamps as they are', async () => {
    const topic = await topicOf(broker())
    const producer = await transactionalOf(broker())
    const headers = [
      ['z', null],
      ['7', Buffer.from([0, 255])],
      ['z', Buffer.from('again')],
    ] as const
    await producer.send([record(topic, 0, null, { key: Buffer.from([0, 1]), headers, timestampMs: 1_700_000_000_123 })])
    await producer.commit()
    await seen(broker(), topic, 0, 1)
    const [found] = await readAll(broker(), topic)
    expect(found).toMatchObject({ key: Buffer.from([0, 1]), value: null, timestampMs: 1_700_000_000_123 })
    expect(found!.headers).toEqual(headers)
  })

  test('may end a transaction in which nothing was sent', async () => {
    const producer = await transactionalOf(broker())
    await producer.commit()
    await producer.abort()
    await producer.send([])
    await producer.commit()
  })

  test('sends more than fits into one request', async () => {
    const topic = await topicOf(broker())
    const producer = await transactionalOf(broker())
    const values = numbered(`${'x'.repeat(1_000)} `, 2_500)
    await producer.send(values.map(value => record(topic, 0, value)))
    await producer.commit()
    expect(await seen(broker(), topic, 0, values.length)).toEqual(values)
  })
}

function describeFencing(broker: BrokerOf): void {
  const fenced = { code: 'E_FENCED', retryable: false }

  test('is fenced by the next one of its id, which sees all that it has committed and nothing that it has not', async () => {
    const topic = await topicOf(broker())
    const id = unique('transactions')
    const first = await transactionalOf(broker(), id)
    await first.send([record(topic, 0, 'committed')])
    await first.commit()
    await first.send([record(topic, 0, 'left open')])
    const second = await transactionalOf(broker(), id)
    expect(text(await readAll(broker(), topic))).toEqual(['committed'])
    await write(broker(), topic, 0, ['behind it'])
    expect(text(await readAll(broker(), topic))).toEqual(['committed', 'behind it'])
    await expect(first.commit()).rejects.toMatchObject(fenced)
    await second.send([record(topic, 0, 'second')])
    await second.commit()
    expect(await seen(broker(), topic, 0, 3)).toEqual(['committed', 'behind it', 'second'])
  })

  test.each(['send', 'abort'] as const)('is told at its next %s', async what => {
    const topic = await topicOf(broker())
    const id = unique('transactions')
    const first = await transactionalOf(broker(), id)
    await first.send([record(topic, 0, 'never')])
    await transactionalOf(broker(), id)
    await expect(what === 'send' ? first.send([record(topic, 0, 'never')]) : first.abort()).rejects.toMatchObject(fenced)
    await expect(first.send([record(topic, 0, 'never')])).rejects.toMatchObject(fenced)
    expect(text(await readAll(broker(), topic))).toEqual([])
  })

  test('of another id is nobody to it', async () => {
    const topic = await topicOf(broker())
    const [one, two] = [await transactionalOf(broker()), await transactionalOf(broker())]
    await one.send([record(topic, 0, 'one')])
    await two.send([record(topic, 0, 'two')])
    await two.commit()
    await one.commit()
    expect((await seen(broker(), topic, 0, 2)).sort()).toEqual(['one', 'two'])
  })

  test('takes nothing once it is closed', async () => {
    const topic = await topicOf(broker())
    const producer = await transactionalOf(broker())
    await producer.close()
    await expect(producer.send([record(topic, 0, 'never')])).rejects.toMatchObject({ code: 'E_BROKER_UNAVAILABLE' })
  })
}

function describeLimits(broker: BrokerOf): void {
  test('is refused what is larger than the topic takes, and loses nothing that it sends in the next transaction', async () => {
    const topic = await topicOf(broker(), { partitions: 2, config: { 'max.message.bytes': '2000' } })
    const producer = await transactionalOf(broker())
    const large = record(topic, 0, null, { value: randomBytes(4_000) })
    for (let i = 0; i < 3; i++) {
      await producer.send([record(topic, 0, 'never')])
      await expect(producer.send([record(topic, 1, 'never'), large])).rejects.toMatchObject({ code: 'E_RECORD_TOO_LARGE' })
      await producer.abort()
      await producer.send([record(topic, 0, `a${i}`), record(topic, 1, `b${i}`)])
      await producer.commit()
    }
    expect(await seen(broker(), topic, 0, 3)).toEqual(['a0', 'a1', 'a2'])
    expect(await seen(broker(), topic, 1, 3)).toEqual(['b0', 'b1', 'b2'])
  })

  test('writes compressed what the topic takes no other way', async () => {
    const topic = await topicOf(broker(), { config: { 'max.message.bytes': '2000' } })
    const producer = await transactionalOf(broker())
    for (let i = 0; i < 2; i++) {
      await producer.send([record(topic, 0, null, { value: Buffer.alloc(4_000, 65) })])
      await producer.send([record(topic, 0, 'small')])
      await producer.commit()
    }
    expect(await seen(broker(), topic, 0, 4)).toEqual(['A'.repeat(4_000), 'small', 'A'.repeat(4_000), 'small'])
  })

  test('is refused a topic or partition that does not exist, creates none, and takes nothing after that', async () => {
    const topic = await topicOf(broker())
    const missing = unique('missing')
    for (const at of [record(missing, 0, 'x'), record(topic, 1, 'x')]) {
      const producer = await transactionalOf(broker())
      await expect(producer.send([record(topic, 0, 'never'), at])).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
      await producer.abort()
      await expect(producer.send([record(topic, 0, 'never')])).rejects.toMatchObject({ code: 'E_BROKER_REFUSED' })
    }
    expect(await adminOf(broker()).topics([missing])).toEqual([])
    expect(text(await readAll(broker(), topic))).toEqual([])
  })
}
