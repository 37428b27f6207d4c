/** A service: its messages and its processors, checked together. */
import { type Processor, tierTopics } from '../consume/processor.ts'
import { ConfigError } from '../errors.ts'
import type { MessageDefinition } from '../message/definition.ts'
import { dlqTopic, isTierOf, movedTopic } from '../topic/names.ts'

export interface Service {
  readonly kind: 'service'
  /** The `ce_source` of what the service publishes. */
  readonly name: string
  /** Those of the service and those that its processors handle, each once. */
  readonly messages: readonly MessageDefinition[]
  readonly processors: readonly Processor[]
}

export interface ServiceOptions {
  readonly name: string
  /** What the service publishes. What its processors handle need not be named again. */
  readonly messages?: readonly MessageDefinition[]
  readonly processors?: readonly Processor[]
}

/** Checks that the parts fit together, and freezes them. Throws ConfigError (E_CONFIG) with every problem found. */
export function defineService(options: ServiceOptions): Service {
  const processors = options.processors ?? []
  const problems = shapeProblems(options)
  if (problems.length > 0) throw new ConfigError(problems)
  const messages = allMessages(options.messages ?? [], processors)
  const found = [
    ...processorProblems(processors),
    ...topicProblems(messages),
    ...messageProblems(messages),
    ...ownerProblems(processors),
    ...nameProblems(messages, processors),
  ]
  if (found.length > 0) throw new ConfigError(found.map(problem => `service '${options.name}': ${problem}`))
  return Object.freeze({
    kind: 'service',
    name: options.name,
    messages: Object.freeze(distinct(messages)),
    processors: Object.freeze([...processors]),
  })
}

/** An import cycle makes a definition undefined: said here, else it fails far from its cause. */
function shapeProblems(options: ServiceOptions): string[] {
  const problems = /^\S{1,200}$/.test(options.name ?? '') ? [] : ['a service needs a name of 1 to 200 characters without spaces']
  for (const [i, message] of (options.messages ?? []).entries())
    if (message?.kind !== 'event' && message?.kind !== 'job')
      problems.push(`messages[${i}] is no event or job (undefined? then two modules import each other)`)
  for (const [i, processor] of (options.processors ?? []).entries())
    if (processor?.kind !== 'consumer' && processor?.kind !== 'worker')
      problems.push(`processors[${i}] is no consumer or worker (undefined? then two modules import each other)`)
  return problems
}

function allMessages(named: readonly MessageDefinition[], processors: readonly Processor[]): MessageDefinition[] {
  return [...new Set([...named, ...processors.flatMap(({ subscriptions }) => subscriptions.map(one => one.definition))])]
}

function processorProblems(processors: readonly Processor[]): string[] {
  return repeated(processors.map(({ name }) => name)).map(
    name => `two processors are called '${name}': the name is the Kafka group, so they would take each other's messages`,
  )
}

function topicProblems(messages: readonly MessageDefinition[]): string[] {
  return byName(messages.map(({ topic }) => topic)).flatMap(([name, topics]) => {
    const shapes = new Set(
      topics.map(({ partitions, subjects, config }) => JSON.stringify([partitions, subjects, Object.entries(config).sort()])),
    )
    if (shapes.size > 1)
      return [`topic '${name}' is defined in ${shapes.size} different ways: define it once with topic() and use that value`]
    const types = new Set(messages.filter(one => one.topic.name === name).map(one => one.type))
    if (topics[0]?.subjects !== 'topic' || types.size < 2) return []
    return [
      `topic '${name}' carries ${[...types].join(' and ')}, but its subject strategy takes one type: define it with topic('${name}'), whose strategy is 'topic-record'`,
    ]
  })
}

function messageProblems(messages: readonly MessageDefinition[]): string[] {
  return byName(messages.map(one => ({ ...one, name: `${one.type} on ${one.topic.name}` }))).flatMap(([name, same]) => {
    const shapes = new Set(same.map(({ kind, key, schema }) => JSON.stringify([kind, key, schema.avro])))
    return shapes.size > 1 ? [`${name} is defined in ${shapes.size} different ways (kind, key or schema differ)`] : []
  })
}

function ownerProblems(processors: readonly Processor[]): string[] {
  const owners = new Map<string, string[]>()
  for (const { name, subscriptions } of processors)
    for (const { definition } of subscriptions) {
      const job = `${definition.type} on ${definition.topic.name}`
      if (definition.kind === 'job') owners.set(job, [...(owners.get(job) ?? []), name])
    }
  return [...owners]
    .filter(([, names]) => new Set(names).size > 1)
    .map(([job, names]) => `job ${job} has the workers ${names.join(' and ')}: a job is done by exactly one`)
}

/** No topic may be two things. Kafka itself refuses a name that differs from another only by `.` and `_`. */
function nameProblems(messages: readonly MessageDefinition[], processors: readonly Processor[]): string[] {
  const sources = [...new Set(messages.map(({ topic }) => topic.name))]
  const owners = new Map<string, string>()
  const problems: string[] = []
  const claim = (topic: string, owner: string) => {
    const metric = topic.replaceAll('.', '_')
    const other = owners.get(metric)
    if (other === undefined) owners.set(metric, owner)
    else if (other !== owner)
      problems.push(`topic '${topic}' of ${owner} has the same name, or one that Kafka takes for the same, as one of ${other}`)
  }
  for (const source of sources) claim(source, `the messages on '${source}'`)
  for (const processor of processors) {
    const { name, kind } = processor
    const owner = `${kind} '${name}'`
    const own = tierTopics(processor)
    for (const topic of [...own, dlqTopic(name), movedTopic(name)]) claim(topic, owner)
    // A tier that is configured no more is drained all the same, so any name of that form would be.
    for (const source of sources)
      if (isTierOf(name, source) && !own.includes(source))
        problems.push(`topic '${source}' would be taken for a retry tier of ${owner}`)
  }
  return [...new Set(problems)]
}

/** One of several equal definitions: the same module, loaded twice, makes equal ones. */
function distinct(messages: readonly MessageDefinition[]): MessageDefinition[] {
  return [...new Map(messages.map(one => [`${one.kind} ${one.type} ${one.topic.name}`, one])).values()]
}

function byName<T extends { name: string }>(values: readonly T[]): [string, T[]][] {
  return [...Map.groupBy(values, value => value.name)]
}

function repeated(values: readonly string[]): string[] {
  return [...new Set(values.filter((value, i) => values.indexOf(value) !== i))]
}
