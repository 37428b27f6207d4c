/** One attempt of one message under the engine's own deadline, without a loop around it. */
import { type Context, consumer, type Logger, type Middleware, on, type ProcessorOptions } from 'spillway'
import type { Attempted } from '../../src/consume/admission.ts'
import { createAttempt } from '../../src/consume/attempt.ts'
import { Running } from '../../src/consume/running.ts'
import type { Envelope } from '../../src/message/envelope.ts'
import { textHeader } from '../../src/message/headers.ts'
import type { Receipt } from '../../src/message/receipt.ts'
import { type SignalMap, Signals } from '../../src/observe/signals.ts'
import { recordOf, thing } from '../consume/loop-fixture.ts'

export const secret = 'the payload'

export interface OneAttemptOptions extends Pick<ProcessorOptions, 'handlerTimeout'> {
  readonly middleware?: readonly Middleware[]
  readonly handler?: (payload: { id: string }, ctx: Context) => unknown
  readonly traceparent?: string
}

export interface OneAttempt {
  /** The third attempt of message `id-1`, which lies at `it-src/0/7` with key `the key`. */
  run(): Promise<Attempted>
  /** Its handlers, to be cancelled as when the assignment is lost. */
  readonly running: Running
  /** What was published and scheduled: the message that it says it is caused by. */
  readonly sent: Envelope[]
  readonly timedOut: SignalMap['handler.timedOut'][]
  readonly late: SignalMap['handler.late'][]
}

export function oneAttempt({
  middleware = [],
  handler = () => {},
  handlerTimeout = '30s',
  traceparent,
}: OneAttemptOptions): OneAttempt {
  const [running, signals] = [new Running(), new Signals()]
  const [sent, timedOut, late]: [Envelope[], OneAttempt['timedOut'], OneAttempt['late']] = [[], [], []]
  signals.on('handler.timedOut', signal => timedOut.push(signal))
  signals.on('handler.late', signal => late.push(signal))
  const receipt: Receipt = { id: 'sent', topic: 'it-src', partition: 0, offset: 8n }
  const send = async (cause: Envelope): Promise<Receipt> => {
    sent.push(cause)
    return receipt
  }
  const attempt = createAttempt({
    processor: consumer('it-group', [on(thing, handler)], { middleware, handlerTimeout }),
    decoder: {
      decode: () => ({ kind: 'message', schemaId: 1, type: 'it.Thing', payload: { id: secret } }),
      preparing: () => undefined,
      decodeAny: () => Promise.reject(new Error('not asked')),
    },
    outbound: cause => ({ publish: () => send(cause), schedule: () => send(cause) }),
    logger: silent,
    signals,
  })
  const headers = [textHeader('ce_id', 'id-1'), textHeader('ce_correlationid', 'chain-1')]
  if (traceparent !== undefined) headers.push(textHeader('traceparent', traceparent))
  const record = { ...recordOf('it-src', 7, 'the key'), headers }
  const origin = { topic: 'it-src', partition: 0, offset: 7n, timestampMs: 1 }
  return { run: () => attempt({ record, origin, attempt: 3 }, { calls: running, isOver: false }), running, sent, timedOut, late }
}

/** The code of what the attempt threw, or that it returned. */
export async function outcomeOf(attempted: Promise<Attempted>): Promise<unknown> {
  const one = await attempted
  return one.kind === 'threw' ? ((one.error as { code?: string }).code ?? one.error) : one.kind
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => ({ ...silent }) }
