/** `spillway dev` */
import { Command } from 'commander'
import { environment, findConfig, loadService, readConnection, type Service } from '../config.ts'
import { AlreadyRunning, UsageError } from '../errors.ts'
import { stopOnSignals } from '../process/shutdown.ts'
import { exitWith, type GlobalOptions, type Output, openAt, outputOf } from './context.ts'
import { errorText } from './print-error.ts'
import { registerService } from './schema-register.ts'
import { applyTopics, planTopics } from './topic.ts'

const folder = '.spillway'
const stopTimeoutMs = 30_000

export function devCommand(): Command {
  return new Command('dev')
    .description('Start a broker and a schema registry on this machine, until Ctrl-C')
    .addHelpText(
      'after',
      `
Redpanda where Docker runs, else Apache Kafka and Apicurio Registry on Java 17 or newer with Maven.
Creates the topics and registers the schemas of the service when there is one. Data stays in ${folder}/data.
While it runs, every other spillway command in this folder finds it by itself.`,
    )
    .action(async (_flags: object, command: Command) => exitWith(command, await dev(command)))
}

async function dev(command: Command): Promise<number> {
  const output = outputOf(command)
  const { config } = command.optsWithGlobals<GlobalOptions>()
  refuseGiven()
  // A broken configuration is said before anything is started.
  const service = config !== undefined || findConfig() ? await loadService(config) : undefined
  const [{ startLocalStack }, { readLocalFile, removeLocalFile, writeLocalFile }] = await Promise.all([
    import('../dev/local.ts'),
    import('../dev/local-file.ts'),
  ])
  const other = readLocalFile(process.cwd())
  if (other)
    throw new AlreadyRunning(`process ${other.pid} keeps a local broker up in this folder already (${other.brokers.join(', ')})`)
  const stack = await startLocalStack({ env: environment(), dataDir: `${folder}/data`, onProgress: output.note })
  const stop = async (): Promise<void> => {
    removeLocalFile(process.cwd())
    await stack.stop()
  }
  try {
    writeLocalFile(process.cwd(), { brokers: stack.brokers, registryUrl: stack.registryUrl, pid: process.pid })
    if (service) await prepare(command, service, stack)
    tellWhere(stack, service, output)
  } catch (error) {
    await stop()
    throw error
  }
  return stopOnSignals({
    stop,
    timeoutMs: stopTimeoutMs,
    onStopping: () => output.note('stopping'),
    onFailed: error => output.note(errorText(error, false)),
  })
}

function refuseGiven(): void {
  const { KAFKA_BROKERS, KAFKA_BOOTSTRAP_SERVERS, SCHEMA_REGISTRY_URL } = environment()
  if (KAFKA_BROKERS || KAFKA_BOOTSTRAP_SERVERS || SCHEMA_REGISTRY_URL)
    throw new UsageError(
      'KAFKA_BROKERS or SCHEMA_REGISTRY_URL is set, so there is nothing to start: unset both to get a broker on this machine',
    )
}

interface Addresses {
  readonly brokers: readonly string[]
  readonly registryUrl: string
}

/** Whoever has an incompatible schema needs the stack to find out why: it stays. */
async function prepare(command: Command, service: Service, stack: Addresses): Promise<void> {
  const output = outputOf(command)
  const context = await openAt(command, () => readConnection({}, stack))
  try {
    await applyTopics(context.broker, await planTopics(context.broker, service), output.note)
    const done = await registerService(context.registry, service)
    output.note(`schemas of ${service.name}: ${done.map(({ subject, outcome }) => `${subject} ${outcome}`).join(', ') || 'none'}`)
  } catch (error) {
    output.note(errorText(error, false))
  } finally {
    await context.close()
  }
}

function tellWhere({ brokers, registryUrl }: Addresses, service: Service | undefined, output: Output): void {
  output.line(`KAFKA_BROKERS=${brokers.join(',')}`)
  output.line(`SCHEMA_REGISTRY_URL=${registryUrl}`)
  const first = service?.messages[0]?.type.split('.').at(-1)
  output.note('')
  output.note('Ctrl-C ends both. In another terminal, in this folder:')
  if (!service) output.note('  npx spillway doctor      what is there, and what is missing')
  else {
    output.note('  npx spillway run         run the consumers and workers')
    if (first) output.note(`  npx spillway publish ${first} < messages.jsonl`)
    output.note('  npx spillway status      how far each group is')
    output.note('  npx spillway dlq list    dead letters')
  }
}
