/**
 * Whether a broker can be spoken to as we are configured: TLS or not, SASL or not, and by which mechanism. A wrong port or a missing
 * setting looks like an outage to kafkajs, which then tries for most of a minute and says "connection closed".
 */
import type * as net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { tlsRefusal } from './tls-refusal.ts'

export interface ProbeOptions {
  /** As the socket factory opens them: calls back when the connection, its TLS handshake included, stands. */
  readonly open: (host: string, port: number, onConnect: () => void) => net.Socket
  readonly tls: boolean
  /** As SaslHandshake names it; undefined without SASL. */
  readonly mechanism: string | undefined
  readonly timeoutMs: number
}

/** `silent`: there is nobody, or one that is too slow; kafkajs may try. */
export type Verdict = 'fine' | 'silent' | { readonly refused: string }

const pausesMs = [200, 600]

/** A connection that is closed without a word may be a broker that just ends, so it is tried again before it counts. */
export async function probe(address: string, options: ProbeOptions): Promise<Verdict> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '')
  for (let attempt = 0; ; attempt++) {
    const found = await converse(host, Number(address.slice(colon + 1)), options)
    if (found.kind !== 'closed') return found.verdict
    const pauseMs = pausesMs[attempt]
    if (pauseMs === undefined) return { refused: closedReason(found.after, options) }
    await pause(pauseMs)
  }
}

type Stage = 'connecting' | 'connected' | 'greeted'
type Found = { readonly kind: 'settled'; readonly verdict: Verdict } | { readonly kind: 'closed'; readonly after: Stage }

function closedReason(after: Stage, { tls }: ProbeOptions): string {
  if (after === 'greeted') return 'it closes the connection where a login is due: set KAFKA_SASL_MECHANISM and what goes with it'
  if (!tls)
    return 'it closes the connection at the first request: does it speak TLS on this port? Then set KAFKA_SSL=true, or KAFKA_SSL_CA_PATH'
  if (after === 'connecting')
    return 'it closes the connection during the TLS handshake: it may not speak TLS on this port; see KAFKA_BROKERS and KAFKA_SSL'
  return 'it closes the connection after the TLS handshake: it may want another client certificate (KAFKA_SSL_CERT, KAFKA_SSL_KEY)'
}

const apiVersions = 18
const saslHandshake = 17
const metadata = 3

function converse(host: string, port: number, { open, tls, mechanism, timeoutMs }: ProbeOptions): Promise<Found> {
  return new Promise(resolve => {
    let stage: Stage = 'connecting'
    let reached = false
    let received: Buffer = Buffer.alloc(0)
    const socket = open(host, port, () => {
      stage = 'connected'
      socket.write(requestOf(apiVersions, 0))
    })
    const settle = (found: Found): void => {
      clearTimeout(timer)
      resolve(found)
      socket.destroy()
    }
    const verdict = (given: Verdict): void => settle({ kind: 'settled', verdict: given })
    const timer = setTimeout(verdict, timeoutMs, 'silent')
    socket.once('connect', () => {
      reached = true
    })
    socket.on('error', error => {
      const refused = tlsRefusal((error as { code?: string }).code)
      if (refused !== undefined) verdict({ refused })
      else if (!reached) verdict('silent')
      else settle({ kind: 'closed', after: stage })
    })
    socket.once('close', () => settle({ kind: 'closed', after: stage }))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      if (!tls && isTlsAlert(received))
        return verdict({ refused: 'it speaks TLS on this port: set KAFKA_SSL=true, or KAFKA_SSL_CA_PATH' })
      const answer = answerIn(received)
      if (answer === undefined) return
      if (stage === 'greeted') return verdict(mechanism === undefined ? 'fine' : handshakeVerdict(answer, mechanism))
      stage = 'greeted'
      received = Buffer.alloc(0)
      // What every client asks next. Without a login, a broker that wants one closes the connection.
      socket.write(mechanism === undefined ? requestOf(metadata, 4, noTopics) : requestOf(saslHandshake, 1, textOf(mechanism)))
    })
  })
}

/** An empty list of topics, none of them to be created. */
const noTopics = Buffer.from([0, 0, 0, 0, 0])

function requestOf(api: number, version: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const content = Buffer.concat([Buffer.from([0, api, 0, version, 0, 0, 0, 1]), textOf('spillway'), body])
  const size = Buffer.alloc(4)
  size.writeInt32BE(content.length)
  return Buffer.concat([size, content])
}

function textOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)])
}

/** What follows the correlation id; undefined until all of it is there. */
function answerIn(received: Buffer): Buffer | undefined {
  return received.length >= 4 && received.length >= 4 + received.readInt32BE(0) ? received.subarray(8) : undefined
}

/** As an answer, it would be one of 350 MB. */
function isTlsAlert(received: Buffer): boolean {
  return received[0] === 0x15 && received[1] === 0x03
}

function handshakeVerdict(answer: Buffer, mechanism: string): Verdict {
  const error = answer.readInt16BE(0)
  if (error === 34)
    return { refused: 'it knows no SASL on this port: take KAFKA_SASL_* away, or see KAFKA_BROKERS (ILLEGAL_SASL_STATE)' }
  if (error !== 33) return 'fine'
  const offered = textsIn(answer.subarray(2)).join(', ').toLowerCase()
  return { refused: `it does not take ${mechanism}, but ${offered}: see KAFKA_SASL_MECHANISM (UNSUPPORTED_SASL_MECHANISM)` }
}

function textsIn(list: Buffer): string[] {
  const found: string[] = []
  for (let at = 4; at + 2 <= list.length; ) {
    const end = at + 2 + list.readInt16BE(at)
    found.push(list.toString('utf8', at + 2, end))
    at = end
  }
  return found
}
