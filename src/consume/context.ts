import type { Envelope } from '../message/envelope.ts'
import { headerText } from '../message/headers.ts'
import type { Delivery } from './admission.ts'
import type { Context, Logger, Outbound } from './handler.ts'

/** What a handler gets beside the payload. The logger names the message, never what is in it. */
export function createContext(options: {
  delivery: Delivery
  envelope: Envelope
  signal: AbortSignal
  logger: Logger
  outbound: Outbound
}): Context {
  const { delivery, envelope, outbound, signal } = options
  const { origin, attempt, trail } = delivery
  const sequence = headerText(delivery.record.headers, 'ce_sequence')
  const log = options.logger.child({
    id: envelope.id,
    type: envelope.type,
    topic: origin.topic,
    partition: origin.partition,
    offset: String(origin.offset),
    attempt,
  })
  return {
    ...envelope,
    correlationId: envelope.correlationId ?? envelope.id,
    ...(sequence !== undefined && { sequence }),
    attempt,
    redriveCount: trail?.redriveCount ?? 0,
    origin,
    log,
    signal,
    publish: outbound.publish,
    schedule: outbound.schedule,
  }
}
