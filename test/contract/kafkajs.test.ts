import { expect, inject, onTestFinished, test } from 'vitest'
import { connectKafka } from '../../src/broker/kafkajs/connect.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { describeBroker } from './broker.ts'
import { readAll, record, text, topicOf } from './fixture.ts'
import { patience } from './recording-consumer.ts'

describeBroker('kafkajs', async () => {
  const broker = connectKafka({ brokers: inject('brokers'), clientId: unique('contract') })
  return { broker, close: () => broker.close() }
})

// In memory nobody waits for an open transaction.
test('a transaction that is open for more than a second takes nothing more, and the next one does', async () => {
  const broker = connectKafka({ brokers: inject('brokers'), clientId: unique('contract') })
  onTestFinished(() => broker.close())
  const topic = await topicOf(broker)
  const producer = broker.transactionalProducer(unique('transactions'))
  await producer.connect()
  await producer.send([record(topic, 0, 'never')])
  const begunAt = performance.now()
  await until(() => performance.now() - begunAt > 1_000, { withinMs: 2_000, what: 'a second to pass' })
  await expect(producer.send([record(topic, 0, 'never')])).rejects.toMatchObject({
    code: 'E_TRANSACTION_TOO_LONG',
    retryable: true,
  })
  await producer.abort()
  await producer.send([record(topic, 0, 'seen')])
  await producer.commit()
  await until(async () => (await readAll(broker, topic)).length > 0, { ...patience, what: 'what was committed' })
  expect(text(await readAll(broker, topic))).toEqual(['seen'])
})
