import { expect, test } from 'vitest'
import { placeOf } from '../../src/retry/frame.ts'

const place = (...frames: string[]) => placeOf('no', `Error: no\n${frames.map(frame => `    at ${frame}`).join('\n')}`)

test.each([
  ['charge (/srv/a/billing.ts:10:3)', 'charge (billing)'],
  ['charge (/home/b/dist/billing.js:99:7)', 'charge (billing)'],
  ['charge (C:\\srv\\app (copy)\\billing.ts:10:3)', 'charge (billing)'],
  ['charge (file:///srv/a/billing.mjs:10:3)', 'charge (billing)'],
  ['charge (file:///C:/a/billing.ts?t=1732270000:10:3)', 'charge (billing)'],
  ['charge (webpack://shop/./src/billing.ts?9f2c:10:3)', 'charge (billing)'],
  ['charge (webpack-internal:///./src/billing.ts:10:3)', 'charge (billing)'],
  ['async charge (/a/billing.ts:1:1)', 'charge (billing)'],
  ['Object.charge [as default] (/a/billing.ts:1:1)', 'charge (billing)'],
  ['Module.charge (/a/billing.ts:1:1)', 'charge (billing)'],
  ['new Bill (/a/billing.ts:1:1)', 'new Bill (billing)'],
  ['Bill.charge (/a/billing.ts:1:1)', 'Bill.charge (billing)'],
  ['Object.<anonymous> (/a/billing.ts:1:1)', '<anonymous> (billing)'],
  ['/a/billing.ts:1:1', '<anonymous> (billing)'],
  ['async file:///a/billing.ts:1:1', '<anonymous> (billing)'],
  ['async C:\\a\\billing.ts:1:1', '<anonymous> (billing)'],
  ['eval (eval at render (/a/template.js:10:5), <anonymous>:3:7)', 'eval (template)'],
  ['f (eval at g (eval at render (/a/template.js:10:5), <anonymous>:1:1), <anonymous>:3:7)', 'f (template)'],
  ['charge (/a/main.3f2a9c.js:1:9)', 'charge (main)'],
  ['charge (/a/main.b81d77e2.min.js:1:9)', 'charge (main)'],
  ['charge (/a/main-DkJ3x9_B.js:1:9)', 'charge (main)'],
  ['charge (/a/chunk-ABCD2345.js:1:9)', 'charge (chunk)'],
  ['charge (/a/417.3f2a9c.chunk.js:1:9)', 'charge (#)'],
  ['charge (/a/order-shipping.ts:1:9)', 'charge (order-shipping)'],
  ['charge (/a/order.handler.ts:1:9)', 'charge (order.handler)'],
  ['charge (/a/facade.ts:1:9)', 'charge (facade)'],
  ['r (/a/main.3f2a9c.js:1:9)', '? (main)'],
  ['new Xe (/a/main.3f2a9c.js:1:9)', 'new ? (main)'],
  ['r (/a/billing.ts:1:9)', 'r (billing)'],
])('%s', (frame, expected) => {
  expect(place(frame)).toBe(expected)
})

test.each([
  'Parser.parse (/srv/node_modules/pg/lib/parser.js:1:1)',
  'Parser.parse (/srv/node_modules/.pnpm/pg@8.11.3/node_modules/pg/lib/parser.js:1:1)',
  'Parser.parse (C:\\srv\\node_modules\\pg\\lib\\parser.js:1:1)',
  'Parser.parse (webpack://shop/./node_modules/pg/lib/parser.js:1:1)',
  'process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
  'async open (node:internal/fs/promises:639:25)',
  'internal/main/run_main_module.js:17:47',
  'JSON.parse (<anonymous>)',
  'Array.map (<anonymous>)',
  'new Promise (<anonymous>)',
  'async Promise.all (index 0)',
  '__webpack_require__ (webpack/bootstrap:19:1)',
  'f (native)',
  'f (<anonymous>:3:7)',
])('is not of the application: %s', frame => {
  expect(place(frame, 'charge (/srv/a/billing.ts:10:3)')).toBe('charge (billing)')
})

test('Spillway is no part of the application', () => {
  const own = new URL('../../src/consume/attempt.ts', import.meta.url)
  expect(place(`run (${own.href}:1:1)`, `run (${own.pathname}:1:1)`)).toBe('')
})

test('without a frame of the application that of a package says more than nothing', () => {
  expect(place('node:events:518:28', 'Parser.parse (/srv/node_modules/pg/lib/parser.js:1:1)')).toBe('Parser.parse (parser)')
  expect(placeOf('no', '')).toBe('')
})

test('lines of the message that look like frames are none', () => {
  const message = 'the worker said: Error: x\n    at other (/a/worker.ts:1:1)'
  expect(placeOf(message, `Error: ${message}\n    at charge (/a/billing.ts:1:1)`)).toBe('charge (billing)')
})
