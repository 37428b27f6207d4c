/** Finds and loads the file whose default export is the service. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigError, codeOf } from '../errors.ts'
import type { Service } from './service.ts'

export const configNames = ['spillway.config.ts', 'spillway.config.js', 'spillway.config.mjs'] as const

/** The path of the configuration in `folder`; undefined when there is none. */
export function findConfig(folder = process.cwd()): string | undefined {
  return configNames.map(name => resolve(folder, name)).find(path => existsSync(path))
}

/**
 * The service that `path` (default: spillway.config.ts, .js or .mjs of the current folder) exports by default.
 * Throws ConfigError (E_CONFIG) when there is no such file, it cannot be loaded, or it exports something else.
 */
export async function loadService(path?: string): Promise<Service> {
  const file = path === undefined ? findConfig() : resolve(path)
  if (file === undefined || !existsSync(file)) throw new ConfigError([missing(file)])
  const loaded = await load(file)
  const service = loaded.default
  if (isService(service)) return service
  const found = service === undefined ? 'it has no default export' : 'its default export is something else'
  throw new ConfigError([`${file} must \`export default defineService({ ... })\`: ${found}`])
}

function missing(file: string | undefined): string {
  if (file) return `there is no ${file}`
  return `there is no ${configNames.join(', ')} in ${process.cwd()}: go to the folder of your service, or name the file with --config FILE`
}

async function load(file: string): Promise<{ default?: unknown }> {
  try {
    return await import(pathToFileURL(file).href)
  } catch (error) {
    // What the definitions themselves refuse is said in their own words.
    const known = codeOf(error) === 'E_DEFINITION' || codeOf(error) === 'E_CONFIG'
    const place = known ? '' : placeOf(error, file)
    throw new ConfigError([`${file} cannot be loaded: ${wordsOf(error)}${place}`], { cause: error })
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'Error' || codeOf(error)?.startsWith('E_') ? error.message : `${error.name}: ${error.message}`
}

/** V8 writes the place of a syntax error above the stack, and that of any other error into it. */
function placeOf(error: unknown, file: string): string {
  const stack = (error instanceof Error && error.stack) || ''
  const head = stack.split('\n    at ')[0] ?? ''
  const atHead = /^(?:file:\/\/)?(\/[^\n]+:\d+)\n/.exec(head)
  if (atHead) return ` (${atHead[1]})`
  const inStack = /\(?((?:file:\/\/)?\/[^\s()]+:\d+:\d+)\)?/.exec(stack.slice(head.length))
  const place = inStack?.[1]?.replace('file://', '')
  return place?.startsWith('/') && !place.includes('/node_modules/') ? ` (${place})` : place ? ` (loaded by ${file})` : ''
}

/** By shape: the service's module may have loaded another copy of this package. */
function isService(value: unknown): value is Service {
  const service = value as Partial<Service> | null | undefined
  return service?.kind === 'service' && Array.isArray(service.messages) && Array.isArray(service.processors)
}
