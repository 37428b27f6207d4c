import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Java } from './java-tools.ts'
import { type ClassArchive, type Jvm, writeArchive } from './jvm.ts'
import { formatTemplate, kafkaArtifact, kafkaReady, launchKafka } from './kafka.ts'
import { takeLock } from './lock.ts'
import { type Artifact, fetchArtifact } from './maven.ts'
import { freePorts } from './ports.ts'
import { launchRegistry, registryAddress, registryArtifact, registryReady } from './registry.ts'

/** Where the programs lie, and their class archives for one Java version. */
export interface Installation {
  readonly kafka: { readonly home: string; readonly archive: ClassArchive }
  readonly registry: { readonly home: string; readonly archive: ClassArchive }
}

interface Context {
  readonly env: NodeJS.ProcessEnv
  readonly java: Java
  readonly onProgress: (line: string) => void
}

/** SPILLWAY_CACHE, else `spillway` in XDG_CACHE_HOME, else ~/.cache/spillway. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return env.SPILLWAY_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'spillway')
}

/** Whether both programs lie in the cache, so that neither Maven nor the network is needed. */
export function isInstalled(env: NodeJS.ProcessEnv): boolean {
  const places = layout(env, '')
  return existsSync(places.kafka.home) && existsSync(places.registry.home)
}

/**
 * Downloads what is missing, once for all projects of this user, and writes the class archives of this Java version.
 * Another process that does so now is waited for. Errors: LocalBrokerFailed, with Maven's last lines.
 */
export async function install(context: Context): Promise<Installation> {
  const { env, java, onProgress } = context
  const places = layout(env, java.version)
  if (isComplete(places, env)) return places
  mkdirSync(cacheFolder(env), { recursive: true })
  const release = await waitForLock(join(cacheFolder(env), 'install.lock'), onProgress)
  try {
    await download(registryArtifact, '109 MB', places.registry.home, context)
    // The registry is trained while Kafka is downloaded: one needs the processor, the other the network.
    const trained = trainRegistry(places, context)
    await download(kafkaArtifact, '54 MB', places.kafka.home, context, folder => formatTemplate(java, folder, env)).finally(
      () => trained,
    )
    await trainKafka(places, context)
  } finally {
    release()
  }
  return places
}

function layout(env: NodeJS.ProcessEnv, javaVersion: string): Installation {
  const place = (name: string): Installation['kafka'] => {
    const home = join(cacheFolder(env), name)
    return { home, archive: { path: join(home, `java-${javaVersion.replaceAll(/[^\w.-]/g, '-')}.jsa`), use: 'read' } }
  }
  return { kafka: place('kafka-4.3.1'), registry: place('apicurio-registry-3.0.9') }
}

function isComplete(places: Installation, env: NodeJS.ProcessEnv): boolean {
  return [places.kafka, places.registry].every(({ home, archive }) => existsSync(home) && isTrained(archive, env))
}

/**
 * Without an archive everything works, slower: one attempt is enough, and its failure is remembered too. A CI run (CI is set)
 * mostly begins with an empty cache and starts one stack: an archive would cost it more than it gives.
 */
function isTrained(archive: ClassArchive, env: NodeJS.ProcessEnv): boolean {
  return Boolean(env.CI) || existsSync(archive.path) || existsSync(`${archive.path}.failed`)
}

async function waitForLock(path: string, onProgress: (line: string) => void): Promise<() => void> {
  for (let told = false; ; told = true) {
    const lock = takeLock(path)
    if (!('heldBy' in lock)) return lock.release
    if (!told) onProgress(`waiting for process ${lock.heldBy}, which downloads the same`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

/** Into a sibling that gets its real name last: a folder with that name is complete, whatever was killed. */
async function download(
  artifact: Artifact,
  size: string,
  home: string,
  { env, onProgress }: Context,
  finish: (folder: string) => Promise<void> = async () => {},
): Promise<void> {
  if (existsSync(home)) return
  onProgress(`downloading ${artifact.title} (${size}) from Maven Central, once`)
  const folder = mkdtempSync(`${home}.tmp-`)
  try {
    await fetchArtifact(artifact, folder, env)
    await finish(folder)
    renameSync(folder, home)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function trainRegistry({ registry }: Installation, context: Context): Promise<void> {
  const { java, env } = context
  await train(registry.archive, registryArtifact.title, context, async (archive, data) => {
    const [port] = (await freePorts(1)) as [number]
    const jvm = await launchRegistry({ java, home: registry.home, data, temporary: data, port, archive, env })
    return { jvm, ready: registryReady(jvm, registryAddress(port)) }
  })
}

async function trainKafka({ kafka }: Installation, context: Context): Promise<void> {
  const { java, env } = context
  await train(kafka.archive, kafkaArtifact.title, context, async (archive, data) => {
    const [broker, controller] = (await freePorts(2)) as [number, number]
    const jvm = await launchKafka({ java, home: kafka.home, data, temporary: data, ports: { broker, controller }, archive, env })
    return { jvm, ready: kafkaReady(jvm) }
  })
}

type Launch = (archive: ClassArchive, data: string) => Promise<{ jvm: Jvm; ready: Promise<void> }>

async function train(archive: ClassArchive, title: string, { env, onProgress }: Context, launch: Launch): Promise<void> {
  if (isTrained(archive, env)) return
  onProgress(`preparing ${title} for fast starts, once`)
  const data = mkdtempSync(join(tmpdir(), 'spillway-train-'))
  try {
    await writeArchive(archive.path, unfinished => launch(unfinished, data))
  } catch (error) {
    writeFileSync(`${archive.path}.failed`, String(error))
    onProgress(`${title} will start slower: ${(error as Error).message.split('\n')[0]}`)
  } finally {
    rmSync(data, { recursive: true, force: true, maxRetries: 5 })
  }
}
