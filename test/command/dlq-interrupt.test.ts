import { expect, test } from 'vitest'
import type { CommandContext } from '../../src/command/context.ts'
import { dlqCommand } from '../../src/command/dlq.ts'
import { buildProgram, runProgram } from '../../src/command/program.ts'
import { defineService } from '../../src/config.ts'
import { consumer, on } from '../../src/consume/processor.ts'
import { countLetters } from '../../src/dlq/read.ts'
import { event } from '../../src/message/definition.ts'
import { avroSchema } from '../../src/message/schema.ts'
import { memoryRegistry } from '../../src/schema/memory-registry.ts'
import { brokerWithTopics, bury, group, sourceOf } from '../dlq/letters.ts'
import { catchSaid } from './said.ts'

const avro = { type: 'record', name: 'Placed', fields: [{ name: 'id', type: 'string' }] }
const placed = event(avroSchema<'Placed', { id: string }, { id: string }>({ name: 'Placed', avro, long: 'bigint' }), {
  topic: 'orders',
  key: 'id',
})
const service = defineService({ name: 'shop', processors: [consumer(group, [on(placed, () => {})])] })

test('Ctrl-C ends a redrive after the batch begun, which is recorded: exit 130, and the same again moves the rest', async () => {
  const broker = await brokerWithTopics(1)
  await bury(broker, 0, 5_000)
  let calls = 0
  // A signal comes before the first transaction is committed.
  const transactionalProducer: typeof broker.transactionalProducer = id => {
    const producer = broker.transactionalProducer(id)
    const commit = async () => {
      if (++calls === 1) process.emit('SIGINT', 'SIGINT')
      await producer.commit()
    }
    return { ...producer, commit }
  }
  const spied = { ...broker, transactionalProducer }
  const said = catchSaid()
  const run = () => {
    const context = {
      service: async () => service,
      hasService: true,
      broker: spied,
      registry: memoryRegistry(),
      close: async () => {},
    }
    const program = buildProgram([dlqCommand(async () => context as unknown as CommandContext)])
    return runProgram(program, ['node', 'spillway', 'dlq', 'redrive', group, '--execute'], text => text, false)
  }
  expect(await run()).toBe(130)
  const left = (await countLetters(sourceOf(broker))).left
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(5_000)
  expect(said.out).toContain(`${5_000 - left} letters moved`)
  expect(said.err).toContain('finishing the batch')
  expect(said.err).toContain(`For the rest, run again: spillway dlq redrive ${group} --execute`)
  said.out = ''
  expect(await run()).toBe(0)
  expect(said.out).toContain(`${left} letters moved`)
  expect((await broker.admin().bounds(`${group}.retry.0s`))[0]!.high).toBe(5_000n)
})
