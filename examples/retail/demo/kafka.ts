/** Kafka itself, for what no user of Spillway does: writing garbage, and measuring lag from outside. */
import { connectKafka } from '../../../src/broker/kafkajs/connect.ts'
import { readConnection } from '../../../src/config.ts'

export function kafka(): ReturnType<typeof connectKafka> {
  const { brokers, ssl, sasl } = readConnection()
  return connectKafka({ brokers: [...brokers], clientId: 'retail-demo', ...(ssl && { ssl }), ...(sasl && { sasl }) })
}
