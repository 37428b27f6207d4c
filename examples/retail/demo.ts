/**
 * `npm run demo [-- --keep --input FILE --partitions N --report FILE]`: real orders, published, handled by independent groups, retried
 * and dead-lettered, on a broker and a registry of its own. Nothing of it is left running.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalStack } from '../../src/dev/local.ts'
import { drained } from './demo/drain.ts'
import { hintsWhileKept, keepUp } from './demo/keep.ts'
import { DemoError, type DemoOptions, readInput, readOptions, writeReport } from './demo/options.ts'
import { Progress } from './demo/progress.ts'
import { publishOrders } from './demo/publish.ts'
import { reportOf } from './demo/report.ts'
import { startService } from './demo/service.ts'
import { tableOf } from './demo/table.ts'
import { Tally } from './demo/tally.ts'
import { startMailer } from './mailer.ts'

type Cleanup = (step: () => unknown) => void

async function demo(options: DemoOptions, cleanup: Cleanup, interrupted: AbortSignal): Promise<void> {
  const input = readInput(options.input)
  const progress = new Progress()
  cleanup(() => progress.close())
  await environment(options, progress, cleanup, interrupted)

  const tally = new Tally()
  const service = await startService(progress, tally, cleanup, interrupted)
  progress.say(`publishing ${input.orders.length} orders and cancellations, and one record of garbage`)
  const published = await publishOrders(input.orders)
  await Promise.race([drained(published, tally, progress, interrupted), service.failed])

  const report = reportOf(published, input.refused, tally)
  progress.close()
  console.log(tableOf(report, progress.seconds(tally.firstHandledAt), progress.seconds()))
  writeReport(options.report, report)
  if (options.keep) {
    console.log(hintsWhileKept(options))
    await Promise.race([keepUp(cleanup, interrupted), service.failed])
  }
}

/** Broker, registry, mail server and a place for results, made known the way a deployment would: by environment variables. */
async function environment(
  { partitions }: DemoOptions,
  progress: Progress,
  cleanup: Cleanup,
  interrupted: AbortSignal,
): Promise<void> {
  const results = mkdtempSync(join(tmpdir(), 'spillway-demo-'))
  cleanup(() => rmSync(results, { recursive: true, force: true }))
  const mailer = await startMailer()
  cleanup(() => mailer.close())
  progress.say('starting broker and schema registry')
  const stack = await startLocalStack({ env: process.env, onProgress: line => progress.say(line) })
  cleanup(() => stack.stop())
  interrupted.throwIfAborted()
  Object.assign(process.env, {
    KAFKA_BROKERS: stack.brokers.join(','),
    SCHEMA_REGISTRY_URL: stack.registryUrl,
    RETAIL_MAILER: mailer.url,
    RETAIL_DB: join(results, 'retail.db'),
    RETAIL_PARTITIONS: String(partitions),
  })
}

/** Runs the demo and cleans up after it, whatever becomes of it. Returns the exit code. */
async function main(): Promise<number> {
  const steps: (() => unknown)[] = []
  const interruption = new AbortController()
  let signals = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      // A second one is impatience: what the demo has started ends with it, by its leash.
      if (++signals > 1) process.exit(130)
      interruption.abort()
    })
  try {
    await demo(readOptions(process.argv.slice(2)), step => steps.push(step), interruption.signal)
    return 0
  } catch (error) {
    if (interruption.signal.aborted) return 130
    console.error(`demo: ${error instanceof Error ? error.message : error}`)
    return error instanceof DemoError ? error.exitCode : 1
  } finally {
    for (const step of steps.reverse())
      await Promise.resolve(step()).catch(error => console.error(`demo: while stopping: ${error}`))
  }
}

process.exit(await main())
