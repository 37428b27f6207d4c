/** Redrives the letters with one key, two or three a transaction, and kills itself at a moment of one request, if it is told to. */
import { connectKafka } from '../../../src/broker/kafkajs/connect.ts'
import { readSelection } from '../../../src/command/where.ts'
import { namesOf } from '../../../src/dlq/source.ts'
import { runRedrive } from '../../../src/redrive/run.ts'
import { type Moment, tapWire } from './wire-tap.ts'

export interface RedrivingSettings {
  readonly group: string
  readonly key: string
  readonly batchLetters: number
  readonly killAt?: { readonly request: number; readonly moment: Moment }
}

const { group, key, batchLetters, killAt } = JSON.parse(process.env.IT_CHILD!) as RedrivingSettings
let requests = 0
tapWire((name, moment) => {
  if (moment === 'before') console.log(`request ${++requests} ${name}`)
  if (requests === killAt?.request && moment === killAt.moment) {
    process.kill(process.pid, 'SIGKILL')
    // Nothing more, until it arrives.
    for (;;);
  }
})

const broker = connectKafka({ brokers: process.env.KAFKA_BROKERS!.split(','), clientId: 'redriving' })
const source = { reader: broker.reader(), admin: broker.admin(), group }
const producer = broker.transactionalProducer(namesOf(source).transactionalId)
const selection = readSelection({ where: [`key=${key}`] }, async () => undefined, Date.now())
const options = { runId: `child-${process.pid}`, who: 'child', reason: 'killed', batchLetters, selection }
const { moved } = await runRedrive(source, producer, options)
console.log(`moved ${moved}`)
await broker.close()
