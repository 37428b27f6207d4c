/** TypeScript text for values, and the compiler over a folder of it. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where generated code of a test imports `avroSchema` from. */
export const MESSAGE_SCHEMA = join(root, 'src/message/schema.ts')

/** An expression of one line whose value is `value`. */
export function literal(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'string') return JSON.stringify(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Date) return `new Date(${value.getTime()})`
  if (Buffer.isBuffer(value)) return `Buffer.from('${value.toString('hex')}', 'hex')`
  if (value instanceof Uint8Array) return `new Uint8Array(${value.length})`
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${propertyName(key)}: ${literal(inner)}`)
    .join(', ')} }`
}

/** __proto__ would set the prototype, and of `constructor: ['A']` tsc takes the contextual type from Object. */
function propertyName(key: string): string {
  if (key in Object.prototype) return `[String('${key}')]`
  return /^[a-z_]\w*$/i.test(key) ? key : `[${literal(key)}]`
}

/** What tsc says to all .ts files of the folder; '' when nothing is wrong. */
export function compile(dir: string): string {
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['**/*.ts'] }))
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}')
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', dir], {
    encoding: 'utf8',
  })
  return status === 0 ? '' : `${stdout}${stderr}`
}
