/** Whatever is used first finds out that the settings are wrong, and says so at once: here a login where there is none. */
import { expect, inject, onTestFinished, test } from 'vitest'
import { connectKafka } from '../../src/broker/kafkajs/connect.ts'
import type { Broker } from '../../src/broker/port.ts'
import { brokerOptions, readConnection } from '../../src/config.ts'
import { recordingConsumer } from '../contract/recording-consumer.ts'
import { unique } from '../unique.ts'

const uses: readonly (readonly [what: string, use: (broker: Broker) => Promise<unknown>])[] = [
  ['a producer', broker => broker.producer().sendBatch(unique('t'), 0, [{ topic: 't', partition: 0, key: null, value: null, headers: [] }])], // biome-ignore format: one line
  ['a consumer', broker => recordingConsumer(broker, { group: unique('group'), topics: [unique('t')] }).start()],
]

test.each(uses)('%s', async (_what, use) => {
  const login = { KAFKA_SASL_MECHANISM: 'scram-sha-256', KAFKA_SASL_USERNAME: 'nobody', KAFKA_SASL_PASSWORD: 'none' }
  const env = { KAFKA_BROKERS: inject('brokers').join(','), SCHEMA_REGISTRY_URL: inject('registryUrl'), ...login }
  const broker = connectKafka(brokerOptions(readConnection(env)))
  onTestFinished(() => broker.close())
  const begun = performance.now()
  await expect(use(broker)).rejects.toMatchObject({ code: 'E_BROKER_REFUSED', message: expect.stringMatching(/no SASL/) })
  expect(performance.now() - begun).toBeLessThan(10_000)
})
