/** What happened is counted, how it stands is asked for, and the labels are from fixed sets. */
import { expect, onTestFinished, test } from 'vitest'
import { type MeasuredGroup, Metrics } from '../../src/observe/metrics.ts'
import { Signals } from '../../src/observe/signals.ts'

const origin = { topic: 'orders', partition: 0, offset: 1n, timestampMs: 0 }
const failure = { class: 'Error', message: 'm', stack: '', fingerprint: 'f' }
const about = (type: string, group = 'spend') => ({ group, type, id: 'canary-id', origin, attempt: 1 })
const now = 1_000_000

function setUp(groups: () => readonly MeasuredGroup[] = () => []) {
  const signals = new Signals()
  const types = new Map([['spend', ['shop.Placed']]])
  const metrics = new Metrics({ signals, types, groups, eventLoop: () => ({ meanMs: 2, maxMs: 30 }), now: () => now })
  onTestFinished(() => metrics.close())
  const lines = async () => (await metrics.text()).split('\n').filter(line => !line.startsWith('#') && line !== '')
  return { signals, metrics, lines }
}

test('counts what became of messages, by types that have a handler', async () => {
  const { signals, lines } = setUp()
  for (const durationMs of [1, 5, 30, 20_000]) signals.emit('message.done', { ...about('shop.Placed'), durationMs })
  signals.emit('message.done', { ...about('shop.Foreign'), durationMs: 1 })
  signals.emit('message.done', { ...about('shop.Placed', 'of another process'), durationMs: 1 })
  signals.emit('message.skipped', { ...about('anything'), reason: 'unhandled', detail: '' })
  signals.emit('message.retried', { ...about('shop.Placed'), tier: 'spend.retry.1s', blocked: false, failure })
  signals.emit('message.retried', { ...about('shop.Placed'), tier: 'spend.retry.5s', blocked: true, failure })
  signals.emit('message.delayed', { ...about(''), tier: 'spend.retry.1s', untilMs: 0 })
  for (const type of ['shop.Placed', '']) signals.emit('message.followed', { ...about(type), tier: 'spend.retry.1s', untilMs: 0 })
  signals.emit('message.deadLettered', { ...about(''), disposition: 'undecodable', failure })
  expect(await lines()).toContain('spillway_schemas_unreadable_total{group="spend",type="shop.Placed"} 0')
  for (const type of ['shop.Placed', 'shop.Foreign'])
    signals.emit('schema.unreadable', { group: 'spend', type, schemaId: 1, reason: 'canary' })
  signals.emit('handler.timedOut', { ...about('shop.Placed'), timeoutMs: 1 })
  signals.emit('handler.late', { group: 'spend', type: 'shop.Placed' })
  signals.emit('consumer.joined', { group: 'spend', partitions: 1 })
  signals.emit('consumer.drained', { group: 'spend', unfinished: 0, durationMs: 40_000 })
  signals.emit('consumer.crashed', { group: 'spend', error: new Error('e'), retryInMs: 1 })
  signals.emit('breaker.opened', { group: 'spend', failure, failed: 20, tried: 30, windowMs: 10_000 })
  const text = await lines()
  const ofPlaced = '{group="spend",type="shop.Placed"}'
  for (const line of [
    `spillway_messages_handled_total${ofPlaced} 4`,
    'spillway_messages_handled_total{group="spend",type="other"} 1',
    'spillway_messages_skipped_total{group="spend",type="other"} 1',
    'spillway_messages_retried_total{group="spend",type="shop.Placed",tier="spend.retry.1s"} 1',
    'spillway_messages_retried_total{group="spend",type="shop.Placed",tier="spend.retry.5s"} 1',
    'spillway_messages_delayed_total{group="spend",tier="spend.retry.1s"} 1',
    'spillway_messages_followed_total{group="spend",tier="spend.retry.1s"} 2',
    'spillway_dead_letters_total{group="spend",type="other",disposition="undecodable"} 1',
    `spillway_schemas_unreadable_total${ofPlaced} 1`,
    'spillway_schemas_unreadable_total{group="spend",type="other"} 1',
    `spillway_handler_timeouts_total${ofPlaced} 1`,
    `spillway_handler_late_total${ofPlaced} 1`,
    'spillway_rebalances_total{group="spend"} 1',
    'spillway_consumer_crashes_total{group="spend"} 1',
    'spillway_commit_failures_total{group="spend"} 0',
    'spillway_breaker_opened_total{group="spend"} 1',
    'spillway_drain_duration_seconds_bucket{le="30",group="spend"} 0',
    'spillway_drain_duration_seconds_bucket{le="45",group="spend"} 1',
    'spillway_event_loop_delay_seconds 0.002',
    'spillway_event_loop_delay_max_seconds 0.03',
  ])
    expect(text).toContain(line)
  expect(text.join('\n')).not.toMatch(/canary|Foreign|anything|another/)
})

