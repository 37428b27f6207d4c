/** `spillway topic plan` and `spillway topic apply` */
import { createInterface } from 'node:readline/promises'
import { Command, InvalidArgumentError } from 'commander'
import type { Admin, Broker } from '../broker/port.ts'
import type { Service } from '../config.ts'
import { GuardRefused } from '../errors.ts'
import { type DiffOptions, diffTopics, type TopicChange, topicsOf } from '../topic/plan.ts'
import { type CommandContext, exitWith, inContext, type Output, outputOf } from './context.ts'
import { exitCode } from './exit-code.ts'

interface PlanFlags extends DiffOptions {
  readonly detailedExitcode?: boolean
}

interface ApplyFlags extends DiffOptions {
  readonly yes?: boolean
}

export function topicCommand(): Command {
  return new Command('topic')
    .description('Topics: what the service needs, and creating it')
    .addCommand(planCommand())
    .addCommand(applyCommand())
}

function planCommand(): Command {
  return withDiffOptions(new Command('plan'))
    .description('Print what apply would do')
    .option('--detailed-exitcode', 'exit 2 when something would change')
    .action((flags: PlanFlags, command: Command) =>
      inContext(command, async context => {
        const changes = await planTopics(context.broker, await context.service(), flags)
        const output = outputOf(command)
        print(output, changes)
        if (flags.detailedExitcode && changes.some(pending)) exitWith(command, exitCode.changesPending)
      }),
    )
}

function applyCommand(): Command {
  return withDiffOptions(new Command('apply'))
    .description('Create the topics that are missing, and set what differs; takes nothing away')
    .option('--yes', 'do not ask')
    .action((flags: ApplyFlags, command: Command) => inContext(command, context => apply(context, flags, outputOf(command))))
}

function withDiffOptions(command: Command): Command {
  return command
    .option('--replication-factor <n>', 'of new topics (default: 3, or the number of brokers when there are fewer)', positive)
    .option('--min-insync-replicas <n>', 'default: 2 where there are 3 replicas', positive)
    .option('--allow-partition-increase', 'grow source topics too: it moves entities to other partitions and breaks their order')
}

function positive(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of 1 or more.')
  return Number(text)
}

async function apply({ broker, service }: CommandContext, flags: ApplyFlags, output: Output): Promise<void> {
  const changes = await planTopics(broker, await service(), flags)
  print(output, changes)
  if (changes.some(({ kind }) => kind === 'create' || kind === 'grow' || kind === 'alter')) {
    await confirm(flags, output)
    await applyTopics(broker, changes, output.note)
  }
  const refused = changes.filter(({ kind }) => kind === 'refused').length
  if (refused > 0) throw new GuardRefused(`${refused} of the changes above were not made: see the lines with !`)
}

async function confirm({ yes }: ApplyFlags, output: Output): Promise<void> {
  if (yes) return
  if (output.json || !process.stdin.isTTY || !process.stdout.isTTY)
    throw new GuardRefused('nothing was changed: add --yes to make these changes')
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question('Make these changes? [y/N] ').finally(() => terminal.close())
  if (!/^y(es)?$/i.test(answer.trim())) throw new GuardRefused('nothing was changed')
}

/** What has to be done to the cluster for this service, in order. */
export async function planTopics(broker: Broker, service: Service, options: DiffOptions = {}): Promise<TopicChange[]> {
  const admin = broker.admin()
  try {
    const wanted = topicsOf(service)
    const brokers = await admin.brokerCount()
    const existing = await admin.topics(wanted.map(({ name }) => name))
    return diffTopics(wanted, existing, brokers, { maxBatchBytes: await admin.maxBatchBytes(), ...options })
  } finally {
    await admin.close()
  }
}

/** Does it, in the order of the plan; what is refused or a problem is left. */
export async function applyTopics(broker: Broker, changes: readonly TopicChange[], note: (text: string) => void): Promise<void> {
  const admin = broker.admin()
  try {
    const created = changes.filter(change => change.kind === 'create')
    await admin.createTopics(created.map(({ topic, ...spec }) => ({ name: topic, ...spec })))
    if (created.length > 0) note(`created ${count(created.length, 'topic')}`)
    for (const change of changes) await applyOne(admin, change, note)
  } finally {
    await admin.close()
  }
}

async function applyOne(admin: Admin, change: TopicChange, note: (text: string) => void): Promise<void> {
  if (change.kind === 'grow') {
    await admin.addPartitions(change.topic, change.to)
    note(`grew ${change.topic} to ${change.to} partitions`)
  }
  if (change.kind === 'alter') {
    await admin.alterConfig(change.topic, Object.fromEntries(change.settings.map(({ name, to }) => [name, to])))
    note(`changed ${count(change.settings.length, 'setting')} of ${change.topic}`)
  }
}

export function pending({ kind }: TopicChange): boolean {
  return kind !== 'fine' && kind !== 'problem'
}

function print(output: Output, changes: readonly TopicChange[]): void {
  if (output.json) {
    output.list('TopicPlan', changes)
    return
  }
  for (const change of changes) if (change.kind !== 'fine') output.line(lineOf(change))
  const of = (...kinds: TopicChange['kind'][]) => changes.filter(({ kind }) => kinds.includes(kind)).length
  output.line(
    `${count(of('create'), 'topic')} to create, ${of('grow', 'alter')} to alter, ${of('refused')} refused, ${of('problem')} with a problem, ${of('fine')} as wanted`,
  )
}

export function lineOf(change: TopicChange): string {
  switch (change.kind) {
    case 'create': {
      const config = Object.entries(change.config).map(([name, value]) => `${name}=${value}`)
      return `+ create ${change.topic}: ${[count(change.partitions, 'partition'), `replication factor ${change.replicationFactor}`, ...config].join(', ')}`
    }
    case 'grow':
      return `~ alter ${change.topic}: partitions ${change.from} -> ${change.to}`
    case 'alter':
      return `~ alter ${change.topic}: ${change.settings.map(({ name, from, to }) => `${name} ${from ?? '(default)'} -> ${to}`).join(', ')}`
    case 'fine':
      return `  ${change.topic}`
    default:
      return `! ${change.topic}: ${change.reason}`
  }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
