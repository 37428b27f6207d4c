/** kafkajs 2.2.4 with its defects mended, loaded once. Everything else in this folder gets kafkajs from here. */
import { createRequire } from 'node:module'
import type * as Public from 'kafkajs'
import { ConfigError } from '../../errors.ts'
import { codecNames, compressZstd, decompress } from './decompress.ts'
import type { ConsumerGroup, FetchedBatch, FetchedPartition, RawMessage } from './internals.ts'
import { PartitionBatch } from './patch-batch.ts'
import { withoutPatienceForRefusals } from './patch-connection-error.ts'
import { type Cluster, rememberCoordinators } from './patch-coordinator.ts'
import { type Connection, endUnanswered } from './patch-dead-connection.ts'
import { type Encoder, withoutCopies } from './patch-encoder.ts'
import { type FetchParts, type FetchProtocol, fetchProtocol } from './patch-fetch.ts'
import { fetchedDecoder } from './patch-fetched.ts'
import { byPartition } from './patch-grouping.ts'
import { forgetHalfAnswers, type Reading } from './patch-half-answer.ts'
import { type ProduceParts, produceRequest } from './patch-produce.ts'
import { type SaslAuthenticator, withShortSessions } from './patch-reauthentication.ts'
import { type RequestQueue, withoutIdleTimer } from './patch-request-queue.ts'
import { type BrokerPool, withoutSwallowingAnswers } from './patch-with-broker.ts'

const version = '2.2.4'

export interface Library {
  readonly Kafka: typeof Public.Kafka
  readonly logLevel: typeof Public.logLevel
  readonly ConsumerGroup: { readonly prototype: ConsumerGroup }
  readonly Batch: new (topic: string, fetchedOffset: string, partition: FetchedPartition) => FetchedBatch
  readonly AssignerProtocol: typeof Public.AssignerProtocol
  readonly fetchProtocol: FetchProtocol
  readonly KafkaJSNonRetriableError: typeof Public.KafkaJSNonRetriableError
  readonly KafkaJSProtocolError: typeof Public.KafkaJSProtocolError
  readonly KafkaJSSASLAuthenticationError: new (message: string) => Error
  /** Errors without a protocol code that the same call would meet again. */
  readonly refusals: readonly (new (
    ...given: never[]
  ) => Error)[]
}

export function library(): Library {
  loaded ??= load()
  return loaded
}

let loaded: Library | undefined

