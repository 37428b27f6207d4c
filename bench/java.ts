/**
 * Kafka's own measuring tools, where the local broker's programs lie in the cache. They write and read bytes of the same size,
 * without keys, headers or handlers. Their processor time counts from the start of the Java machine.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from '../src/dev/install.ts'
import { kafkaArtifact } from '../src/dev/kafka.ts'
import { spawnLeashed } from '../src/dev/leash.ts'
import { rawRecords } from './records.ts'
import type { Result } from './result.ts'
import type { Stand } from './stand.ts'

export async function javaProducer(stand: Stand, records: number): Promise<Result[]> {
  const size = await recordSize(stand.schemaId)
  const topic = await stand.topic('java')
  const args = [
    '--num-records',
    `${records}`,
    '--record-size',
    `${size}`,
    '--throughput',
    '-1',
    '--warmup-records',
    `${records / 10}`,
  ]
  const ran = await tool('ProducerPerformance', stand, topic, [...args, '--command-property', 'acks=all'])
  if (ran === undefined) return []
  const perSecond = Number(/([\d.]+) records\/sec/.exec(ran.lines.findLast(line => line.includes('records/sec')) ?? '')?.[1])
  return [
    { case: 'batches of 1,000', peer: 'Java ProducerPerformance, its own batches', records, perSecond, ...ran.cost(records) },
  ]
}

export async function javaConsumer(stand: Stand, { topic, records }: { topic: string; records: number }): Promise<Result[]> {
  const ran = await tool('ConsumerPerformance', stand, topic, [
    '--num-records',
    `${records}`,
    '--group',
    stand.fresh('java'),
    '--hide-header',
  ])
  if (ran === undefined) return []
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  const perSecond = Number(
    ran.lines
      .findLast(line => /^\d{4}-/.test(line))
      ?.split(',')
      .at(-1),
  )
  return [{ case: 'no-op handler', peer: 'Java ConsumerPerformance, no handler', records, perSecond, ...ran.cost(records) }]
}

async function recordSize(schemaId: number): Promise<number> {
  const [record] = await rawRecords(schemaId)
  const headers = Object.entries(record!.headers).reduce((sum, [name, value]) => sum + name.length + value.length + 2, 0)
  return record!.key.length + record!.value.length + headers
}

async function tool(name: string, { stack }: Stand, topic: string, args: readonly string[]) {
  const version = kafkaArtifact.coordinates[0]!.version
  const home = join(cacheFolder(process.env), `kafka-${version}`)
  if (!existsSync(home)) return undefined
  const lines: string[] = []
  const main = ['-Xmx512m', '-cp', join(home, '*'), `org.apache.kafka.tools.${name}`]
  const java = await spawnLeashed('java', [...main, '--bootstrap-server', stack.brokers.join(','), '--topic', topic, ...args], {
    keepsAlive: true,
    onLine: line => lines.push(line),
  })
  let seen = { cpuSeconds: 0, rssMb: 0 }
  const timer = setInterval(() => {
    seen = costOf(java.pid) ?? seen
  }, 20)
  await java.exited
  clearInterval(timer)
  const cost = (records: number) => ({ cpuSecondsPer10k: (seen.cpuSeconds / records) * 10_000, rssMb: seen.rssMb })
  return { lines, cost }
}

/** From Linux's own books; undefined elsewhere and once the process has ended. */
function costOf(pid: number): { cpuSeconds: number; rssMb: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    const rssKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    if (Number.isNaN(rssKb)) return undefined
    // Fields 14 and 15 of the line, in hundredths of a second.
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, rssMb: rssKb / 1024 }
  } catch {
    return undefined
  }
}
