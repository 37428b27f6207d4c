/** `spillway dlq redrive`: the plan, and with --execute the run. */
import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import type { Broker } from '../broker/port.ts'
import type { Processor } from '../consume/processor.ts'
import type { Selection } from '../dlq/selection.ts'
import { type DlqSource, namesOf } from '../dlq/source.ts'
import { RedriveTargetUnfit, UsageError } from '../errors.ts'
import { planRedrive, type RedrivePlan } from '../redrive/plan.ts'
import { type RedriveResult, runRedrive } from '../redrive/run.ts'
import { foreignFamilies } from '../topic/foreign-trail.ts'
import { diffTopics, movedTopicWanted } from '../topic/plan.ts'
import { type CommandContext, exitWith, type Output, outputOf } from './context.ts'
import { lettersText as letters, whoami } from './dlq-words.ts'
import { exitCode } from './exit-code.ts'
import { nearest } from './nearest.ts'
import { printable } from './printable.ts'
import { progressTo } from './progress.ts'
import type { RedriveAsked, RedriveFlags } from './redrive-flags.ts'
import { judgeFor } from './redrive-judge.ts'
import { planLines } from './redrive-text.ts'
import { stoppable } from './stoppable.ts'
import { applyTopics } from './topic.ts'

/** What is to be moved, and how. */
interface Job extends RedriveAsked {
  readonly source: DlqSource
  readonly selection: Selection
  /** The command that moves what is left once `done` letters are moved. */
  readonly again: (done?: number) => string
}

/**
 * Throws UsageError (E_USAGE) for a group that the service does not have, RedriveTargetUnfit (E_REDRIVE_TARGET) when no letter says
 * where it came from, and what planRedrive and runRedrive throw.
 */
export async function redriveLetters(
  context: CommandContext,
  asked: RedriveAsked,
  choice: { readonly selection: Selection; readonly text: (done?: number) => string },
  command: Command,
  flags: RedriveFlags,
): Promise<void> {
  const output = outputOf(command)
  const { broker } = context
  const source = { reader: broker.reader(), admin: broker.admin(), group: asked.group, foreign: asked.foreign }
  const again = (done?: number) => `spillway dlq redrive ${asked.text}${choice.text(done)} --execute`
  const job: Job = { ...asked, source, selection: choice.selection, again }
  const plan = await planned(context, job)
  const lines = planLines(plan, asked.target, namesOf(source).moved)
  if (!flags.execute) {
    if (output.json) output.list('RedrivePlan', [plan])
    else for (const line of lines) output.line(line)
    if (plan.letters > 0) output.note(`\nNothing has been moved. To move them: ${again()}`)
    return
  }
  for (const line of lines) output.note(line)
  if (plan.lacks !== null && plan.letters > 0) await createMovedTopic(broker, plan.lacks, output)
  const result = plan.letters === 0 ? nothing(plan) : await moved(broker, job, command, flags.reason)
  if (result) printResult(job, result, command, output)
}

async function planned(context: CommandContext, job: Job): Promise<RedrivePlan> {
  const { source, handledBy, selection, target, maxRedrives } = job
  const judge =
    handledBy === undefined ? undefined : judgeFor(processorOf(handledBy, (await context.service()).processors), context.registry)
  const progress = progressTo(process.stderr, `reading ${source.group}`)
  const options = { selection, target, ...(maxRedrives !== undefined && { maxRedrives }), onProgress: progress.show }
  const plan = await planRedrive(source, judge, options).finally(() => progress.end())
  const unknown = plan.stays.find(({ because }) => because === 'unknown-headers')
  if (plan.letters > 0 || !unknown) return plan
  throw new RedriveTargetUnfit(
    `cannot redrive '${source.group}': nothing says where its ${letters(unknown.letters)} came from. Their headers are not those of ` +
      `${foreignFamilies.join(', ')}. Say where to with --to TOPIC; or, if Spillway has written them, name the group instead of --from`,
  )
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

async function createMovedTopic(broker: Broker, topic: string, output: Output): Promise<void> {
  const admin = broker.admin()
  const changes = diffTopics([movedTopicWanted(topic)], [], await admin.brokerCount()).filter(({ kind }) => kind === 'create')
  await admin.close()
  await applyTopics(broker, changes, text => output.note(`${text}: ${changes.map(change => change.topic).join(', ')}`))
}

/** Nobody who is at it is to be ended for nothing. */
function nothing({ stays }: RedrivePlan): RedriveResult {
  const stayed = stays.reduce((sum, one) => sum + one.letters, 0)
  return { runId: '', moved: 0, stayed, tooLarge: 0, interrupted: false }
}

/** undefined when the run was given up: a second signal came, or the batch did not end in time. */
async function moved(broker: Broker, job: Job, command: Command, reason: string): Promise<RedriveResult | undefined> {
  const { source, selection, target, rate, maxRedrives, again } = job
  const progress = progressTo(process.stderr, `moving ${source.group}`)
  let done = 0
  const onProgress = (count: number, total: number): void => {
    done = count
    progress.show(done, total)
  }
  const options = {
    runId: randomUUID(),
    who: whoami(),
    reason,
    selection,
    target,
    ...(rate !== undefined && { rate }),
    ...(maxRedrives !== undefined && { maxRedrives }),
    onProgress,
  }
  const producer = broker.transactionalProducer(namesOf(source).transactionalId)
  const soFar = (): string =>
    `${letters(done)} moved before this, and perhaps those of the transaction begun. For the rest, run again: ${again(done)}`
  try {
    return await stoppable(command, {
      run: signal => runRedrive(source, producer, { ...options, signal }),
      stopping: 'finishing the batch',
      givenUp: () => `given up: ${soFar()}`,
    })
  } catch (error) {
    outputOf(command).note(soFar())
    throw error
  } finally {
    progress.end()
  }
}

function printResult({ group, target, again }: Job, result: RedriveResult, command: Command, output: Output): void {
  if (output.json) output.list('RedriveResult', [{ group, ...result }])
  else output.line(`${group}: ${letters(result.moved)} moved${result.runId && `, run ${result.runId}`}`)
  if (result.tooLarge > 0)
    output.note(
      `${letters(result.tooLarge)} left: larger than ${target.to === 'source' ? 'their topic takes' : 'the topic takes'} (max.message.bytes)`,
    )
  if (!result.interrupted) return
  output.note(`Interrupted. For the rest, run again: ${again(result.moved)}`)
  exitWith(command, exitCode.interrupted)
}
