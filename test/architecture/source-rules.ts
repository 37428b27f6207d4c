/** Rules that one file can break by itself. Each gives a line for every breach. */
import { type SourceFile, withoutComments } from './sources.ts'

export const longestFile = 300

export function tooLong(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split('\n').length
    return lines > longestFile ? `${path} has ${lines} lines, of ${longestFile} at most` : []
  })
}

const emptyNames = new Set(['util', 'utils', 'common', 'helper', 'helpers', 'type', 'types', 'lib', 'internal', 'misc'])

/** Names that say nothing about what is inside. A thing lives with its owner, under its own name. */
export function emptyNamed(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path }) =>
    path
      .split('/')
      .filter(part => emptyNames.has(part.split('.')[0]!))
      .map(part => `${path}: '${part}' says nothing`),
  )
}

const mayTouchProcess = ['src/cli.ts', 'src/config.ts', 'src/config/', 'src/process/shutdown.ts', 'src/dev/']
const processTouch = /\bprocess\s*\??\.\s*(?:env|argv|exit|on|once)\b|\bfrom\s*'(?:node:)?process'/g

/** The rest of the code is told what it needs, so that it can be tested and embedded. */
export function touchesProcess(files: readonly SourceFile[]): string[] {
  const others = files.filter(({ path }) => !mayTouchProcess.some(place => path.startsWith(place)))
  return others.flatMap(({ path, text }) =>
    [...withoutComments(text).matchAll(processTouch)].map(([found]) => `${path}: ${found}`),
  )
}

const leftOut = /\b(?:test|it|describe|suite)(?:\.\w+)*\.(?:skip|only|todo)\b/g

export function leavesTestsOut(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => [...withoutComments(text).matchAll(leftOut)].map(([found]) => `${path}: ${found}`))
}

/** The one that polls. */
const maySleep = 'test/until.ts'
const sleeps = [
  /\bnew Promise\b[^\n;]*=>\s*(?:void\s+)?\{?\s*setTimeout\(/g,
  /\bsetTimeout\(\s*(?:resolve|done|res|r)\b/g,
  /\bsetTimeout\b[^;'"\n]*\}\s*from\s*'(?:node:)?timers\/promises'/g,
]

export function bareSleeps(files: readonly SourceFile[]): string[] {
  const others = files.filter(({ path }) => path !== maySleep)
  return others.flatMap(({ path, text }) =>
    sleeps.flatMap(sleep => [...withoutComments(text).matchAll(sleep)].map(([found]) => `${path}: ${found}`)),
  )
}

/** A text, unless it begins with what an expression gives. */
const literal = String.raw`(?:'|"|${'`'}(?!\$\{))`
const fixedName = new RegExp(
  String.raw`\b(?:topic|consumer|worker)\(\s*${literal}|\b(?:topics?|group|groupId|dlq)\s*:\s*\[?\s*${literal}`,
  'g',
)

/** Tests of one broker must not meet: names of topics and groups come from `unique()`. */
export function fixedNames(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    [...withoutComments(text).matchAll(fixedName)].map(([found]) => `${path}: ${found}...`),
  )
}
