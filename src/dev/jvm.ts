import { existsSync, renameSync, rmSync } from 'node:fs'
import { LocalBrokerFailed } from '../errors.ts'
import type { Java } from './java-tools.ts'
import { type LeashedProcess, spawnLeashed } from './leash.ts'

/** A Java program that is being started. */
export interface Jvm {
  readonly title: string
  readonly process: LeashedProcess
  /** The last lines it wrote. */
  readonly tail: readonly string[]
  /** Resolves once it wrote a line with this text. */
  wrote(text: string): Promise<void>
}

export interface JvmOptions {
  /** 'Apache Kafka 4.3.1' */
  readonly title: string
  readonly java: Java
  /** Flags, class path and main class. */
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
  readonly archive: ClassArchive
  /** Set when the data is temporary: the process may be killed outright and the folder removed. */
  readonly temporary: string | undefined
}

/**
 * The JVM's archive of classes loaded before (class data sharing): halves the time to start Kafka, thirds the registry's.
 * 'write' has the JVM write it when it ends, which takes seconds. It holds absolute class paths, and is of one Java version.
 */
export interface ClassArchive {
  readonly path: string
  readonly use: 'read' | 'write'
}

// The first compiler only and the simplest collector: a local broker should start at once and stay small.
const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xlog:disable', '-Xlog:all=error:stderr']

export async function startJvm(options: JvmOptions): Promise<Jvm> {
  const { title, java, archive, temporary } = options
  const tail: string[] = []
  const awaited: { text: string; seen: () => void }[] = []
  const onLine = (line: string): void => {
    if (tail.push(line) > 12) tail.shift()
    for (const { text, seen } of awaited) if (line.includes(text)) seen()
  }
  const process = await spawnLeashed(java.command, [...flags, ...archiveFlags(archive), ...options.args], {
    env: withoutJavaOptions(options.env),
    cwd: options.cwd,
    onLine,
    ...(temporary === undefined ? {} : { orphanGraceMs: 0, orphanRemoves: temporary }),
  })
  const wrote = (text: string): Promise<void> => new Promise(seen => void awaited.push({ text, seen }))
  return { title, process, tail, wrote }
}

/** Waits for `ready`. Errors: LocalBrokerFailed with the program's last lines if it ends before, or after `deadlineMs`. */
export async function whenReady(jvm: Jvm, ready: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(resolve, deadlineMs, `did not start within ${deadlineMs / 1_000} s`)
  })
  const ended = jvm.process.exited.then(({ code, signal }) => `ended while starting (${signal ?? `exit code ${code}`})`)
  const failure = await Promise.race([ready.then(() => undefined), ended, late]).finally(() => clearTimeout(timer))
  if (failure !== undefined)
    throw new LocalBrokerFailed(`${jvm.title} ${failure}:\n${jvm.tail.map(line => `  ${line}`).join('\n')}`)
}

/**
 * Runs a program to the end of its start and stops it again, so that its archive is written. An archive is never half there.
 * Errors: what `ready` rejects with, and LocalBrokerFailed when the program ended without an archive.
 */
export async function writeArchive(
  path: string,
  launch: (archive: ClassArchive) => Promise<{ jvm: Jvm; ready: Promise<void> }>,
): Promise<void> {
  const unfinished = `${path}.tmp-${process.pid}`
  try {
    const { jvm, ready } = await launch({ path: unfinished, use: 'write' })
    await ready.finally(() => jvm.process.stop(60_000))
    if (!existsSync(unfinished)) throw new LocalBrokerFailed(`${jvm.title} wrote no class archive`)
    renameSync(unfinished, path)
  } finally {
    rmSync(unfinished, { force: true })
  }
}

function archiveFlags({ path, use }: ClassArchive): string[] {
  if (use === 'write') return [`-XX:ArchiveClassesAtExit=${path}`]
  return existsSync(path) ? ['-Xshare:auto', `-XX:SharedArchiveFile=${path}`] : []
}

/** What a shell sets for its own Java programs (agents, heap sizes) is not meant for these. */
function withoutJavaOptions(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { JAVA_TOOL_OPTIONS: _, _JAVA_OPTIONS: __, JDK_JAVA_OPTIONS: ___, ...rest } = env
  return rest
}
