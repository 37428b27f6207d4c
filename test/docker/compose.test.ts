/** What can be seen of the image and the compose file without Docker. That they work was tried by hand: nothing here runs them. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readConnection } from '../../src/config.ts'
import { importsOf, root } from '../architecture/sources.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')
const lines = (path: string) =>
  read(path)
    .split('\n')
    .filter(line => line !== '' && !/^\s*#/.test(line))

const dockerfile = lines('Dockerfile')
const compose = lines('docker-compose.yml')
const ignore = lines('.dockerignore')

/** What comes from the clone, of all stages or of those lines. */
function copied(from: readonly string[] = dockerfile): string[] {
  const copies = from.filter(line => line.startsWith('COPY ') && !line.includes('--from='))
  return copies.flatMap(line => line.split(/\s+/).slice(1, -1))
}

const lastStage = dockerfile.slice(dockerfile.findLastIndex(line => line.startsWith('FROM ')))

test('whatever the Dockerfile copies is there', () => {
  expect(copied().length).toBeGreaterThan(5)
  expect(copied().filter(path => globSync(path, { cwd: root }).length === 0)).toEqual([])
})

test('Docker is given what the Dockerfile copies, and nothing else', () => {
  expect(ignore[0]).toBe('*')
  expect(ignore.filter(line => line.startsWith('!')).sort()).toEqual(
    copied()
      .map(path => `!${path}`)
      .sort(),
  )
})

test('the image has every file that the service and its mail server import', () => {
  const left = new Set(ignore.filter(line => !line.startsWith('!')))
  const inside = copied(lastStage).flatMap(path => globSync([path, `${path}/**`], { cwd: root }))
  const needed = new Set(['spillway.config.ts', 'examples/retail/mailer.ts'])
  for (const path of needed) {
    for (const name of importsOf({ path, text: read(path) }))
      if (existsSync(join(root, name)) && name.endsWith('.ts')) needed.add(name)
  }
  expect(needed).toContain('schemas/generated.ts')
  expect([...needed].filter(path => !inside.includes(path) || left.has(path))).toEqual([])
})

test('every stage is built on BASE, which names a major version of Node', () => {
  expect(dockerfile[0]).toMatch(/^ARG BASE=node:\d+-slim$/)
  const bases = dockerfile.filter(line => line.startsWith('FROM '))
  expect(bases).toHaveLength(2)
  for (const line of bases) expect(line).toMatch(/^FROM \$\{BASE\}( AS \w+)?$/)
})

test('the image runs as a user that is not root, and Node gets its signals', () => {
  const user = lastStage.findLastIndex(line => line.startsWith('USER '))
  expect(lastStage[user]).toMatch(/^USER [1-9]\d*:[1-9]\d*$/)
  expect(lastStage.slice(user).some(line => line.startsWith('RUN '))).toBe(false)
  expect(lastStage).toContain('ENTRYPOINT ["node", "dist/cli.js"]')
})

test('no credential of npm gets into a build', () => {
  expect(read('.npmrc')).not.toMatch(/auth|token|password/i)
})

test('images are pinned, Redpanda to what `spillway dev` starts', () => {
  const images = valuesOf('image').filter(image => image !== 'spillway-retail')
  expect(images).toHaveLength(2)
  for (const image of images) expect(image).toMatch(/:v\d+\.\d+\.\d+$/)
  const started = /redpandadata\/redpanda:v[\d.]+/.exec(read('src/dev/docker.ts'))?.[0]
  expect(images.filter(image => image.endsWith(`/${started}`))).toHaveLength(1)
})

test('only this machine can reach the ports', () => {
  const ports = compose.flatMap(line => /^ +- "?((?:[\d.]+:)?\d+:\d+)"?$/.exec(line)?.[1] ?? [])
  expect(ports.length).toBe(valuesOf('ports').length + 1)
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
})

test('the broker is given its settings as two arguments each', () => {
  expect(compose.filter(line => line.includes('--set='))).toEqual([])
  expect(compose[compose.findIndex(line => line.trim() === '- --set') + 1]?.trim()).toMatch(/^- redpanda\.\w+=\w+$/)
})

test('compose waits longer for the service to stop than the service itself', () => {
  const { shutdownTimeoutMs } = readConnection({ KAFKA_BROKERS: 'redpanda:9092', SCHEMA_REGISTRY_URL: 'http://redpanda:8081' })
  expect(valuesOf('stop_grace_period')).toHaveLength(1)
  expect(Number.parseInt(valuesOf('stop_grace_period')[0]!, 10) * 1000).toBeGreaterThan(shutdownTimeoutMs)
})

function valuesOf(key: string): string[] {
  return compose.flatMap(line => new RegExp(`^ +${key}:(.*)$`).exec(line)?.[1]?.trim() ?? [])
}
