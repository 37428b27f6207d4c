/** The environment as texts, with what is wrong with it. */
import { readFileSync } from 'node:fs'

export type Environment = Readonly<Record<string, string | undefined>>

/** A secret or a certificate as it is now. A function, so that whoever prints what holds it does not print it. */
export type Rotating = () => string

/** The variables as texts. An empty one counts as not set: that is how compose files and CI leave them out. */
export class Reading {
  readonly #env: Environment
  readonly problems: string[]

  constructor(env: Environment, problems: string[]) {
    this.#env = env
    this.problems = problems
  }

  text(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined
  }

  /** `NAME`, or the content of the file that `NAME<suffix>` names. A password is taken as it is, but for one line break at a file's end. */
  file(name: string, suffix: '_FILE' | '_PATH'): string | undefined {
    const path = this.text(name + suffix)
    const value = this.#env[name] || undefined
    if (path === undefined) return value
    if (value !== undefined) this.problems.push(`${name} and ${name}${suffix} are both set: keep one`)
    try {
      const content = contentOf(path)
      if (content === undefined) this.problems.push(`${name}${suffix}: '${path}' is empty`)
      return content
    } catch (error) {
      this.problems.push(`${name}${suffix}: '${path}' cannot be read (${(error as { code?: string }).code})`)
      return undefined
    }
  }

  /** As `file`, but a file is read again at every call: what is in it may be rotated. When it cannot be, what was read last counts. */
  rotating(name: string, suffix: '_FILE' | '_PATH'): Rotating | undefined {
    const path = this.text(name + suffix)
    let last = this.file(name, suffix)
    if (last === undefined) return undefined
    return () => {
      try {
        if (path !== undefined) last = contentOf(path) ?? last
      } catch {}
      return last!
    }
  }

  /** Whether it is given either way, readable or not. */
  has(name: string, suffix: '_FILE' | '_PATH'): boolean {
    return Boolean(this.#env[name]) || this.text(name + suffix) !== undefined
  }

  secret(name: string): string | undefined {
    return this.file(name, '_FILE')
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name)?.toLowerCase()
    if (text === undefined || choices.includes(text as T)) return text as T | undefined
    this.problems.push(`${name} is '${text}': it must be one of ${choices.join(', ')}`)
    return undefined
  }

  flag(name: string): boolean | undefined {
    const text = this.text(name)?.toLowerCase()
    if (text === undefined) return undefined
    if (['true', '1', 'yes', 'on'].includes(text)) return true
    if (!['false', '0', 'no', 'off'].includes(text)) this.problems.push(`${name} is '${text}': it must be true or false`)
    return false
  }

  count(name: string, unit: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (!/^\d{1,9}$/.test(text) || Number(text) === 0)
      this.problems.push(`${name} is '${text}': it must be a whole number of ${unit} above 0`)
    return Number(text)
  }
}

/** Undefined when there is nothing in it. */
function contentOf(path: string): string | undefined {
  return readFileSync(path, 'utf8').replace(/\r?\n$/, '') || undefined
}
