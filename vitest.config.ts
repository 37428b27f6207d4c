import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const alias = [
  { find: /^spillway\/testing$/, replacement: at('src/testing.ts') },
  { find: /^spillway\/tracing$/, replacement: at('src/tracing.ts') },
  { find: /^spillway$/, replacement: at('src/index.ts') },
]

const architecture = ['test/architecture/**/*.test.ts']
const broker = [
  'test/contract/kafkajs.test.ts',
  'test/scenarios/**/*.test.ts',
  'test/security/**/*.test.ts',
  'test/dev/**/*.test.ts',
]
// The stories only: the checker that they use is tested without a broker. What needs three brokers and minutes is for --long.
const faults = ['test/faults/*.test.ts', ...(process.env.FAULTS_LONG ? ['test/faults/long/*.test.ts'] : [])]

/** What is run in the folder of the project must not leave its schemas there. */
const env = { SCHEMA_REGISTRY_CACHE: 'off' }

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...architecture, ...broker, 'test/faults/*.test.ts', 'test/faults/long/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      { resolve: { alias }, test: { name: 'architecture', include: architecture, testTimeout: 10_000 } },
      {
        resolve: { alias },
        test: {
          name: 'broker',
          include: broker,
          // Here and nowhere else, so that only a run that needs the broker starts it, and starts it once.
          globalSetup: 'test/global-setup.ts',
          env,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // All files share one broker on what may be two cores; vitest wants a group of its own for another number of workers.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'faults',
          include: faults,
          globalSetup: 'test/global-setup.ts',
          env,
          testTimeout: process.env.FAULTS_LONG ? 900_000 : 180_000,
          hookTimeout: 120_000,
          maxWorkers: process.env.FAULTS_LONG ? 1 : 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
