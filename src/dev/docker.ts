import { createHash } from 'node:crypto'
import { ensureCompatibility, type LocalStack, type StackRequest, type Way } from './stack.ts'

/** The part of testcontainers that is used. */
export interface Engine {
  /** Throws when no container engine answers. */
  find(): Promise<unknown>
  /** Pulls the image unless it is there. `volume`: a named volume for the data; without one it goes with the container. */
  startRedpanda(image: string, volume: string | undefined): Promise<StartedRedpanda>
}

export interface StartedRedpanda {
  getBootstrapServers(): string
  getSchemaRegistryAddress(): string
  getAdminAddress(): string
  stop(): Promise<unknown>
}

/** SPILLWAY_REDPANDA_IMAGE names another one. */
const defaultImage = 'redpandadata/redpanda:v25.3.3'

/** Redpanda in a container. `load` throws when the optional packages are not installed. */
export function dockerWay(load: () => Promise<Engine> = testcontainers, deadlineMs = 4_000): Way {
  return {
    async lacking() {
      const engine = await load().catch(() => undefined)
      if (engine === undefined) return 'the packages testcontainers and @testcontainers/redpanda are not installed'
      return (await answers(engine, deadlineMs)) ? undefined : 'no engine answers'
    },
    async start(request) {
      return start(await load(), request)
    },
  }
}

async function start(engine: Engine, { env, dataDir, onProgress }: StackRequest): Promise<LocalStack> {
  const image = env.SPILLWAY_REDPANDA_IMAGE || defaultImage
  onProgress(`starting Redpanda (${image}) in Docker`)
  const container = await engine.startRedpanda(image, dataDir === undefined ? undefined : volumeOf(dataDir))
  const registryUrl = container.getSchemaRegistryAddress().replace(/\/$/, '')
  const brokers = container.getBootstrapServers().split(',')
  try {
    await configure(container.getAdminAddress())
    await ensureCompatibility(registryUrl, 'BACKWARD')
  } catch (error) {
    await container.stop()
    throw error
  }
  onProgress(`Redpanda at ${brokers.join(',')}, registry at ${registryUrl}`)
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => (stopping ??= container.stop().then(() => {}))
  return { brokers, registryUrl, kind: 'docker', stop }
}

/** The module's own settings create a topic whenever somebody asks for it: a wrong name would never be noticed. */
async function configure(adminUrl: string): Promise<void> {
  const answer = await fetch(`${adminUrl}/v1/cluster_config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ upsert: { auto_create_topics_enabled: false, group_initial_rebalance_delay: 0 }, remove: [] }),
    signal: AbortSignal.timeout(5_000),
  })
  if (!answer.ok) throw new Error(`Redpanda answered ${answer.status} to its settings: ${(await answer.text()).slice(0, 200)}`)
}

async function answers(engine: Engine, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, deadlineMs, false)
  })
  const found = engine.find().then(
    () => true,
    () => false,
  )
  return Promise.race([found, late]).finally(() => clearTimeout(timer))
}

/** A volume, not a folder of the host: Redpanda runs as root in its container and would leave files nobody else can remove. */
function volumeOf(dataDir: string): string {
  return `spillway-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`
}

async function testcontainers(): Promise<Engine> {
  const [{ getContainerRuntimeClient }, { RedpandaContainer }] = await Promise.all([
    import('testcontainers'),
    import('@testcontainers/redpanda'),
  ])
  return {
    find: getContainerRuntimeClient,
    startRedpanda(image, volume) {
      const container = new RedpandaContainer(image)
      if (volume !== undefined) container.withBindMounts([{ source: volume, target: '/var/lib/redpanda/data', mode: 'rw' }])
      return container.start()
    },
  }
}
