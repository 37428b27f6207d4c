/** `spillway run [names...]` */
import { Command } from 'commander'
import { type Connection, type HttpAddress, httpFlag, type Service, secretsIn } from '../config.ts'
import type { Processor } from '../consume/processor.ts'
import type { createLogger } from '../observe/log.ts'
import type { Signals } from '../observe/signals.ts'
import type { Health } from '../process/health.ts'
import { stopOnSignals, surviveStrayRejections } from '../process/shutdown.ts'
import type { SchemaRegistry } from '../schema/registry.ts'
import { chooseProcessors } from './choose.ts'
import { type CommandContext, exitWith, openContext } from './context.ts'
import { exitCode, exitCodeOf } from './exit-code.ts'

type ProcessLogger = ReturnType<typeof createLogger>

interface RunFlags {
  readonly http?: string
}

/** What is to be run, and where it tells how it is. */
interface Plan {
  readonly service: Service
  readonly processors: readonly Processor[]
  readonly version: string
  readonly http: HttpAddress | undefined
}

export function runCommand(): Command {
  return new Command('run')
    .description('Run consumers and workers until SIGTERM or Ctrl-C; all of the service when none is named')
    .argument('[names...]', 'consumers and workers')
    .option('--http <[host:]port>', 'tell health and metrics there (default: HTTP_PORT; without either, nowhere)')
    .addHelpText(
      'after',
      `
Logs to stdout: JSON lines, or for a person on a terminal (LOG_FORMAT=json|pretty, LOG_LEVEL=debug shows every message).
The first SIGTERM or Ctrl-C drains: nothing new starts, what runs is finished, committed, and the groups are left.
Exit 0 when that was done within SHUTDOWN_TIMEOUT_MS (25000), 70 when not, 130 at once at a second signal.
With HTTP_PORT or --http: /livez, /readyz, /status and /metrics, on 127.0.0.1 unless a host is given.`,
    )
    .action(async (names: string[], flags: RunFlags, command: Command) => {
      const context = await openContext(command)
      const code = await planned(context, names, flags, command)
        .then(plan => run(context, plan))
        .catch(async error => {
          await context.close()
          throw error
        })
      // At the deadline something hangs, and closing would wait for it.
      if (code === exitCode.ok) await context.close()
      exitWith(command, code)
    })
}

async function planned(context: CommandContext, names: readonly string[], flags: RunFlags, command: Command): Promise<Plan> {
  const service = await context.service()
  const processors = chooseProcessors(service, names)
  const { http } = context.connection
  return {
    service,
    processors,
    version: command.parent?.version() ?? '',
    http: flags.http === undefined ? http : httpFlag(flags.http, http?.host),
  }
}

async function run(context: CommandContext, plan: Plan): Promise<number> {
  const logger = await loggerOf(context)
  const { signals } = context
  // First of all and closed last: a port in use is said before anything is joined, and a drain can be watched.
  const health = plan.http && (await openHealth(plan, plan.http, signals, logger))
  try {
    return await runWatched(context, plan, { logger, signals, health })
  } finally {
    await health?.close()
  }
}

// Loaded here, so that other commands do not wait for it; so are the imports below.
async function loggerOf({ connection }: CommandContext): Promise<ProcessLogger> {
  const { createLogger } = await import('../observe/log.ts')
  return createLogger({ level: connection.logLevel, format: connection.logFormat, secrets: secretsIn() })
}

async function openHealth(plan: Plan, address: HttpAddress, signals: Signals, logger: ProcessLogger): Promise<Health> {
  const { startHealth } = await import('../process/health.ts')
  const { service, processors, version } = plan
  const health = await startHealth({ address, service: service.name, version, processors, signals })
  logger.info(health.address, 'health and metrics')
  return health
}

interface Watch {
  readonly logger: ProcessLogger
  readonly signals: Signals
  readonly health: Health | undefined
}

async function runWatched(context: CommandContext, plan: Plan, { logger, signals, health }: Watch): Promise<number> {
  const { service, processors } = plan
  const { connection, broker, registry } = context
  const [{ startProcess }, { logSignals }] = await Promise.all([import('../process/process.ts'), import('../observe/log.ts')])
  const joined = joinedGroups(signals)
  logSignals(signals, logger)
  surviveStrayRejections(reason => logger.error({ error: reason }, 'a promise was rejected and nobody awaits it'))

  const start = new AbortController()
  await reach(registry, { logger, health }, start.signal)
  const starting = startProcess({ name: service.name, processors, broker, registry, signals, logger, signal: start.signal })
  logger.info({ service: service.name, processors: processors.map(({ name }) => name) }, 'starting')
  const failure: { error?: unknown } = {}
  const failed = starting.then(
    async running => {
      health?.follow(running)
      failure.error = await running.failed
      return exitCodeOf(failure.error)
    },
    error => {
      if (!start.signal.aborted) failure.error = error
      return exitCodeOf(error)
    },
  )
  const code = await stopOnSignals({
    ...reports(logger, connection, joined),
    stop: async () => {
      health?.draining()
      start.abort(new Error('stopped before every group was joined'))
      await (await starting.catch(() => undefined))?.stop()
    },
    until: failed,
    timeoutMs: connection.shutdownTimeoutMs,
  })
  start.abort()
  if (failure.error !== undefined) throw failure.error
  if (code === exitCode.ok) logger.info({}, 'stopped')
  return code
}

/** A registry that does not answer only makes partitions wait, and only those that need more than there is on disk. */
async function reach(
  registry: SchemaRegistry,
  { logger, health }: Pick<Watch, 'logger' | 'health'>,
  stopped: AbortSignal,
): Promise<void> {
  const [{ reachRegistry, untilReached }, { systemClock }] = await Promise.all([
    import('../process/registry-reach.ts'),
    import('../consume/clock.ts'),
  ])
  const reached = await reachRegistry(registry)
  if (reached === 'answers') return health?.registryReached()
  logger.warn({ error: reached.error, kept: reached.kept }, 'the registry does not answer: starting with the schemas on disk')
  health?.registryReached('kept')
  untilReached(registry, systemClock, stopped).then(
    () => {
      logger.info({}, 'the registry answers')
      health?.registryReached()
    },
    () => {}, // Stopped before.
  )
}

function reports(logger: ProcessLogger, { shutdownTimeoutMs }: Connection, joined: () => object[]) {
  return {
    onStopping: (signal: string) => logger.info({ signal, timeoutMs: shutdownTimeoutMs }, 'stopping'),
    onSecond: (signal: string) =>
      logger.warn({ signal, groups: joined() }, 'stopped at once: what was running runs again elsewhere'),
    onDeadline: () =>
      logger.error(
        { timeoutMs: shutdownTimeoutMs, groups: joined() },
        'not stopped within the deadline: what was running runs again elsewhere',
      ),
    onFailed: (error: unknown) => logger.error({ error }, 'stopping failed'),
  }
}

/** What has not been left yet, for the line that says why a stop took too long. */
function joinedGroups(signals: Signals): () => { group: string; running: number }[] {
  const running = new Map<string, number>()
  signals.on('consumer.joined', ({ group }) => running.set(group, 0))
  signals.on('consumer.revoking', signal => running.set(signal.group, signal.running))
  signals.on('consumer.drained', ({ group, unfinished }) => running.set(group, unfinished))
  signals.on('consumer.stopped', ({ group }) => running.delete(group))
  return () => [...running].map(([group, count]) => ({ group, running: count }))
}
