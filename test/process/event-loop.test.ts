/** The measure behind "the event loop is blocked". */
import { onTestFinished, test } from 'vitest'
import { EventLoopMonitor } from '../../src/process/event-loop.ts'
import { until } from '../until.ts'

const patience = { withinMs: 8_000 }

test('a loop that is held up again and again is late on average, one that waits is not', async () => {
  const monitor = new EventLoopMonitor(1_200)
  const block = (ms: number) => {
    for (const end = performance.now() + ms; performance.now() < end; );
  }
  let blocking: NodeJS.Timeout | undefined = setInterval(() => block(200), 1)
  onTestFinished(() => {
    clearInterval(blocking)
    monitor.stop()
  })
  await until(() => monitor.delay().meanMs > 80 && monitor.delay().maxMs > 100, { ...patience, what: 'the delay to show' })
  clearInterval(blocking)
  blocking = undefined
  await until(() => monitor.delay().meanMs < 40, { ...patience, what: 'the delay to be over' })
})
