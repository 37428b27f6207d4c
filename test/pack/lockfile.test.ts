/** `npm ci` refuses a lockfile that lacks a package for any platform, also for those that it would not install. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

interface Lockfile {
  readonly packages: Readonly<
    Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>>; readonly resolved?: string }>
  >
}

const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as Lockfile

function missing(entries: Lockfile['packages']): string[] {
  const names = new Set(Object.keys(entries).map(path => path.split('node_modules/').at(-1)))
  return Object.entries(entries).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter(name => !names.has(name))
      .map(name => `${path} needs ${name}`),
  )
}

it('the lockfile has an entry for every package of every platform', () => {
  expect(missing(packages)).toEqual([])
  expect(missing({ 'node_modules/a': { optionalDependencies: { 'a-linux': '1.0.0' } } })).toEqual([
    'node_modules/a needs a-linux',
  ])
})

it('the lockfile names no registry', () => {
  const downloaded = Object.values(packages).filter(({ resolved }) => resolved?.startsWith('http'))
  expect(downloaded).toEqual([])
})
