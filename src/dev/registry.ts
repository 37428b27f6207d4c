import { join } from 'node:path'
import type { Java } from './java-tools.ts'
import { type ClassArchive, type Jvm, startJvm, whenReady } from './jvm.ts'
import type { Artifact } from './maven.ts'
import { ensureCompatibility } from './stack.ts'

const version = '3.0.9'

export const registryArtifact: Artifact = {
  title: `Apicurio Registry ${version}`,
  goal: 'unpack',
  coordinates: [{ groupId: 'io.apicurio', artifactId: 'apicurio-registry-app', version, type: 'zip', classifier: 'all' }],
}

/** The file in the unpacked artifact that is run. */
export const registryJar = `apicurio-registry-app-${version}-runner.jar`

export interface RegistryOptions {
  readonly java: Java
  /** Where the artifact lies. */
  readonly home: string
  /** Where this registry's folder `registry` is kept, or made. */
  readonly data: string
  readonly temporary: string | undefined
  readonly port: number
  readonly archive: ClassArchive
  readonly env: NodeJS.ProcessEnv
}

export async function launchRegistry(options: RegistryOptions): Promise<Jvm> {
  const { java, home, data, temporary, archive } = options
  const args = ['-Xmx256m', '-jar', join(home, registryJar)]
  return startJvm({ title: registryArtifact.title, java, args, env: settings(options), cwd: data, archive, temporary })
}

/** The address of the API that Confluent's registry has too. */
export function registryAddress(port: number): string {
  return `http://127.0.0.1:${port}/apis/ccompat/v7`
}

/** Resolves when the registry answers and enforces compatibility. */
export async function registryReady(jvm: Jvm, url: string): Promise<void> {
  const stopped = new AbortController()
  await whenReady(jvm, answering(url, stopped.signal), 90_000).finally(() => stopped.abort())
  await ensureCompatibility(url, 'NONE')
}

async function answering(url: string, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    const answer = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
    await answer?.arrayBuffer().catch(() => undefined)
    if (answer?.ok) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/**
 * An H2 file rather than Apicurio's Kafka storage: that one starts after the broker and takes 8 s more, and puts three topics
 * of its own among the user's. WRITE_DELAY=0: what was registered is in the file, whatever kills the process.
 */
function settings({ env, data, port }: RegistryOptions): NodeJS.ProcessEnv {
  return {
    ...withoutOwnSettings(env),
    QUARKUS_HTTP_HOST: '127.0.0.1',
    QUARKUS_HTTP_PORT: String(port),
    QUARKUS_HTTP_ACCESS_LOG_ENABLED: 'false',
    QUARKUS_BANNER_ENABLED: 'false',
    QUARKUS_LOG_CATEGORY__IO_APICURIO__LEVEL: 'WARN',
    APICURIO_STORAGE_KIND: 'sql',
    APICURIO_STORAGE_SQL_KIND: 'h2',
    APICURIO_DATASOURCE_URL: `jdbc:h2:file:${join(data, 'registry', 'registry')};WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE`,
    APICURIO_CCOMPAT_MAX_SUBJECTS: '100000',
  }
}

function withoutOwnSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(QUARKUS|APICURIO)_/.test(name)))
}
