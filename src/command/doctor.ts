/** `spillway doctor` */
import { Command } from 'commander'
import type { Connection, Service } from '../config.ts'
import { codeOf, messageOf } from '../errors.ts'
import { type CommandContext, exitWith, inContext, type Output, outputOf } from './context.ts'
import { exitCode } from './exit-code.ts'
import { reachBroker } from './reach.ts'
import { subjectsOf } from './schema-register.ts'
import { lineOf, planTopics } from './topic.ts'

export interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly detail: string
  /** What to do about it. */
  readonly fix?: string
  /** Nobody answers there, or not now. */
  readonly unreachable?: true
}

/** What package.json asks for: older ones do not run TypeScript as it is. */
const oldestNode = [22, 18] as const

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Check Node, configuration, broker, registry, topics and schemas, and say how to mend what is wrong')
    .addHelpText(
      'after',
      '\nExit 0 when all is well, 3 when broker or registry cannot be reached, 5 when something else is wrong, a broker that refuses this client included.',
    )
    .action((_flags: object, command: Command) =>
      inContext(
        command,
        async context => {
          const findings = await examine(context)
          report(findings, outputOf(command))
          const wrong = findings.filter(({ ok }) => !ok).map(({ check }) => check)
          if (wrong.includes('connection')) exitWith(command, exitCode.usage)
          else if (findings.some(({ unreachable }) => unreachable)) exitWith(command, exitCode.unreachable)
          else if (wrong.length > 0) exitWith(command, exitCode.problemFound)
        },
        { reach: false },
      ),
    )
}

async function examine(context: CommandContext): Promise<Finding[]> {
  const service = await attempt(context.service)
  const connection = await attempt(async () => context.connection)
  const own = [nodeFinding(process.versions.node), configFinding(context, service)]
  if (!connection.ok)
    return [
      ...own,
      {
        check: 'connection',
        ok: false,
        detail: said(connection.error),
        fix: 'correct these variables, or start a broker on this machine: spillway dev',
      },
    ]

  const [brokers, registry] = await Promise.all([attempt(() => askBroker(context)), attempt(() => context.registry.ping())])
  return [
    ...own,
    reachFinding('broker', brokers, ({ brokers }) => brokers.join(','), context),
    reachFinding('registry', registry, ({ registryUrl }) => registryUrl, context),
    ...(service.ok && brokers.ok ? await topicFindings(context, service.value) : []),
    ...(service.ok && registry.ok ? await schemaFindings(context, service.value) : []),
  ]
}

async function askBroker({ connection, broker }: CommandContext): Promise<void> {
  await reachBroker(connection.brokers)
  const admin = broker.admin()
  await admin.brokerCount().finally(() => admin.close())
}

function reachFinding(
  check: 'broker' | 'registry',
  tried: Tried<unknown>,
  address: (connection: Connection) => string,
  { connection }: CommandContext,
): Finding {
  if (tried.ok) return { check, ok: true, detail: address(connection) }
  const names = check === 'broker' ? 'KAFKA_BROKERS, KAFKA_SSL* and KAFKA_SASL_*' : 'SCHEMA_REGISTRY_*'
  const refused = codeOf(tried.error) === 'E_BROKER_REFUSED'
  return {
    check,
    ok: false,
    detail: said(tried.error),
    fix: refused
      ? `it answers, but not to this configuration: check ${names}`
      : `is it running? check ${names}; for one on this machine: spillway dev`,
    ...(!refused && { unreachable: true }),
  }
}

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const ok = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
  const fix = `install Node ${oldestNode.join('.')} or newer`
  return { check: 'node', ok, detail: version, ...(!ok && { fix }) }
}

function configFinding({ hasService }: CommandContext, service: Tried<Service>): Finding {
  if (service.ok) {
    const { name, messages, processors } = service.value
    return {
      check: 'config',
      ok: true,
      detail: `${name}: ${messages.length} messages, ${processors.length} consumers and workers`,
    }
  }
  const fix = hasService ? 'correct that file' : 'go to the folder of your service, or use --config FILE'
  return { check: 'config', ok: false, detail: said(service.error), fix }
}

async function topicFindings({ broker }: CommandContext, service: Service): Promise<Finding[]> {
  const plan = await attempt(() => planTopics(broker, service))
  if (!plan.ok) return [{ check: 'topics', ok: false, detail: said(plan.error), fix: 'may this user describe topics?' }]
  const wrong = plan.value.filter(({ kind }) => kind !== 'fine')
  if (wrong.length === 0) return [{ check: 'topics', ok: true, detail: `${plan.value.length} as wanted` }]
  const missing = wrong.filter(({ kind }) => kind === 'create').length
  const differ = wrong.filter(({ kind }) => kind !== 'create').map(change => lineOf(change).trim())
  const detail = [...(missing > 0 ? [`${missing} of ${plan.value.length} are missing`] : []), ...differ].join('; ')
  return [{ check: 'topics', ok: false, detail, fix: 'spillway topic plan, then spillway topic apply' }]
}

async function schemaFindings({ registry }: CommandContext, service: Service): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { subject, schema } of subjectsOf(service)) {
    const id = await attempt(() => registry.idOf(subject, schema))
    const fix = 'spillway schema register'
    findings.push(
      id.ok
        ? { check: 'schema', ok: true, detail: `${subject}, id ${id.value}` }
        : { check: 'schema', ok: false, detail: `${subject}: ${said(id.error)}`, fix },
    )
  }
  return findings
}

function report(findings: readonly Finding[], output: Output): void {
  if (output.json) {
    output.list('DoctorReport', findings)
    return
  }
  const width = Math.max(...findings.map(({ check }) => check.length))
  for (const { check, ok, detail, fix } of findings) {
    output.line(`${ok ? '✓' : '✗'} ${check.padEnd(width)}  ${detail.replaceAll('\n', '\n'.padEnd(width + 5))}`)
    if (fix !== undefined) output.line(`${' '.repeat(width + 4)}fix: ${fix}`)
  }
}

type Tried<T> = { ok: true; value: T } | { ok: false; error: unknown }

async function attempt<T>(work: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return { ok: false, error }
  }
}

function said(error: unknown): string {
  const code = codeOf(error)
  const message = messageOf(error)
  return code === undefined ? message : `${message} (${code})`
}
