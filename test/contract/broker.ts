/** The contract of src/broker/port.ts as one suite, run against every implementation. */
import { afterAll, beforeAll, describe } from 'vitest'
import type { Broker } from '../../src/broker/port.ts'
import { describeAdmin } from './admin.ts'
import { describeCommits } from './commits.ts'
import { describeDelivery } from './delivery.ts'
import { describeGroups } from './groups.ts'
import { describeProduce } from './produce.ts'
import { describeReader } from './reader.ts'
import { describeTransactions } from './transactions.ts'

export interface Connected {
  readonly broker: Broker
  close(): Promise<void>
}

/** `connect` is called once for all tests; these make topics and groups of their own. */
export function describeBroker(name: string, connect: () => Promise<Connected>): void {
  describe(`the broker port on ${name}`, () => {
    let connected: Connected | undefined
    beforeAll(async () => {
      connected = await connect()
    })
    afterAll(() => connected?.close())
    const broker = () => connected!.broker

    describeProduce(broker)
    describeTransactions(broker)
    describeReader(broker)
    describeGroups(broker)
    describeCommits(broker)
    describeDelivery(broker)
    describeAdmin(broker)
  })
}