function load(): Library {
  const require = createRequire(import.meta.url)
  const installed = (require('kafkajs/package.json') as { version: string }).version
  if (installed !== version) {
    throw new ConfigError([
      `kafkajs ${installed} is installed. Spillway changes kafkajs from inside and works with exactly ${version}.`,
    ])
  }
  const decodeMessages = fetchedDecoder(entry => decodeOldEntry(require, entry))
  replaceModules(require, {
    'kafkajs/src/protocol/requests/produce/v3/request.js': produceRequest(produceParts(require)),
    'kafkajs/src/consumer/batch.js': PartitionBatch,
    'kafkajs/src/producer/groupMessagesPerPartition.js': byPartition,
    'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js': decodeMessages,
  })
  withoutPatienceForRefusals(require('kafkajs/src/errors.js') as { KafkaJSConnectionError: { prototype: object } })
  withoutSwallowingAnswers(require('kafkajs/src/cluster/brokerPool.js') as { prototype: BrokerPool })
  rememberCoordinators(require('kafkajs/src/cluster/index.js') as { prototype: Cluster })
  withShortSessions(require('kafkajs/src/broker/saslAuthenticator/index.js') as { prototype: SaslAuthenticator })
  withoutIdleTimer(require('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueue })
  withoutCopies(require('kafkajs/src/protocol/encoder.js') as { prototype: Encoder })
  endUnanswered(require('kafkajs/src/network/connection.js') as { prototype: Connection })
  forgetHalfAnswers(require('kafkajs/src/network/connection.js') as { prototype: Reading })
  const ConsumerGroup = require('kafkajs/src/consumer/consumerGroup.js') as Library['ConsumerGroup']
  for (const method of ['joinAndSync', 'fetch', 'leave'] as const) {
    if (typeof ConsumerGroup.prototype?.[method] !== 'function') {
      throw new ConfigError([`kafkajs ${installed} has no ConsumerGroup.${method}: this is not the kafkajs that Spillway knows.`])
    }
  }
  const Batch = require('kafkajs/src/consumer/batch.js') as Library['Batch']
  const kafkajs = require('kafkajs') as typeof Public
  boundCodecs(kafkajs)
  const { Kafka, logLevel, AssignerProtocol, KafkaJSNonRetriableError, KafkaJSProtocolError } = kafkajs
  const KafkaJSSASLAuthenticationError = kafkajs.KafkaJSSASLAuthenticationError as Library['KafkaJSSASLAuthenticationError']
  const refusals = [KafkaJSSASLAuthenticationError, kafkajs.KafkaJSServerDoesNotSupportApiKey, kafkajs.KafkaJSNotImplemented]
  return {
    Kafka,
    logLevel,
    ConsumerGroup,
    Batch,
    AssignerProtocol,
    fetchProtocol: fetchProtocol({ ...fetchParts(require), decodeMessages }),
    KafkaJSNonRetriableError,
    KafkaJSProtocolError,
    KafkaJSSASLAuthenticationError,
    refusals,
  }
}

function produceParts(require: NodeJS.Require): ProduceParts {
  const { lookupCodec } = require('kafkajs/src/protocol/message/compression/index.js') as {
    lookupCodec: (codec: number) => { compress: Compress }
  }
  return {
    Encoder: require('kafkajs/src/protocol/encoder.js') as ProduceParts['Encoder'],
    compress: (codec, buffer) => lookupCodec(codec).compress({ buffer }),
  }
}

function fetchParts(require: NodeJS.Require): Omit<FetchParts, 'decodeMessages'> {
  const { parse } = require('kafkajs/src/protocol/requests/fetch/v11/response.js') as Pick<FetchParts, 'parse'>
  return { Encoder: require('kafkajs/src/protocol/encoder.js') as FetchParts['Encoder'], parse }
}

/** For whatever decompresses by way of kafkajs: the old formats, and others who use it in this process. What compresses stays, where there is something. */
function boundCodecs({ CompressionCodecs }: typeof Public): void {
  const codecs = CompressionCodecs as Record<number, () => { compress?: Compress }>
  for (let codec = 1; codec < codecNames.length; codec++) {
    const before = codecs[codec]!
    codecs[codec] = () => ({
      compress: async encoder => (codec === zstd ? zstdBy(before, encoder) : before().compress!(encoder)),
      decompress: (bytes: Buffer) => decompress(codec, bytes),
    })
  }
}

type Compress = (encoder: { readonly buffer: Buffer }) => Promise<Buffer>
const zstd = codecNames.indexOf('zstd')

/** kafkajs has none of its own, and throws unless the program has given it one. */
function zstdBy(before: () => { compress?: Compress }, encoder: { readonly buffer: Buffer }): Promise<Buffer> {
  try {
    return before().compress!(encoder)
  } catch {
    return compressZstd(encoder.buffer)
  }
}

function decodeOldEntry(require: NodeJS.Require, entry: Buffer): Promise<RawMessage[]> {
  const Decoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object
  const decode = require('kafkajs/src/protocol/messageSet/decoder.js') as (from: object, size: number) => Promise<RawMessage[]>
  return decode(new Decoder(entry), entry.length)
}

/** Puts our functions where kafkajs looks for its modules. */
function replaceModules(require: NodeJS.Require, modules: Record<string, unknown>): void {
  const paths = new Map(Object.entries(modules).map(([name, exported]) => [require.resolve(name), exported]))
  forgetDependents(require, new Set(paths.keys()))
  for (const [path, exported] of paths) {
    // The parts of a module that the loader reads of a cached one.
    require.cache[path] = {
      id: path,
      filename: path,
      path,
      loaded: true,
      exports: exported,
      children: [],
      paths: [],
    } as unknown as NodeJS.Module
  }
}

// When the program has loaded kafkajs before us, modules that hold the original functions must be loaded anew.
function forgetDependents(require: NodeJS.Require, stale: Set<string>): void {
  for (let before = -1; before !== stale.size; ) {
    before = stale.size
    for (const [path, module] of Object.entries(require.cache)) {
      if (/[\\/]kafkajs[\\/]/.test(path) && module?.children?.some(child => stale.has(child.filename))) stale.add(path)
    }
  }
  for (const path of stale) delete require.cache[path]
}
