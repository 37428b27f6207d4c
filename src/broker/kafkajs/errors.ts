import { BrokerRefused, BrokerUnavailable, codeOf, Fenced, RecordTooLarge, type SpillwayError } from '../../errors.ts'
import { library } from './library.ts'
import { isTlsRefusal, tlsRefusal } from './tls-refusal.ts'

/** What went wrong, in our terms. `doing` completes "Could not ..." and names the topic or group. */
export function brokerFailure(doing: string, brokers: readonly string[], error: unknown): SpillwayError {
  if (codeOf(error)?.startsWith('E_')) return error as SpillwayError
  const type = protocolType(error)
  const reason = type === undefined ? plainReason(error) : protocolReason(type, error)
  const message = `Could not ${doing} (brokers ${brokers.join(', ')}): ${reason}`
  if (type !== undefined && sizes.has(type)) return new RecordTooLarge(message, { cause: error })
  if (type !== undefined && fences.has(type)) return new Fenced(message, { cause: error })
  const refused = type === undefined ? chain(error).some(isRefusal) : refusals.has(type)
  return refused ? new BrokerRefused(message, { cause: error }) : new BrokerUnavailable(message, { cause: error })
}

/** Kafka's name of the error, such as MESSAGE_TOO_LARGE, however deep kafkajs has wrapped it. */
export function protocolType(error: unknown): string | undefined {
  for (const one of chain(error)) {
    const type = (one as { type?: unknown }).type
    if (typeof type === 'string' && type !== 'UNKNOWN') return type
  }
  return undefined
}

/** The group has moved on without this member, or is about to. */
export function meansLostAssignment(error: unknown): boolean {
  const type = protocolType(error)
  return (
    type === 'ILLEGAL_GENERATION' ||
    type === 'UNKNOWN_MEMBER_ID' ||
    type === 'REBALANCE_IN_PROGRESS' ||
    type === 'FENCED_INSTANCE_ID'
  )
}

/** The cluster has changed: fresh metadata, and the same request may work. */
export function meansStaleMetadata(error: unknown): boolean {
  const type = protocolType(error)
  if (type !== undefined) return staleness.has(type)
  // Not a word from the broker: the connection broke or could not be made.
  return !chain(error).some(isRefusal)
}

const staleness = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'NETWORK_EXCEPTION',
  'REQUEST_TIMED_OUT',
  'NOT_CONTROLLER',
])

// Of the versions of requests that kafkajs speaks: a later one has PRODUCER_FENCED for the first.
const fences = new Set(['INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING'])

const sizes = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

// Answers that the same request would get again.
const refusals = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_REQUIRED_ACKS',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'INVALID_COMMIT_OFFSET_SIZE',
  'OFFSET_METADATA_TOO_LARGE',
  'INCONSISTENT_GROUP_PROTOCOL',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SECURITY_DISABLED',
  'SASL_AUTHENTICATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_SASL_MECHANISM',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'TOPIC_ALREADY_EXISTS',
  'INVALID_PARTITIONS',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_REPLICA_ASSIGNMENT',
  'INVALID_CONFIG',
  'INVALID_REQUEST',
  'POLICY_VIOLATION',
])

/** What is missing, where the broker says only that something is. */
const advice: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED:
    'this user lacks an ACL on a topic: Describe and Read to consume, Describe and Write to publish, Create to create',
  GROUP_AUTHORIZATION_FAILED: 'this user lacks the ACL Read on the group',
  CLUSTER_AUTHORIZATION_FAILED: 'this user lacks an ACL on the cluster, such as Create, Describe or IdempotentWrite',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'this user lacks the ACLs Describe and Write on the transactional id',
  INVALID_PRODUCER_EPOCH:
    'another producer of the same transactional id has begun, or this one was silent for longer than its transaction may take',
  SASL_AUTHENTICATION_FAILED: 'look at KAFKA_SASL_*',
  ILLEGAL_SASL_STATE: 'the broker takes no login on this port, or none at this moment; look at KAFKA_SASL_* and KAFKA_BROKERS',
  UNSUPPORTED_SASL_MECHANISM: 'look at KAFKA_SASL_MECHANISM',
}

function protocolReason(type: string, error: unknown): string {
  const topic = chain(error)
    .map(one => (one as { topic?: unknown }).topic)
    .find(name => typeof name === 'string')
  const about = topic === undefined ? '' : ` (${topic})`
  return advice[type] === undefined ? type : `${type}${about}: ${advice[type]}`
}

// Errors of kafkajs that carry no protocol code.
function isRefusal(error: object): boolean {
  return library().refusals.some(refusal => error instanceof refusal) || isTlsRefusal((error as { code?: unknown }).code)
}

/** The error and what it wraps; of several (topics created together) the first. */
function chain(error: unknown): object[] {
  const found: object[] = []
  let next: unknown = error
  while (typeof next === 'object' && next !== null && !found.includes(next)) {
    found.push(next)
    const { cause, errors } = next as { cause?: unknown; errors?: unknown }
    next = cause ?? (Array.isArray(errors) ? errors[0] : undefined)
  }
  return found
}

function plainReason(error: unknown): string {
  const all = chain(error) as { message?: unknown; code?: unknown; broker?: unknown }[]
  const refusal = all.find(({ code }) => isTlsRefusal(code))
  if (refusal) return `${refusal.broker === undefined ? '' : `at ${refusal.broker}, `}${tlsRefusal(refusal.code)}`
  const last = all.at(-1)
  if (last instanceof library().KafkaJSSASLAuthenticationError) return `${last.message}; look at KAFKA_SASL_*`
  return typeof last?.message === 'string' ? last.message : String(error)
}
