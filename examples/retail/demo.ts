/**
 * `npm run demo [-- --keep --input FILE --partitions N --report FILE]`: real orders, published, handled by independent groups, retried
 * and dead-lettered, on a broker and a registry of its own. Nothing of it is left running.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalStack } from '../../src/dev/local.ts'
import { drained } from './demo/drain.ts'
import { interruption, rejectionOf } from './demo/interruption.ts'
import { keepUp } from './demo/keep.ts'
import { DemoError, type DemoOptions, readInput, readOptions, writeReport } from './demo/options.ts'
import { Progress } from './demo/progress.ts'
import { publishOrders } from './demo/publish.ts'
import { reportOf } from './demo/report.ts'
import { type RunningService, startService } from './demo/service.ts'
import { tableOf } from './demo/table.ts'
import { Tally } from './demo/tally.ts'
import { startMailer } from './mailer.ts'

type Cleanup = (step: () => unknown) => void

/** Runs the demo and cleans up after it, whatever becomes of it. Returns the exit code. */
async function main(): Promise<number> {
  const steps: (() => unknown)[] = []
  const cleanup: Cleanup = step => steps.push(step)
  const interrupted = interruption()
  try {
    const options = readOptions(process.argv.slice(2))
    const service = await Promise.race([demo(options, cleanup), rejectionOf(interrupted)])
    if (options.keep) await Promise.race([keepUp(options, cleanup, interrupted), service.failed])
    return 0
  } catch (error) {
    if (interrupted.aborted) return 130
    console.error(`demo: ${error instanceof Error ? error.message : error}`)
    return error instanceof DemoError ? error.exitCode : 1
  } finally {
    for (const step of steps.reverse()) await Promise.try(step).catch(error => console.error(`demo: while stopping: ${error}`))
  }
}

async function demo(options: DemoOptions, cleanup: Cleanup): Promise<RunningService> {
  const input = readInput(options.input)
  const progress = new Progress()
  cleanup(() => progress.close())
  await environment(options, progress, cleanup)

  const tally = new Tally()
  const service = await startService(progress, tally, cleanup)
  progress.say(`publishing ${input.orders.length} orders and cancellations, and one record of garbage`)
  const published = await Promise.race([publishOrders(input.orders), service.failed])
  await Promise.race([drained(published, tally, progress), service.failed])

  const report = reportOf(published, input.refused, tally)
  progress.close()
  console.log(tableOf(report, progress.seconds(tally.firstHandledAt), progress.seconds()))
  writeReport(options.report, report)
  return service
}

/** Broker, registry, mail server and a place for results, made known the way a deployment would: by environment variables. */
async function environment({ partitions }: DemoOptions, progress: Progress, cleanup: Cleanup): Promise<void> {
  const results = mkdtempSync(join(tmpdir(), 'spillway-demo-'))
  cleanup(() => rmSync(results, { recursive: true, force: true }))
  const mailer = await startMailer()
  cleanup(() => mailer.close())
  progress.say('starting broker and schema registry')
  const stack = await startLocalStack({ env: process.env, onProgress: line => progress.say(line) })
  cleanup(() => stack.stop())
  Object.assign(process.env, {
    KAFKA_BROKERS: stack.brokers.join(','),
    SCHEMA_REGISTRY_URL: stack.registryUrl,
    RETAIL_MAILER: mailer.url,
    RETAIL_DB: join(results, 'retail.db'),
    RETAIL_PARTITIONS: String(partitions),
  })
}

process.exit(await main())
