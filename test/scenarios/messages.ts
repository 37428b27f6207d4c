/** What the scenarios send: two event types on one topic, and a job. */
import { avroSchema, event, job, topic } from 'spillway'
import { unique } from '../unique.ts'

interface StepIn {
  /** The entity. */
  id: string
  n: number
  note?: string
}
type Step = Required<StepIn>

const fields = [
  { name: 'id', type: 'string' },
  { name: 'n', type: 'int' },
  { name: 'note', type: 'string', default: '' },
]
const stepSchema = <Name extends string>(name: Name) =>
  avroSchema<Name, StepIn, Step>({
    name,
    long: 'number',
    avro: { type: 'record', name: name.split('.')[1], namespace: name.split('.')[0], fields },
  })

const Opened = stepSchema('it.Opened')
const Closed = stepSchema('it.Closed')
const Work = stepSchema('it.Work')

/** Two events of one new topic: `key` is `id` in both. `name` is for processes that share a topic. */
export function stepsOn({ name = unique('steps'), partitions = 3 } = {}) {
  const steps = topic(name, { partitions })
  return { steps, opened: event(Opened, { topic: steps, key: 'id' }), closed: event(Closed, { topic: steps, key: 'id' }) }
}

/** A job on a new topic. */
export function newJob() {
  return job(Work, { topic: topic(unique('jobs'), { partitions: 3, subjects: 'topic' }), key: 'id' })
}

/** `n` from 1 to `count`, for each entity in turn: a1 b1 a2 b2. */
export function stepsOf(entities: readonly string[], count: number): { id: string; n: number }[] {
  return Array.from({ length: count }, (_, i) => entities.map(id => ({ id, n: i + 1 }))).flat()
}