test('sorts the times of handlers into the buckets of OpenTelemetry, cumulated', async () => {
  const { signals, lines } = setUp()
  for (const durationMs of [1, 5, 30, 20_000]) signals.emit('message.done', { ...about('shop.Placed'), durationMs })
  const placed = (await lines()).filter(line => /handler_duration.*"shop.Placed"/.test(line))
  const value = (line: string) => Number(line.split(' ').at(-1))
  const buckets = placed.filter(line => line.includes('_bucket'))
  expect(buckets.map(line => /le="([^"]+)"/.exec(line)![1])).toEqual(
    '0.005 0.01 0.025 0.05 0.075 0.1 0.25 0.5 0.75 1 2.5 5 7.5 10 +Inf'.split(' '),
  )
  expect(buckets.map(value)).toEqual([2, 2, 2, ...Array(11).fill(3), 4])
  expect(placed.filter(line => !line.includes('_bucket')).map(value)).toEqual([20.036, 4])
})

test('sorts by tier how long after their due time retries began, never below nothing', async () => {
  const { signals, lines } = setUp()
  for (const lateMs of [0, 1, 17, 60, 2_000, 400_000, -3])
    signals.emit('retry.started', { group: 'spend', tier: 'spend.retry.1s', lateMs })
  signals.emit('retry.started', { group: 'spend', tier: 'spend.retry.5s', lateMs: 4 })
  const late = (await lines()).filter(line => line.startsWith('spillway_due_lag_seconds'))
  const ofTier = late.filter(line => line.includes('tier="spend.retry.1s"'))
  const buckets = ofTier
    .filter(line => line.includes('_bucket'))
    .map(line => [/le="([^"]+)"/.exec(line)![1], line.split(' ').at(-1)])
  expect(Object.fromEntries(buckets)).toMatchObject({
    0.001: '3',
    0.005: '3',
    0.025: '4',
    0.05: '4',
    0.1: '5',
    1: '5',
    5: '6',
    300: '6',
    '+Inf': '7',
  })
  const [sum, count] = ['sum', 'count'].map(what =>
    ofTier
      .find(line => line.includes(`_${what}`))!
      .split(' ')
      .at(-1),
  )
  expect([Number(sum), count]).toEqual([402.078, '7'])
  expect(late).toContain('spillway_due_lag_seconds_count{group="spend",tier="spend.retry.5s"} 1')
})

test('tells how the groups stand, and no longer what is no longer assigned', async () => {
  const partition = { topic: 'orders', committed: 10n, end: 15n, waiting: 0, oldestMs: now - 2_500, blocked: undefined }
  const tier = { topic: 'spend.retry.1s', committed: 0n, end: undefined, waiting: 3, oldestMs: undefined, blocked: {} }
  const groups: MeasuredGroup[] = [
    {
      group: 'spend',
      breaker: {},
      progress: {
        running: 2,
        queued: 9,
        parked: () => [{ isBlocked: true }, { isBlocked: false }],
        partitions: [partition, { ...partition, end: 5n, oldestMs: now + 1 }, tier],
      },
    },
  ]
  const { lines } = setUp(() => groups)
  const text = await lines()
  for (const line of [
    'spillway_consumer_joined{group="spend"} 1',
    'spillway_breaker_open{group="spend"} 1',
    'spillway_in_flight{group="spend"} 2',
    'spillway_queued{group="spend"} 7',
    'spillway_partitions{group="spend",topic="orders"} 2',
    'spillway_partitions_blocked{group="spend",topic="spend.retry.1s"} 1',
    'spillway_lag_records{group="spend",topic="orders"} 5',
    'spillway_lag_age_seconds{group="spend",topic="orders"} 2.5',
    'spillway_waiting{group="spend",tier="spend.retry.1s"} 3',
    'spillway_parked_entities{group="spend"} 2',
    'spillway_blocked_entities{group="spend"} 1',
  ])
    expect(text).toContain(line)
  expect(text.filter(line => line.startsWith('spillway_waiting'))).toHaveLength(1)

  groups[0] = { group: 'spend', progress: undefined }
  const later = await lines()
  expect(later).toContain('spillway_consumer_joined{group="spend"} 0')
  expect(later).toContain('spillway_breaker_open{group="spend"} 0')
  expect(later.filter(line => line.startsWith('spillway_lag'))).toEqual([])
})

test('two sets of metrics know nothing of each other', async () => {
  const one = setUp()
  const two = setUp()
  one.signals.emit('consumer.joined', { group: 'spend', partitions: 1 })
  expect(await one.lines()).toContain('spillway_rebalances_total{group="spend"} 1')
  expect(await two.lines()).toContain('spillway_rebalances_total{group="spend"} 0')
})
