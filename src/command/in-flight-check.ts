/** `spillway schema check --in-flight` */
import type { Command } from 'commander'
import type { Broker } from '../broker/port.ts'
import type { Processor } from '../consume/processor.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { type CommandContext, exitWith, type Output, outputOf } from './context.ts'
import { exitCode } from './exit-code.ts'
import { type InFlightAsked, type InFlightFlags, readInFlight as readFlags } from './in-flight-flags.ts'
import { type InFlightPlan, offsetsIn, planInFlight } from './in-flight-plan.ts'
import { type InFlightResult, readInFlight } from './in-flight-read.ts'
import { inFlightInJson, inFlightLines } from './in-flight-words.ts'
import { progressTo } from './progress.ts'

/** Exit code 5 when a record would fail; else 124 when the time limit ended it. Rejects with RegistryUnavailable. */
export async function checkInFlight(context: CommandContext, flags: InFlightFlags, command: Command): Promise<void> {
  const asked = readFlags(flags)
  const output = outputOf(command)
  const { processors } = await context.service()
  const results = await inFlight(context.broker, context.registry, processors, asked, output)
  if (output.json) output.list('InFlightCheckList', results.map(inFlightInJson))
  else for (const result of results) for (const line of inFlightLines(result)) output.line(line)
  const failed = results.reduce((sum, one) => sum + one.failed, 0)
  const cutShort = results.some(one => one.cutShort)
  if (cutShort) output.note(`stopped after ${flags.for}: not all that waits was read`)
  if (failed > 0) output.note(`${failed} ${failed === 1 ? 'record' : 'records'} in flight would fail with this build`)
  if (failed > 0) exitWith(command, exitCode.problemFound)
  else if (cutShort) exitWith(command, exitCode.timeLimit)
}

/** Joins no group and commits nothing. */
export async function inFlight(
  broker: Pick<Broker, 'admin' | 'reader'>,
  registry: Pick<SchemaRegistry, 'schemaById'>,
  processors: readonly Processor[],
  asked: InFlightAsked,
  output: Pick<Output, 'note'>,
): Promise<InFlightResult[]> {
  const admin = broker.admin()
  const reader = broker.reader()
  const progress = progressTo(process.stderr, 'read')
  try {
    const endsAt = performance.now() + (asked.forMs ?? Number.POSITIVE_INFINITY)
    const existing = new Set(await admin.topicNames())
    const plans: InFlightPlan[] = []
    for (const processor of processors) plans.push(await planInFlight(admin, reader, existing, processor))
    const total = plans.reduce((sum, plan) => sum + toRead(plan, asked), 0)
    let [done, shown] = [0, 0]
    const results: InFlightResult[] = []
    for (const [i, plan] of plans.entries()) {
      for (const topic of plan.missing) output.note(`note: there is no topic ${topic} yet: run spillway topic apply`)
      const result = await readInFlight(plan, processors[i]!, {
        reader,
        registry,
        sample: asked.sample,
        show: asked.show - shown,
        isOver: () => performance.now() >= endsAt,
        onRecord: () => progress.show(++done, Math.max(done, total)),
      })
      shown += result.failing.length
      results.push(result)
    }
    return results
  } finally {
    progress.end()
    await reader.close()
    await admin.close()
  }
}

/** Offsets: markers of transactions are among them. */
function toRead({ waiting }: InFlightPlan, { sample }: InFlightAsked): number {
  return waiting.reduce((sum, { ranges }) => sum + Math.min(Number(offsetsIn(ranges)), sample ?? Number.POSITIVE_INFINITY), 0)
}
