/** What docs/replay.md shows works as it stands there: its commands and programs do what is said of them. (Its files type-check in docs.test.ts.) */
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandIn, folderWith, nodeIn, snippetsOf } from './snippets.ts'

const { text, files, commands } = snippetsOf('docs/replay.md')
let folder: string

beforeAll(async () => {
  folder = folderWith('docs-replay', files)
  for (const args of ['schema codegen', 'topic apply --yes', 'schema register']) await commandIn(folder, `npx spillway ${args}`)
  // One customer's orders in one partition, from 536365 on.
  writeFileSync(
    join(folder, 'publish.ts'),
    `import { connect } from 'spillway'
     import { orderPlaced } from './spend.ts'
     const spillway = await connect()
     const lines = [{ sku: '85123A', description: null, quantity: 2, unitPriceMinor: 255 }]
     for (let i = 0; i < 30; i++)
       await spillway.publisher(orderPlaced).publish({ orderId: String(536365 + i), customerId: '17850', country: 'Eire', placedAt: new Date(), lines })
     await spillway.close()`,
  )
  await nodeIn(folder, 'publish.ts')
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('docs/replay.md', () => {
  it('shows every file with a name', () => {
    expect(text).not.toMatch(/^```ts$/m)
    expect([...files.keys()]).toEqual(['spend.ts', 'spillway.config.ts', 'rebuild.ts'])
  })

  it('replays with the commands it shows', async () => {
    const ofReplays = commands.filter(command => !command.includes('--live'))
    const said = []
    for (const command of ofReplays) said.push((await commandIn(folder, command)).stdout)
    expect(said).toEqual([
      expect.stringContaining('replay-spend: 30 records to handle, at 30 offsets (counted)\n'),
      expect.stringMatching(/^replay-spend: 30 handled, replay [0-9a-f]{8}\n$/),
      // Nothing is committed, so that -10 is before the start.
      expect.stringMatching(/^replay-spend: 0 handled, replay [0-9a-f]{8}\n$/),
      expect.stringMatching(/^replay-spend: 30 handled, replay [0-9a-f]{8}\n$/),
      expect.stringMatching(/^replay-spend: 30 handled, replay [0-9a-f]{8}\n$/),
    ])
  })

  it('rebuilds in code', async () => {
    const { stdout, stderr } = await nodeIn(folder, 'rebuild.ts')
    expect(stdout).toBe('30 handled, 0 failed, 30 orders\n')
    expect(stderr).toContain('30/30\n')
    expect(stderr).not.toContain('thank you')
    expect(readdirSync(folder).filter(name => name.endsWith('.jsonl'))).toEqual([])
  })

  it('moves the group itself', async () => {
    const said = []
    for (const command of commands.filter(one => one.includes('--live'))) said.push((await commandIn(folder, command)).stdout)
    expect(said).toEqual([
      expect.stringContaining('replay-spend: 6 partitions would be moved, 0 stay\n'),
      expect.stringContaining('replay-spend: 6 partitions moved, 0 stay\n'),
      expect.stringMatching(/replay-spend: 1 partition moved, 5 stay\n {2}30 offsets will never be read by this group\n/),
    ])
  })
})
