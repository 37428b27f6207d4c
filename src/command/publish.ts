/** `spillway publish EVENT` */
import { Command } from 'commander'
import { codeOf, messageOf, PayloadInvalid, UsageError } from '../errors.ts'
import type { EventDefinition, JobDefinition, MessageDefinition } from '../message/definition.ts'
import { type Duration, durationMs } from '../message/duration.ts'
import type { Receipt } from '../message/receipt.ts'
import type { Client } from '../produce/client.ts'
import { chooseMessage } from './choose.ts'
import { type CommandContext, exitWith, inContext, type Output, outputOf } from './context.ts'
import { exitCode } from './exit-code.ts'
import { type InputLine, linesOf } from './lines.ts'

/** How many lines may be under way: enough for full batches, small beside the memory of a process. */
const mostUnderWay = 2_000
/** What is wrong with the line itself; all else would be wrong with the next line too. */
const rejections = new Set(['E_PAYLOAD', 'E_KEY_MISSING', 'E_RECORD_TOO_LARGE'])

export function publishCommand(): Command {
  return new Command('publish')
    .description('Publish messages from JSON lines on stdin')
    .argument('<message>', 'an event or job of the service, by the full or simple name of its schema')
    .option('--delay <duration>', 'jobs only: not before this time has passed, such as 30s or 15m')
    .addHelpText(
      'after',
      `
Each accepted line gives a JSON line on stdout: {"line":1,"id":"...","topic":"...","partition":0,"offset":"12"}
A rejected line is reported on stderr with its number, and the others are published all the same; then the exit code is 1.

  spillway publish SendReceipt --delay 15m < receipts.jsonl`,
    )
    .action((name: string, flags: { delay?: string }, command: Command) =>
      inContext(command, async context => {
        const rejected = await publishLines(context, name, flags.delay, outputOf(command))
        if (rejected > 0) exitWith(command, exitCode.failed)
      }),
    )
}

/** Resolves with the number of rejected lines. Rejects, once all that was sent is settled, with what stands in the way of every line. */
async function publishLines(context: CommandContext, name: string, delay: string | undefined, output: Output): Promise<number> {
  const service = await context.service()
  const definition = chooseMessage(service, name)
  const [{ createClient }, { fromJson }] = await Promise.all([import('../produce/client.ts'), import('../schema/json.ts')])
  if (delay !== undefined) checkDelay(definition, delay)
  if (process.stdin.isTTY) output.note(`reading ${definition.type} as JSON lines, end with Ctrl-D`)
  const client = createClient({ producer: context.broker.producer(), registry: context.registry, source: service.name })
  const send = sender(client, definition, delay as Duration | undefined)
  const tally = new Tally(output)
  try {
    for await (const line of linesOf(process.stdin)) {
      if (line.text.trim() === '') continue
      await tally.add(line, async () => send(fromJson(definition.schema, parsed(line.text))))
      if (tally.stopped) break
    }
    await tally.finish()
  } finally {
    await client.close()
  }
  output.note(`published ${tally.published}, rejected ${tally.rejected}`)
  if (tally.stopped) {
    output.note(`failed ${tally.stopped.lines}, from line ${tally.stopped.line} on; the lines after are unread`)
    throw tally.stopped.error
  }
  return tally.rejected
}

function checkDelay(definition: MessageDefinition, delay: string): void {
  if (definition.kind !== 'job') throw new UsageError(`${definition.type} is an event: only jobs can be delayed`)
  durationMs(delay)
}

function sender(
  client: Client,
  definition: MessageDefinition,
  delay: Duration | undefined,
): (payload: unknown) => Promise<Receipt> {
  if (definition.kind === 'event') {
    const publisher = client.publisher(definition as EventDefinition)
    return payload => publisher.publish(payload)
  }
  const scheduler = client.scheduler(definition as JobDefinition)
  return payload => scheduler.schedule(payload, delay === undefined ? {} : { delay })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new PayloadInvalid(`no JSON: ${(error as Error).message}`, '', { cause: error })
  }
}

/** Keeps what is under way in the order of the lines, and prints it so. */
class Tally {
  published = 0
  rejected = 0
  /** Set by what would stop every line; `lines` failed of it, `line` first. They may have been written all the same. */
  stopped: { error: unknown; line: number; lines: number } | undefined
  readonly #output: Output
  readonly #underWay: Promise<() => void>[] = []

  constructor(output: Output) {
    this.#output = output
  }

  async add(line: InputLine, send: () => Promise<Receipt>): Promise<void> {
    const sent = send().then(
      receipt => () => this.#accept(line, receipt),
      error => () => this.#refuse(line, error),
    )
    this.#underWay.push(sent)
    if (this.#underWay.length >= mostUnderWay) await this.#next()
  }

  async finish(): Promise<void> {
    while (this.#underWay.length > 0) await this.#next()
  }

  async #next(): Promise<void> {
    const print = await this.#underWay.shift()
    print?.()
  }

  #accept({ number }: InputLine, { id, topic, partition, offset }: Receipt): void {
    this.published++
    this.#output.line(JSON.stringify({ line: number, id, topic, partition, offset: String(offset) }))
  }

  #refuse({ number }: InputLine, error: unknown): void {
    if (!rejections.has(codeOf(error) ?? '')) {
      this.stopped ??= { error, line: number, lines: 0 }
      this.stopped.lines++
      return
    }
    this.rejected++
    this.#output.note(`line ${number}: ${messageOf(error)}`)
  }
}
