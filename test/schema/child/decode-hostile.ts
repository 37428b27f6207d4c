/**
 * Reads every hostile case in every way and writes what it came to and what it cost, a JSON line each: `{ name, way, told, cpuMs,
 * grownMb, isWell }`. A process of its own, so that the most memory it ever had is known, and that a heap which bursts is a failed test.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { avroSchema, type MessageSchema } from '../../../src/message/schema.ts'
import { createDecoder, type Decoder } from '../../../src/schema/decoder.ts'
import { type HostileCase, hostileCases, type Way, waysOf } from '../hostile-cases.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more })
const record = (fields: unknown[]) => ({ type: 'record', name: 'Root', fields })
const schema = (avro: object): MessageSchema => avroSchema({ name: 'Root', long: 'bigint', avro })

const plain = record([field('s', 'string'), field('b', 'bytes'), field('n', { type: 'array', items: 'int' })])
const goodValue = Buffer.from([0, 0, 0, 0, 1, 2, 97, 6, 1, 2, 3, 4, 2, 4, 0])
const goodDecoder = createDecoder({ schemaById: async () => JSON.stringify(plain) }, [schema(plain)])

/** A message decodes as ever: nothing that one did reaches another. */
async function isWell(): Promise<boolean> {
  const decoded = await goodDecoder.decode(goodValue)
  const { s, b, n } = (decoded as { payload: { s: string; b: Buffer; n: number[] } }).payload
  return s === 'a' && b.toString('hex') === '010203' && n.join() === '1,2'
}

function decoderFor({ type }: HostileCase, way: Way): Decoder {
  const writer = record([field('x', type), field('tail', 'int')])
  const registry = { schemaById: async () => JSON.stringify(writer) }
  const readers = {
    read: () => [schema(writer)],
    resolved: () => [schema(record([...writer.fields, field('more', 'int', { default: 7 })]))],
    skipped: () => [schema(record([field('tail', 'int')]))],
    shown: () => [],
  }
  try {
    return createDecoder(registry, readers[way]())
  } catch {
    // No schema of ours can be so; another's may.
    return createDecoder(registry, [schema(record([]))])
  }
}

async function toldOf(work: () => unknown): Promise<string> {
  try {
    await work()
    return 'decoded'
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string }
    return `${code}: ${message?.slice(0, 300)}`
  }
}

for (const one of hostileCases)
  for (const way of waysOf(one)) {
    const decoder = decoderFor(one, way)
    const value = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), one.body])
    const decode = (bytes: Buffer) => (way === 'shown' ? decoder.decodeAny(bytes) : decoder.decode(bytes))
    // The schemas are known by then.
    await toldOf(() => decode(Buffer.from([0, 0, 0, 0, 1])))
    collect()
    const { maxRSS } = process.resourceUsage()
    const before = process.cpuUsage()
    const told = await toldOf(() => decode(value))
    const { user, system } = process.cpuUsage(before)
    const grownMb = (process.resourceUsage().maxRSS - maxRSS) / 1024
    const line = { name: one.name, way, told, cpuMs: (user + system) / 1_000, grownMb, isWell: await isWell() }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  }
