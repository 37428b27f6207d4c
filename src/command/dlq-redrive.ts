/** `spillway dlq redrive`: the plan, and with --execute the run. */
import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import type { Processor } from '../consume/processor.ts'
import type { DlqSource } from '../dlq/read.ts'
import type { Selection } from '../dlq/selection.ts'
import { codeOf, UsageError } from '../errors.ts'
import { type Judge, planRedrive, type RedrivePlan } from '../redrive/plan.ts'
import { type RedriveResult, runRedrive } from '../redrive/run.ts'
import { createDecoder } from '../schema/decoder.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { type CommandContext, exitWith, type Output, outputOf } from './context.ts'
import { lettersText as letters, whoami } from './dlq-words.ts'
import { exitCode } from './exit-code.ts'
import { nearest } from './nearest.ts'
import { printable } from './printable.ts'
import { progressTo } from './progress.ts'
import { stoppable } from './stoppable.ts'

/** What is to be moved. */
interface Choice {
  readonly selection: Selection
  /** As it stands on a command line, once `done` letters are moved. */
  readonly text: (done?: number) => string
}

/** Throws UsageError (E_USAGE) for a group that the service does not have, and what planRedrive and runRedrive throw. */
export async function redriveLetters(
  context: CommandContext,
  source: DlqSource,
  choice: Choice,
  command: Command,
  flags: { readonly execute?: true; readonly reason: string },
): Promise<void> {
  const output = outputOf(command)
  const processor = processorOf(source.group, (await context.service()).processors)
  const plan = await planned(source, choice.selection, judgeFor(processor, context.registry))
  if (!flags.execute) {
    printPlan(plan, choice, output)
    return
  }
  for (const line of planLines(plan)) output.note(line)
  const result = await moved(context, source, choice, command, flags.reason)
  if (result) printResult(source.group, choice, result, command, output)
}

function processorOf(group: string, processors: readonly Processor[]): Processor {
  const processor = processors.find(({ name }) => name === group)
  if (processor) return processor
  const names = processors.map(({ name }) => name)
  const meant = nearest(group, names)
  throw new UsageError(
    `the service has no consumer or worker '${printable(group)}'${meant ? `: did you mean '${meant}'?` : `: it has ${names.join(', ') || 'none'}`}`,
  )
}

function judgeFor({ subscriptions }: Processor, registry: SchemaRegistry): Judge {
  const decoder = createDecoder(registry, [...new Set(subscriptions.map(({ definition }) => definition.schema))])
  return {
    async decode({ record }) {
      if (record.value === null) return { problem: 'the record has no value' }
      try {
        return { type: (await decoder.decode(record.value)).type }
      } catch (error) {
        const code = codeOf(error)
        if (code !== 'E_UNDECODABLE' && code !== 'E_UNKNOWN_SCHEMA_ID') throw error
        return { problem: (error as Error).message }
      }
    },
    handles: (topic, type) => subscriptions.some(({ definition }) => definition.topic.name === topic && definition.type === type),
  }
}

async function planned(source: DlqSource, selection: Selection, judge: Judge): Promise<RedrivePlan> {
  const progress = progressTo(process.stderr, `reading ${source.group}`)
  try {
    return await planRedrive(source, judge, { selection, onProgress: progress.show })
  } finally {
    progress.end()
  }
}

function printPlan(plan: RedrivePlan, { text }: Choice, output: Output): void {
  if (output.json) output.list('RedrivePlan', [plan])
  else for (const line of planLines(plan)) output.line(line)
  if (plan.letters > 0)
    output.note(`\nNothing has been moved. To move them: spillway dlq redrive ${plan.group}${text()} --execute`)
}

function planLines(plan: RedrivePlan): string[] {
  const before = plan.redrivenBefore.filter(({ times }) => times > 0)
  return [
    plan.letters === 0 ? `${plan.group}: no letters to redrive` : `${plan.group}: ${letters(plan.letters)} to ${plan.target}`,
    ...plan.kinds.map(({ type, handled, letters: count }) => {
      const fate = type === '' ? 'cannot be decoded now' : handled ? 'decodes, has a handler' : 'decodes, has no handler'
      return `  ${letters(count)}  ${[printable(type), fate].filter(Boolean).join('  ')}`
    }),
    ...plan.problems.map(({ problem, letters: count }) => `  ${letters(count)}  ${printable(problem)}`),
    ...before.map(
      ({ times, letters: count }) => `  ${letters(count)}  redriven ${times === 1 ? 'once' : `${times} times`} before`,
    ),
    ...plan.stays.map(
      ({ because, letters: count }) =>
        `  ${letters(count)} left where ${count === 1 ? 'it is' : 'they are'}: ${stayWords[because]}`,
    ),
    ...(plan.unreadableMoves > 0
      ? [
          `  ${plan.unreadableMoves} records of ${plan.group}.dlq.moved cannot be understood: what they moved would be moved again`,
        ]
      : []),
  ]
}

const stayWords = {
  'no-trail': 'no failure trail, so nobody knows where they came from',
  oversize: 'too large for the DLQ, or a batch that cannot be read: what they are about lies only at the source',
} as const

/** undefined when the run was given up: a second signal came, or the batch did not end in time. */
async function moved(
  { broker }: CommandContext,
  source: DlqSource,
  { selection, text }: Choice,
  command: Command,
  reason: string,
): Promise<RedriveResult | undefined> {
  const progress = progressTo(process.stderr, `moving ${source.group}`)
  let done = 0
  const onProgress = (count: number, total: number): void => {
    done = count
    progress.show(done, total)
  }
  const options = { runId: randomUUID(), who: whoami(), reason, selection, onProgress }
  try {
    return await stoppable(command, {
      run: signal => runRedrive(source, broker.producer(), { ...options, signal }),
      stopping: 'finishing the batch',
      givenUp: () =>
        `given up: ${letters(done)} moved and recorded, and up to a batch more copied. ${again(source.group, text(done))}`,
    })
  } catch (error) {
    outputOf(command).note(`${letters(done)} moved and recorded before this. ${again(source.group, text(done))}`)
    throw error
  } finally {
    progress.end()
  }
}

function again(group: string, text: string): string {
  return `For the rest, run again: spillway dlq redrive ${group}${text} --execute`
}

function printResult(group: string, { text }: Choice, result: RedriveResult, command: Command, output: Output): void {
  if (output.json) output.list('RedriveResult', [{ group, ...result }])
  else output.line(`${group}: ${letters(result.moved)} moved, run ${result.runId}`)
  if (!result.interrupted) return
  output.note(`Interrupted. ${again(group, text(result.moved))}`)
  exitWith(command, exitCode.interrupted)
}
