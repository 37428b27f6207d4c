import { inject } from 'vitest'
import { connectKafka } from '../../src/broker/kafkajs/connect.ts'
import { unique } from '../unique.ts'
import { describeBroker } from './broker.ts'

describeBroker('kafkajs', async () => {
  const broker = connectKafka({ brokers: inject('brokers'), clientId: unique('contract') })
  return { broker, close: () => broker.close() }
})
