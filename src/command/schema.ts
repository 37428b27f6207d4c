/** `spillway schema ...` */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { CheckFailed } from '../errors.ts'
import type { LongAs } from '../message/schema.ts'
import { generate, isFresh } from '../schema/codegen.ts'

/** Throws SchemaSyntaxError, SchemaUnsupported, and CheckFailed when `--check` finds stale code. */
export function schemaCommand(): Command {
  return new Command('schema')
    .description('Avro schemas: generate TypeScript from them, check and register them')
    .addCommand(codegenCommand())
}

interface CodegenFlags {
  dir: string
  out?: string
  long: LongAs
  importFrom: string
  check?: true
}

function codegenCommand(): Command {
  return new Command('codegen')
    .description('Write TypeScript types and schema values for the *.avsc files of a folder')
    .option('--dir <folder>', 'where the *.avsc files are', 'schemas')
    .option('--out <file>', 'what to write (default: generated.ts in the folder)')
    .addOption(
      new Option('--long <type>', 'how a 64-bit long arrives in a handler').choices(['bigint', 'number']).default('bigint'),
    )
    .option('--import-from <module>', 'where generated code imports avroSchema from', 'spillway')
    .option('--check', 'write nothing; fail when the file is not what would be written')
    .action((flags: CodegenFlags) => codegen(flags))
}

function codegen({ dir, out = join(dir, 'generated.ts'), long, importFrom, check }: CodegenFlags): void {
  const text = generate(dir, { long, importFrom })
  const fresh = isFresh(out, text)
  if (check && !fresh)
    throw new CheckFailed(`${out} is not what its schemas generate: run \`spillway schema codegen\` and commit the result`)
  if (!fresh) writeFileSync(out, text)
  console.log(`${out}: ${fresh ? 'up to date' : 'written'}`)
}
