/** gzip, snappy, lz4 and zstd, written by Java, are read: by consumers and by a reader without a group. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { cacheFolder } from '../../src/dev/install.ts'
import { spawnLeashed } from '../../src/dev/leash.ts'
import { numbered, producerOf, readAll, record, text, topicOf } from '../contract/fixture.ts'
import { patience, startConsumer } from '../contract/recording-consumer.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { openScenario, patienceMs } from './harness.ts'
import { type Codec, codecs } from './raw-batch.ts'

const kafkaHome = join(cacheFolder(process.env), 'kafka-4.3.1')
const values = numbered(`${'some words that repeat themselves, and a number: '.repeat(6)}`, 3_000)

describe.each(Object.keys(codecs) as Codec[])('%s', codec => {
  // The broker is Java and compresses anew what comes in otherwise.
  test('of a topic that the broker compresses', async () => {
    const { broker } = await openScenario()
    const topic = await topicOf(broker, { config: { 'compression.type': codec } })
    const producer = producerOf(broker)
    for (let i = 0; i < values.length; i += 1_000)
      await producer.sendBatch(
        topic,
        0,
        values.slice(i, i + 1_000).map(value => record(topic, 0, value, { headers: [['h', Buffer.from('v')]] })),
      )
    expect(text(await readAll(broker, topic))).toEqual(values)
    const consumer = await startConsumer(broker, { group: unique('group'), topics: [topic] })
    await until(() => consumer.records.length === values.length, { ...patience, what: 'all records' })
    expect(consumer.values()).toEqual(values)
    expect(consumer.records.at(-1)?.headers).toEqual([['h', Buffer.from('v')]])
  })

  // Where the local broker is Kafka itself, its classes are at hand.
  test.runIf(existsSync(kafkaHome))('of a Java producer', { timeout: 90_000 }, async () => {
    const { broker } = await openScenario()
    const topic = await topicOf(broker)
    await produceByJava(topic, codec)
    const consumer = await startConsumer(broker, { group: unique('group'), topics: [topic] })
    await until(() => consumer.records.length >= values.length, { withinMs: patienceMs, what: 'all records' })
    expect(consumer.values()).toEqual(values)
    expect(text(await readAll(broker, topic))).toEqual(values)
  })
})

async function produceByJava(topic: string, codec: Codec): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'it-lines-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const input = join(folder, 'lines')
  writeFileSync(input, `${values.join('\n')}\n`)
  const lines: string[] = []
  const producer = await spawnLeashed('sh', ['-c', 'exec "$@" < "$0"', input, ...command(topic, codec)], {
    env: process.env,
    orphanGraceMs: 0,
    onLine: line => lines.push(line),
  })
  onTestFinished(async () => void (await producer.stop(0)))
  expect(await producer.exited, lines.join('\n')).toEqual({ code: 0, signal: null })
}

function command(topic: string, codec: Codec): string[] {
  return [
    ...['java', '-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', join(kafkaHome, '*'), 'org.apache.kafka.tools.ConsoleProducer'],
    ...['--bootstrap-server', inject('brokers').join(','), '--topic', topic, '--compression-codec', codec],
    ...['--batch-size', '200000', '--timeout', '200'],
  ]
}
