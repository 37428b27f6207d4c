import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { cacheFolder, isInstalled } from '../../src/dev/install.ts'
import { javaWay } from '../../src/dev/java.ts'
import { findJava, javaVersion } from '../../src/dev/java-tools.ts'
import { fetchArtifact } from '../../src/dev/maven.ts'
import { registryArtifact } from '../../src/dev/registry.ts'
import type { StackRequest } from '../../src/dev/stack.ts'
import { eventually, runs } from './eventually.ts'

/** A folder with commands that only print. */
function commands(scripts: Record<string, string>): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'java-')), 'bin')
  mkdirSync(folder)
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return folder
}

describe('what Java lacks', () => {
  test.each([
    ['openjdk version "17.0.15" 2025-04-15', '17.0.15'],
    ['openjdk version "21" 2023-09-19', '21'],
    ['java version "1.8.0_392"', '1.8.0_392'],
    ['The operation could not be completed', undefined],
  ])('%j is version %j', (output, version) => {
    expect(javaVersion(output)).toBe(version)
  })

  test('nothing installed: both are named', async () => {
    expect(await javaWay.lacking({ PATH: commands({}), SPILLWAY_CACHE: '/nowhere' })).toBe('java not found, mvn not found')
  })

  test('an old Java is named with its version, and JAVA_HOME comes before the path', async () => {
    const old = commands({ java: `echo 'openjdk version "11.0.2"' >&2`, mvn: 'echo Maven' })
    const older = commands({ java: `echo 'java version "1.8.0_392"' >&2` })
    expect(await javaWay.lacking({ PATH: old, SPILLWAY_CACHE: '/nowhere' })).toBe('java 11 found, 17 needed')
    expect(await findJava({ PATH: old, JAVA_HOME: join(older, '..') })).toBe('java 8 found, 17 needed')
    expect(await findJava({ PATH: old, JAVA_HOME: '/nowhere' })).toBe('JAVA_HOME (/nowhere) holds no bin/java')
  })

  test('Maven is not missed when everything was downloaded before', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'cache-'))
    const PATH = commands({ java: `echo 'openjdk version "25.0.1"' >&2` })
    expect(await javaWay.lacking({ PATH, SPILLWAY_CACHE: cache })).toBe('mvn not found')
    for (const name of ['kafka-4.3.1', 'apicurio-registry-3.0.9']) mkdirSync(join(cache, name))
    expect(await javaWay.lacking({ PATH, SPILLWAY_CACHE: cache })).toBeUndefined()
  })

  test('a download that fails is one error with the end of what Maven said', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'maven-'))
    const env = {
      ...process.env,
      PATH: `${commands({ mvn: "echo '[ERROR] Unknown host central'; echo '[ERROR] Re-run Maven using -X'; exit 1" })}:/bin:/usr/bin`,
    }
    await expect(fetchArtifact(registryArtifact, folder, env)).rejects.toMatchObject({
      code: 'E_LOCAL_BROKER_FAILED',
      message: 'Maven could not download Apicurio Registry 3.0.9 (exit code 1):\n  [ERROR] Unknown host central',
    })
  })

  test('the cache is where the environment says', () => {
    expect(cacheFolder({ SPILLWAY_CACHE: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c')
    expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/spillway')
    expect(cacheFolder({})).toMatch(/\.cache\/spillway$/)
  })
})

const lacks = await javaWay.lacking(process.env)

/** Downloads on its first run on a machine; seconds after that. */
describe.skipIf(lacks !== undefined)(
  `Kafka and the registry for real${lacks === undefined ? '' : ` (${lacks})`}`,
  { timeout: 300_000 },
  () => {
    const pids: number[] = []
    const request: StackRequest = {
      env: process.env,
      dataDir: undefined,
      onProgress: () => {},
      onPids: found => pids.splice(0, 2, ...found),
    }

    test('answer on their ports; stop ends both and removes the folder', async () => {
      const temporary = mkdtempSync(join(tmpdir(), 'java-tmp-'))
      vi.stubEnv('TMPDIR', temporary)
      const stack = await javaWay.start(request).finally(() => vi.unstubAllEnvs())
      expect(isInstalled(process.env)).toBe(true)
      await connected(stack.brokers[0]!)
      expect(await (await fetch(`${stack.registryUrl}/config`)).json()).toEqual({ compatibilityLevel: 'BACKWARD_TRANSITIVE' })
      expect(pids.filter(runs)).toHaveLength(2)
      expect(readdirSync(temporary).filter(name => name.startsWith('spillway-'))).toHaveLength(1)
      await Promise.all([stack.stop(), stack.stop()])
      expect(pids.filter(runs)).toEqual([])
      expect(readdirSync(temporary).filter(name => name.startsWith('spillway-'))).toEqual([])
      rmSync(temporary, { recursive: true })
    })

    test('keep data and addresses across runs on one folder', async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'java-data-'))
      const first = await javaWay.start({ ...request, dataDir })
      expect(await register(first.registryUrl)).toBe(200)
      await first.stop()
      const second = await javaWay.start({ ...request, dataDir })
      expect(second).toMatchObject({ brokers: first.brokers, registryUrl: first.registryUrl })
      expect(await (await fetch(`${second.registryUrl}/subjects`)).json()).toEqual(['orders-value'])
      await second.stop()
      await eventually('both have ended', () => pids.every(pid => !runs(pid)))
      expect(existsSync(join(dataDir, 'kafka', 'meta.properties'))).toBe(true)
      rmSync(dataDir, { recursive: true })
    })
  },
)

function connected(address: string): Promise<void> {
  const [host, port] = address.split(':') as [string, string]
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}

async function register(registryUrl: string): Promise<number> {
  const answer = await fetch(`${registryUrl}/subjects/orders-value/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: '{"type":"record","name":"Order","fields":[]}' }),
  })
  return answer.status
}
