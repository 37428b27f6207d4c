/** A replay beside the group: what would be read, and with --execute the run. */
import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { secretsIn } from '../config.ts'
import type { Processor } from '../consume/processor.ts'
import { messageOf } from '../errors.ts'
import { reachRegistry } from '../process/registry-reach.ts'
import { surviveStrayRejections } from '../process/shutdown.ts'
import { type Estimate, estimate } from '../replay/estimate.ts'
import { planReplay, type ReplayPlan } from '../replay/plan.ts'
import { parseRange } from '../replay/request.ts'
import type { ReplayProgress } from '../replay/run.ts'
import { sideGroupName } from '../replay/side-group.ts'
import { type CommandContext, exitWith, type Output, outputOf } from './context.ts'
import { exitCode } from './exit-code.ts'
import { type KeptReplayResult, keptReplay } from './kept-replay.ts'
import { type Progress, progressTo } from './progress.ts'
import type { Asked } from './replay-flags.ts'
import {
  count,
  estimateLines,
  executeText,
  leastSeconds,
  partitionsText,
  resultLines,
  resumeText,
  timeText,
} from './replay-words.ts'
import { stoppable } from './stoppable.ts'

/** Rejects with what planReplay and runReplay reject with, and with GuardRefused (E_GUARD) for a file that is there already. */
export async function replayAside(context: CommandContext, processor: Processor, asked: Asked, command: Command): Promise<void> {
  const nowMs = Date.now()
  const admin = context.broker.admin()
  const plan = await planReplay(admin, processor, asked.request, nowMs).finally(() => admin.close())
  if (!asked.flags.execute) {
    await printPlan(context, processor, plan, asked, nowMs, outputOf(command))
    return
  }
  await reachRegistry(context.registry)
  await executed(context, processor, plan, asked, command)
}

async function printPlan(
  { broker }: CommandContext,
  processor: Processor,
  plan: ReplayPlan,
  { flags, request, ratePerSecond }: Asked,
  nowMs: number,
  output: Output,
): Promise<void> {
  const reader = broker.reader()
  const estimated = await estimate(reader, plan).finally(() => reader.close())
  const speed = { ratePerSecond, concurrency: processor.concurrency }
  if (output.json) output.list('ReplayPlan', [jsonPlan(plan, estimated, leastSeconds(estimated, speed))])
  else {
    const rows = plan.partitions.map(({ topic, partition, position, to }) => ({
      topic,
      partition,
      from: position,
      to,
      offsets: to > position ? to - position : 0n,
    }))
    if (rows.length > 0) output.table(rows)
    for (const line of estimateLines(plan, estimated, speed)) output.line(line)
  }
  const { group, resumes } = plan
  const text = resumes === undefined ? executeText(group, flags, parseRange(request, nowMs)) : resumeText(group, resumes, flags)
  if (estimated.offsets > 0n) output.note(`\nNothing has been replayed. To do it: ${text}`)
}

function jsonPlan(
  plan: ReplayPlan,
  { sampledOffsets, sampledRecords, ...estimated }: Estimate,
  seconds: number | undefined,
): object {
  const { group, resumes, partitions } = plan
  return {
    group,
    id: resumes ?? null,
    partitions,
    ...estimated,
    readPerSecond: estimated.readPerSecond ?? null,
    sample: { offsets: sampledOffsets, records: sampledRecords },
    leastSeconds: seconds === undefined ? null : Math.ceil(seconds),
  }
}

async function executed(
  context: CommandContext,
  processor: Processor,
  plan: ReplayPlan,
  asked: Asked,
  command: Command,
): Promise<void> {
  const output = outputOf(command)
  const id = plan.resumes ?? randomUUID().slice(0, 8)
  const goOn = resumeText(plan.group, id, asked.flags)
  const offsets = plan.partitions.reduce((sum, { position, to }) => sum + (to > position ? to - position : 0n), 0n)
  output.note(`replay ${id} of ${plan.group}: ${count(offsets)} offsets in ${partitionsText(plan.partitions)}`)
  output.note(`if it is interrupted, go on with it: ${goOn}`)
  const result = await run(context, processor, plan, { asked, command, id, goOn })
  if (!result) return
  if (result.file !== undefined) exitWith(command, exitCode.failed)
  printResult(result, output)
  if (!result.interrupted) return
  output.note(`Interrupted. To go on with it: ${goOn}`)
  exitWith(command, exitCode.interrupted)
}

interface Run {
  readonly asked: Asked
  readonly command: Command
  readonly id: string
  readonly goOn: string
}

/** undefined when it was given up: a second signal came, or what runs did not end in time. */
async function run(
  context: CommandContext,
  processor: Processor,
  plan: ReplayPlan,
  { asked: { flags, ratePerSecond }, command, id, goOn }: Run,
): Promise<KeptReplayResult | undefined> {
  const { broker, registry, connection, signals } = context
  const progress = progressTo(process.stderr, `replaying ${plan.group}`)
  const [{ createLogger, logSignals }, { name }] = await Promise.all([import('../observe/log.ts'), context.service()])
  // Data alone goes to stdout; and the line of the progress is not written into.
  const destination = { write: (text: string) => progress.end() ?? process.stderr.write(text) }
  const logger = createLogger({ level: connection.logLevel, format: connection.logFormat, secrets: secretsIn(), destination })
  logSignals(signals, logger)
  const endSurvival = surviveStrayRejections(reason =>
    logger.error({ error: reason }, 'a promise was rejected and nobody awaits it'),
  )
  const { effects = 'suppress' } = flags
  const rate = ratePerSecond !== undefined && { ratePerSecond }
  const options = { id, name, processor, broker, registry, signals, logger, effects, ...rate, onProgress: showing(progress) }
  try {
    return await stoppable(command, {
      run: signal => keptReplay(plan, flags.file, { ...options, signal }),
      stopping: 'finishing what runs',
      givenUp: () => `given up: what ran and was not committed runs again. To go on with it: ${goOn}`,
    })
  } finally {
    endSurvival()
    progress.end()
  }
}

function showing(progress: Progress): (now: ReplayProgress) => void {
  const startedAtMs = performance.now()
  return ({ done, total, retried, failed }) => {
    const leftSeconds = done === 0 ? undefined : ((performance.now() - startedAtMs) / 1_000 / done) * (total - done)
    const words = [
      ...(leftSeconds === undefined ? [] : [`${timeText(leftSeconds)} left`]),
      ...(retried > 0 ? [`${count(retried)} retries`] : []),
      ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ]
    progress.show(done, total, words.map(word => `, ${word}`).join(''))
  }
}

function printResult(result: KeptReplayResult, output: Output): void {
  const { leftBehind } = result
  const problem = leftBehind === undefined ? null : messageOf(leftBehind)
  if (output.json) output.list('ReplayResult', [{ ...result, leftBehind: problem, file: result.file ?? null }])
  else for (const line of resultLines(result)) output.line(line)
  if (problem !== null)
    output.note(
      `the group ${sideGroupName(result.group, result.id)} could not be deleted, and goes when its offsets expire: ${problem}`,
    )
}
