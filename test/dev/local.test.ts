import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { type LocalStack, startLocalStack, type Ways } from '../../src/dev/local.ts'
import { isAlive, takeLock } from '../../src/dev/lock.ts'
import type { Way } from '../../src/dev/stack.ts'

const tried: string[] = []
const progress: string[] = []
beforeEach(() => {
  tried.length = 0
  progress.length = 0
})

function way(kind: 'docker' | 'java', lacks: string | undefined, failure?: Error): Way {
  const stack: LocalStack = {
    brokers: [`${kind}:1`],
    registryUrl: `http://${kind}`,
    kind,
    stop: async () => void tried.push(`${kind} stop`),
  }
  return {
    async lacking() {
      tried.push(`${kind}?`)
      return lacks
    },
    async start() {
      tried.push(kind)
      if (failure !== undefined) throw failure
      return stack
    },
  }
}

function start(ways: Partial<Ways>, env: NodeJS.ProcessEnv = {}, dataDir?: string): Promise<LocalStack> {
  const all = { docker: way('docker', 'no engine answers'), java: way('java', 'java not found, mvn not found'), ...ways }
  return startLocalStack({ env, dataDir, onProgress: line => progress.push(line) }, all)
}

describe('which stack is used', () => {
  test('the given addresses, before anything is looked for', async () => {
    const stack = await start({}, { KAFKA_BROKERS: 'a:1, b:2', SCHEMA_REGISTRY_URL: 'http://r/' })
    expect(stack).toMatchObject({ brokers: ['a:1', 'b:2'], registryUrl: 'http://r', kind: 'given' })
    await stack.stop()
    expect(tried).toEqual([])
  })

  test('half of the addresses is a mistake, and the other half is named', async () => {
    await expect(start({}, { KAFKA_BROKERS: 'a:1' })).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('SCHEMA_REGISTRY_URL is not'),
    })
    await expect(start({}, { SCHEMA_REGISTRY_URL: 'http://r', KAFKA_BROKERS: ' ' })).rejects.toMatchObject({
      code: 'E_CONFIG',
      message: expect.stringContaining('KAFKA_BROKERS is not'),
    })
  })

  test('Docker before Java', async () => {
    expect((await start({ docker: way('docker', undefined), java: way('java', undefined) })).kind).toBe('docker')
    expect(tried).toEqual(['docker?', 'docker'])
  })

  test('Java without Docker', async () => {
    const stack = await start({ java: way('java', undefined) })
    await stack.stop()
    expect(tried).toEqual(['docker?', 'java?', 'java', 'java stop'])
  })

  test('Java when Docker is there and cannot get the image, and this is said', async () => {
    const stack = await start({
      docker: way('docker', undefined, new Error('pull access denied\nmore')),
      java: way('java', undefined),
    })
    expect(stack.kind).toBe('java')
    expect(progress).toEqual(['Docker is there, but Redpanda did not start: pull access denied'])
  })

  test('without any, one error names three ways out and what each lacks', async () => {
    const failure = await start({}).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'E_NO_LOCAL_BROKER' })
    const { message } = failure as Error
    for (const part of ['KAFKA_BROKERS and SCHEMA_REGISTRY_URL', 'no engine answers', 'java not found, mvn not found'])
      expect(message).toContain(part)
  })

  test('an image that cannot be had and no Java: the error has both', async () => {
    await expect(start({ docker: way('docker', undefined, new Error('pull access denied')) })).rejects.toMatchObject({
      code: 'E_NO_LOCAL_BROKER',
      message: expect.stringMatching(/pull access denied[\s\S]*java not found/),
      cause: expect.objectContaining({ message: 'pull access denied' }),
    })
  })
})

describe('a data folder', () => {
  const java = way('java', undefined)

  test('belongs to one running stack, and the second is told whose it is', async () => {
    const dataDir = join(mkdtempSync(join(tmpdir(), 'local-')), 'data')
    const stack = await start({ java }, {}, dataDir)
    await expect(start({ java }, {}, dataDir)).rejects.toMatchObject({
      code: 'E_ALREADY_RUNNING',
      message: expect.stringContaining(String(process.pid)),
    })
    await stack.stop()
    await (await start({ java }, {}, dataDir)).stop()
    expect(readdirSync(dataDir)).toEqual([])
  })

  test('is free again when the start failed, or when its process was killed', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'local-'))
    await expect(start({ java: way('java', undefined, new Error('no')) }, {}, dataDir)).rejects.toThrow('no')
    writeFileSync(join(dataDir, 'stack.lock'), JSON.stringify({ pid: 2 ** 30, helpers: [2 ** 30 + 1] }))
    await (await start({ java }, {}, dataDir)).stop()
    expect(existsSync(join(dataDir, 'stack.lock'))).toBe(false)
  })
})

describe('the lock', () => {
  test('tells who holds it, and what a dead holder left behind', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'lock-')), 'lock')
    writeFileSync(path, JSON.stringify({ pid: 2 ** 30, helpers: [7] }))
    const lock = takeLock(path)
    if ('heldBy' in lock) throw new Error('not free')
    expect(lock.leftBehind).toEqual([7])
    lock.note([8])
    expect(takeLock(path)).toEqual({ heldBy: process.pid })
    lock.release()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  test('is not stopped by a file that holds nonsense', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'lock-')), 'lock')
    writeFileSync(path, '')
    expect('heldBy' in takeLock(path)).toBe(false)
  })

  test('knows the living from the dead', () => {
    expect(isAlive(process.pid)).toBe(true)
    expect(isAlive(1)).toBe(true)
    expect(isAlive(2 ** 30)).toBe(false)
  })
})
