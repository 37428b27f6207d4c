import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface Java {
  readonly command: string
  readonly major: number
  /** As `java -version` says it: '17.0.15'. */
  readonly version: string
}

/** What both Kafka 4 and Apicurio 3 ask for. */
const neededMajor = 17

/** The Java of JAVA_HOME, else of the path; or, as a string, why there is none that will do. */
export async function findJava(env: NodeJS.ProcessEnv): Promise<Java | string> {
  const home = env.JAVA_HOME?.trim()
  if (home && !existsSync(join(home, 'bin', 'java'))) return `JAVA_HOME (${home}) holds no bin/java`
  const command = home ? join(home, 'bin', 'java') : 'java'
  const output = await outputOf(command, ['-version'], env)
  if (output === undefined) return 'java not found'
  const version = javaVersion(output)
  if (version === undefined) return `java -version answered ${JSON.stringify(output.split('\n')[0])}`
  const major = Number(/^(?:1\.)?(\d+)/.exec(version)![1])
  return major < neededMajor ? `java ${major} found, ${neededMajor} needed` : { command, major, version }
}

/** Undefined when `mvn` runs, else what is wrong with it. */
export async function mavenLacking(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return (await outputOf('mvn', ['--version'], env)) === undefined ? 'mvn not found' : undefined
}

/** The version in what `java -version` prints: '17.0.15', '21', '1.8.0_392'. */
export function javaVersion(output: string): string | undefined {
  return /version "(\d[^"]*)"/.exec(output)?.[1]
}

/** stdout and stderr together; undefined when the command is missing, fails or takes more than 10 s. */
function outputOf(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise(resolve => {
    execFile(command, args, { env, timeout: 10_000 }, (error, stdout, stderr) =>
      resolve(error ? undefined : `${stdout}${stderr}`),
    )
  })
}
