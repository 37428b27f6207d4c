/** The one place where the code of an error becomes the exit code of the process. */
import { codeOf } from '../errors.ts'

export const exitCode = {
  ok: 0,
  failed: 1,
  changesPending: 2,
  unreachable: 3,
  refused: 4,
  problemFound: 5,
  usage: 64,
  deadlinePassed: 70,
  timeLimit: 124,
  interrupted: 130,
} as const

const codes: Readonly<Record<string, number>> = {
  E_USAGE: exitCode.usage,
  E_CONFIG: exitCode.usage,
  E_DEFINITION: exitCode.usage,
  E_BROKER_UNAVAILABLE: exitCode.unreachable,
  E_REGISTRY_UNAVAILABLE: exitCode.unreachable,
  E_GUARD: exitCode.refused,
  E_SELECTION: exitCode.usage,
  E_GROUP_ACTIVE: exitCode.refused,
  E_CONFIRMATION: exitCode.refused,
  E_REDRIVE_TARGET: exitCode.refused,
  E_FENCED: exitCode.refused,
  E_NO_DLQ: exitCode.usage,
  E_GIT: exitCode.usage,
  E_CHECK_FAILED: exitCode.problemFound,
  E_SCHEMA_INCOMPATIBLE: exitCode.problemFound,
}

export function exitCodeOf(error: unknown): number {
  const code = codeOf(error)
  if (code === undefined) return exitCode.failed
  // Commander: help and version that were asked for are no failures, all else is a wrong command line.
  if (code === 'commander.helpDisplayed' || code === 'commander.version') return exitCode.ok
  if (code.startsWith('commander.')) return exitCode.usage
  return codes[code] ?? exitCode.failed
}
