/** Who may import whom. Types count as imports. */
import { importsOf, type SourceFile } from './sources.ts'

const all = [
  'message',
  'topic',
  'schema',
  'broker',
  'observe',
  'produce',
  'consume',
  'dlq',
  'retry',
  'redrive',
  'replay',
  'config',
  'process',
  'dev',
  'command',
]

/** Room, or file at the root of src, to the rooms it may import besides itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: ['thrown'],
  thrown: [],
  message: [],
  topic: ['message'],
  schema: ['message', 'topic'],
  // The port speaks of record headers, which are message's.
  broker: ['message', 'topic'],
  observe: ['message', 'topic'],
  produce: ['message', 'schema', 'topic', 'broker'],
  consume: ['message', 'schema', 'topic', 'broker'],
  dlq: ['topic', 'broker'],
  // What a publisher says of a delay stands in a record header, which is message's.
  retry: ['message', 'topic', 'broker', 'dlq', 'consume'],
  redrive: ['topic', 'broker', 'dlq'],
  config: ['message', 'topic', 'consume'],
  process: ['config', 'message', 'schema', 'topic', 'broker', 'produce', 'consume', 'retry', 'dlq', 'observe'],
  // Nothing of the core imports it: a service hands it in.
  middleware: ['message', 'consume'],
  // Its positions are in durations and times, which are message's.
  replay: ['message', 'topic', 'broker', 'process'],
  dev: ['broker'],
  // Where it is all put together; nobody imports these.
  command: all,
  connect: all,
  index: [...all, 'connect', 'middleware'],
  testing: all,
  tracing: ['middleware'],
  cli: all,
}

const importableByAll = ['src/errors.ts', 'src/thrown.ts', 'src/observe/signals.ts']

/** A package and the one place that may import it. */
const onlyIn: readonly (readonly [name: string, place: string])[] = [
  ['kafkajs', 'src/broker/kafkajs/'],
  ['avsc', 'src/schema/'],
  ['prom-client', 'src/observe/'],
  ['@opentelemetry/api', 'src/middleware/'],
  ['@kafkajs/confluent-schema-registry', 'src/schema/'],
]

/** One line for each import in `files` that crosses a wall. */
export function wallsCrossed(files: readonly SourceFile[]): string[] {
  return files.flatMap(file => importsOf(file).flatMap(name => wallBetween(file.path, name) ?? []))
}

function wallBetween(path: string, name: string): string | undefined {
  const rule = onlyIn.find(([pack]) => name === pack || name.startsWith(`${pack}/`))
  if (rule && !path.startsWith(rule[1])) return `${path} imports ${name}: only ${rule[1]} may`
  if (!name.startsWith('src/') || importableByAll.includes(name)) return undefined
  const [from, to] = [roomOf(path), roomOf(name)]
  const allowed = mayImport[from]
  if (!allowed) return `${path} is in no known room: add '${from}' to the table`
  return from === to || allowed.includes(to)
    ? undefined
    : `${path} imports ${name}: ${from} may import ${allowed.join(', ') || 'nothing'}`
}

/** `src/topic/names.ts` is in topic, `src/config.ts` in config. */
function roomOf(path: string): string {
  return path.split('/')[1]!.replace(/\.ts$/, '')
}

/** The first cycle found, as the files that import each other; undefined when there is none. */
export function importCycle(files: readonly SourceFile[]): string[] | undefined {
  const graph = new Map(files.map(file => [file.path, importsOf(file)]))
  const finished = new Set<string>()
  const visit = (path: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path]
    if (finished.has(path)) return undefined
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next, [...way, path])
      if (cycle) return cycle
    }
    finished.add(path)
    return undefined
  }
  return files.map(file => visit(file.path, [])).find(cycle => cycle !== undefined)
}

/** The files and packages that are loaded with `entry`, by whatever way; types count as imports. */
export function reachedFrom(files: readonly SourceFile[], entry: string): string[] {
  const graph = new Map(files.map(file => [file.path, importsOf(file)]))
  const reached = new Set([entry])
  for (const path of reached) for (const name of graph.get(path) ?? []) reached.add(name)
  return [...reached]
}
