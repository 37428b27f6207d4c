import { KafkaJSConnectionError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from 'kafkajs'
import { expect, test } from 'vitest'
import { brokerFailure, meansLostAssignment, meansStaleMetadata, protocolType } from '../../../src/broker/kafkajs/errors.ts'
import { AssignmentLost } from '../../../src/errors.ts'

function protocolError(type: string, retriable = false): Error {
  return new KafkaJSProtocolError(Object.assign(new Error('some text'), { type, code: 1, retriable }))
}

function failure(error: unknown) {
  return brokerFailure('write to orders', ['one:9092', 'two:9092'], error)
}

test.each(['TOPIC_AUTHORIZATION_FAILED', 'UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_CONFIG'])('%s is a refusal', type => {
  const found = failure(protocolError(type))
  expect(found).toMatchObject({ code: 'E_BROKER_REFUSED', retryable: false })
  expect(found.message).toContain(type)
})

test.each(['NOT_LEADER_FOR_PARTITION', 'REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS', 'KAFKAJS_UNKNOWN_ERROR_CODE'])(
  '%s may work later',
  type => {
    expect(failure(protocolError(type))).toMatchObject({ code: 'E_BROKER_UNAVAILABLE', retryable: true })
  },
)

test('the message names what was tried and the brokers, the cause is kept', () => {
  const cause = new KafkaJSConnectionError('connect ECONNREFUSED')
  const found = failure(cause)
  expect(found.message).toBe('Could not write to orders (brokers one:9092, two:9092): connect ECONNREFUSED')
  expect(found).toMatchObject({ code: 'E_BROKER_UNAVAILABLE', cause })
})

test('what the broker said is found below what kafkajs wraps around it', () => {
  const exceeded = KafkaJSNumberOfRetriesExceeded as unknown as new (
    error: Error,
    given: { retryCount: number; retryTime: number },
  ) => Error
  const wrapped = new exceeded(protocolError('INVALID_TIMESTAMP'), { retryCount: 8, retryTime: 300 })
  expect(failure(wrapped).code).toBe('E_BROKER_REFUSED')
  expect(protocolType({ errors: [protocolError('INVALID_CONFIG')] })).toBe('INVALID_CONFIG')
})

test('bad credentials are a refusal, a TypeError inside kafkajs is not', async () => {
  const { library } = await import('../../../src/broker/kafkajs/library.ts')
  const [SaslError] = library().refusals as unknown as [new (message: string) => Error]
  expect(failure(new SaslError('nope')).code).toBe('E_BROKER_REFUSED')
  expect(failure(new TypeError('cannot read')).code).toBe('E_BROKER_UNAVAILABLE')
})

test('a TLS handshake that would fail again is a refusal with its remedy, and kafkajs does not try again', async () => {
  const { library } = await import('../../../src/broker/kafkajs/library.ts')
  library()
  const of = (code: string) =>
    new KafkaJSConnectionError('Connection error', { broker: 'one:9093', code } as unknown as { broker: string })
  for (const [code, message] of [
    ['ERR_TLS_CERT_ALTNAME_INVALID', /at one:9093, .*other host names.*advertised\.listeners/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /not trusted.*KAFKA_SSL_CA/],
    ['CERT_HAS_EXPIRED', /expired/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /KAFKA_SSL_CERT/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS/],
  ] as const) {
    expect(failure(of(code))).toMatchObject({ code: 'E_BROKER_REFUSED', message: expect.stringMatching(message) })
    expect(of(code)).toMatchObject({ retriable: false })
    expect(meansStaleMetadata(of(code))).toBe(false)
  }
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR']) {
    expect(failure(of(code)).code).toBe('E_BROKER_UNAVAILABLE')
    expect(of(code)).toMatchObject({ retriable: true })
  }
})

test.each(['TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID'])('a missing ACL on a %s says so', what => {
  const type = `${what}_AUTHORIZATION_FAILED`
  expect(failure(protocolError(type))).toMatchObject({
    code: 'E_BROKER_REFUSED',
    message: expect.stringMatching(new RegExp(`${type}: this user lacks`)),
  })
})

test('our own errors pass through, anything thrown is survived', () => {
  const lost = new AssignmentLost('gone')
  expect(failure(lost)).toBe(lost)
  for (const thrown of [undefined, null, 'text', 7, { cause: null }]) expect(failure(thrown).code).toBe('E_BROKER_UNAVAILABLE')
  const circle: { cause?: unknown } = {}
  circle.cause = circle
  expect(failure(circle).code).toBe('E_BROKER_UNAVAILABLE')
})

test('what a moved group and a changed cluster answer', () => {
  expect(
    ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS'].every(type => meansLostAssignment(protocolError(type))),
  ).toBe(true)
  expect(meansLostAssignment(protocolError('NOT_COORDINATOR_FOR_GROUP'))).toBe(false)
  expect(meansStaleMetadata(protocolError('NOT_COORDINATOR_FOR_GROUP'))).toBe(true)
  expect(meansStaleMetadata(new KafkaJSConnectionError('reset'))).toBe(true)
  expect(meansStaleMetadata(protocolError('MESSAGE_TOO_LARGE'))).toBe(false)
})

test.each(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])('%s says that the records are too large', type => {
  expect(failure(protocolError(type))).toMatchObject({ code: 'E_RECORD_TOO_LARGE', retryable: false })
})
