import { type Envelope, type Origin, readEnvelope, readId } from '../message/envelope.ts'
import { headerText } from '../message/headers.ts'
import type { Delivery } from './admission.ts'
import type { Context, ContextChanges, Logger, Outbound } from './handler.ts'

export interface ContextOptions {
  readonly processor: { readonly name: string }
  readonly logger: Logger
  /** Default false. */
  readonly isReplay?: boolean
  /** What a handler sends on behalf of the message it handles. */
  readonly outbound: (cause: Envelope) => Outbound
}

/** What a handler gets beside the payload. What costs something is made when it is first used: a child logger alone is dearer than a whole attempt. */
export class HandlerContext implements Context {
  readonly type: string
  readonly attempt: number
  readonly redriveCount: number
  readonly origin: Origin
  readonly #delivery: Delivery
  readonly #options: ContextOptions
  #id: string | undefined
  #read: Envelope | undefined
  #log: Logger | undefined
  #abort: AbortController | undefined
  #aborted: { readonly reason: unknown } | undefined

  /** `envelope`: in place of the one that is read from the record. */
  constructor(delivery: Delivery, type: string, options: ContextOptions, envelope?: Envelope) {
    this.#delivery = delivery
    this.type = type
    this.#options = options
    this.#read = envelope
    this.attempt = delivery.attempt
    this.redriveCount = delivery.trail?.redriveCount ?? 0
    this.origin = delivery.origin
  }

  get id(): string {
    this.#id ??= this.#read?.id ?? readId(this.#delivery.record, this.origin)
    return this.#id
  }

  get source(): string {
    return this.#envelope.source
  }

  get time(): Date {
    return this.#envelope.time
  }

  get correlationId(): string {
    return this.#envelope.correlationId ?? this.id
  }

  get causationId(): string | undefined {
    return this.#envelope.causationId
  }

  get traceparent(): string | undefined {
    return this.#envelope.traceparent
  }

  /** Read when first asked: most handlers want little of it, and texts and dates are what costs. */
  get #envelope(): Envelope {
    this.#read ??= readEnvelope(this.#delivery.record.headers, this.origin, this.type)
    return this.#read
  }

  get group(): string {
    return this.#options.processor.name
  }

  get isReplay(): boolean {
    return this.#options.isReplay === true
  }

  get sequence(): string | undefined {
    return headerText(this.#delivery.record.headers, 'ce_sequence')
  }

  /** Names the message, never what is in it. */
  get log(): Logger {
    const { id, type, attempt } = this
    const { topic, partition, offset } = this.origin
    this.#log ??= this.#options.logger.child({ id, type, topic, partition, offset: String(offset), attempt })
    return this.#log
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController()
      if (this.#aborted) this.#abort.abort(this.#aborted.reason)
    }
    return this.#abort.signal
  }

  /** For the one who runs the attempt. */
  cancel(reason: unknown): void {
    this.#aborted = { reason }
    this.#abort?.abort(reason)
  }

  /** Whether nothing may start for this attempt any more. */
  get isOver(): boolean {
    return this.#aborted !== undefined
  }

  /** The same message, as it is seen from further inside. */
  with({ signal, traceparent }: ContextChanges): HandlerContext {
    const envelope = traceparent === undefined ? this.#read : { ...this.#envelope, traceparent }
    return new InnerContext(this.#delivery, this.type, this.#options, { outer: this, added: signal, envelope })
  }

  // Functions of their own, not methods: handlers take them out of the context.
  get publish(): Outbound['publish'] {
    return (definition, payload) => this.#options.outbound(this.#envelope).publish(definition, payload)
  }

  get schedule(): Outbound['schedule'] {
    return (definition, payload, options) => this.#options.outbound(this.#envelope).schedule(definition, payload, options)
  }
}

interface Inner {
  readonly outer: HandlerContext
  readonly added: AbortSignal | undefined
  readonly envelope: Envelope | undefined
}

/** Ends with the one around it. A class of its own, so that attempts without such a middleware carry nothing for it. */
class InnerContext extends HandlerContext {
  readonly #outer: HandlerContext
  readonly #added: AbortSignal | undefined
  #both: AbortSignal | undefined

  constructor(delivery: Delivery, type: string, options: ContextOptions, { outer, added, envelope }: Inner) {
    super(delivery, type, options, envelope)
    this.#outer = outer
    this.#added = added
  }

  override get log(): Logger {
    return this.#outer.log
  }

  override get signal(): AbortSignal {
    this.#both ??= this.#added ? AbortSignal.any([this.#outer.signal, this.#added]) : this.#outer.signal
    return this.#both
  }

  override get isOver(): boolean {
    return this.#outer.isOver || this.#added?.aborted === true
  }
}
