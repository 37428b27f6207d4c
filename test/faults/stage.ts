/** What every story with worker children stands on: a topic, a group, a journal, a fleet and a publisher. */

import { consumer, on } from 'spillway'
import { inject } from 'vitest'
import { defaultLimits } from '../../src/consume/limits.ts'
import type { Processor } from '../../src/consume/processor.ts'
import { openScenario, type Scenario } from '../scenarios/harness.ts'
import { stepsOn } from '../scenarios/messages.ts'
import { unique } from '../unique.ts'
import { until } from '../until.ts'
import { type Verdict, verdictOf } from './check/verdict.ts'
import { type Fleet, openFleet, patienceMs } from './fleet.ts'
import { type Journal, openJournal } from './journal.ts'
import { type Pace, type Publishing, startPublishing } from './publisher.ts'
import { type Dice, dice } from './sizes.ts'

export interface Stage extends Scenario {
  readonly topic: string
  readonly topics: readonly string[]
  readonly processor: Processor
  readonly journal: Journal
  readonly fleet: Fleet
  readonly dice: Dice
  /** To the first topic, or the one with this index. */
  publishing(pace: Pace, topic?: number): Publishing
  /** Resolves when every acknowledged message has ended and all is committed; then what became of them, printed. */
  verdict(publishing: Pick<Publishing, 'acked' | 'refused'>, withinMs?: number): Promise<Verdict>
}

export interface StageOptions {
  readonly partitions?: number
  readonly sessionTimeoutMs?: number
  readonly workMs?: number
  /** Default: the shared broker. */
  readonly brokers?: readonly string[]
  readonly handlerTimeoutMs?: number
  /** Default one. */
  readonly topics?: number
  readonly windowRecords?: number
  readonly onExhausted?: 'continue' | 'block'
}

const tiers = ['200ms', '500ms'] as const

export async function openStage(story: string, options: StageOptions = {}): Promise<Stage> {
  const {
    partitions = 6,
    sessionTimeoutMs = 6_000,
    workMs = 30,
    handlerTimeoutMs = 20_000,
    onExhausted = 'continue',
    topics = 1,
    windowRecords = defaultLimits.partitionWindow.records,
    brokers = inject('brokers'),
  } = options
  const scenario = await openScenario(brokers)
  const sources = Array.from({ length: topics }, () => stepsOn({ name: unique(story), partitions }))
  const names = sources.map(({ steps }) => steps.name)
  const subscriptions = sources.map(({ opened }) => on(opened, () => {}))
  const processor = consumer(unique(`${story}-group`), subscriptions, { retry: { tiers } })
  await scenario.prepare([processor])
  const journal = openJournal()
  const told = { topics: names, partitions, tiers, onExhausted, windowRecords, group: processor.name, journal: journal.path }
  const reach = { brokers, registryUrl: inject('registryUrl') }
  const fleet = openFleet({ ...told, ...reach, sessionTimeoutMs, workMs, handlerTimeoutMs }, journal)
  const rolls = dice(story)
  const publishers = sources.map(({ opened }) => scenario.client.publisher(opened))
  return {
    ...scenario,
    topic: names[0]!,
    topics: names,
    processor,
    journal,
    fleet,
    dice: rolls,
    publishing: (pace, topic = 0) => startPublishing(step => publishers[topic]!.publish(step), pace, rolls),
    async verdict(publishing, withinMs = patienceMs) {
      const all = { withinMs, what: 'every acknowledged message to end' }
      // What is missing is counted below: a verdict says more than a deadline that has passed.
      await until(() => fleet.died.length > 0 || journal.ended() >= publishing.acked.length, all).catch(() => {})
      const problem = fleet.died.length > 0 ? fleet.died.join('\n') : await scenario.drained(processor).then(() => '', String)
      const verdict = verdictOf(journal.lines(), publishing.acked)
      console.log(`${story}: ${JSON.stringify({ ...verdict, refused: publishing.refused.length })}`)
      if (problem !== '') throw new Error(problem)
      if (journal.torn() > verdict.kills) throw new Error(`${journal.torn()} lines of the journal are no JSON`)
      return verdict
    },
  }
}

export function entities(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name}-${i}`)
}
