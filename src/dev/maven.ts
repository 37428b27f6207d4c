import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LocalBrokerFailed } from '../errors.ts'
import { spawnLeashed } from './leash.ts'

/** Something to take from Maven Central, and how it is laid out in its folder. */
export interface Artifact {
  /** 'Apache Kafka 4.3.1' */
  readonly title: string
  /** Goal of the dependency plugin. */
  readonly goal: 'copy-dependencies' | 'unpack'
  /** `<dependency>` elements for 'copy-dependencies', `<artifactItem>` elements for 'unpack'. */
  readonly coordinates: readonly Coordinates[]
}

export interface Coordinates {
  readonly groupId: string
  readonly artifactId: string
  readonly version: string
  readonly type?: string
  readonly classifier?: string
}

// 2.8, old as it is: later ones refuse an artifact whose parent pom the repository lacks, as Apicurio's may be.
const plugin = { groupId: 'org.apache.maven.plugins', artifactId: 'maven-dependency-plugin', version: '2.8' }

/** Runs Maven so that `folder` holds the artifact's files. Errors: LocalBrokerFailed with Maven's last lines. */
export async function fetchArtifact(artifact: Artifact, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const pom = join(folder, 'pom.xml')
  writeFileSync(pom, pomFor(artifact, folder))
  const lines: string[] = []
  // -U: Maven would remember a failed download for a day and not try again.
  const args = ['-q', '-B', '-U', '-Dstyle.color=never', '-f', pom, `dependency:${artifact.goal}`]
  const maven = await spawnLeashed('mvn', args, {
    env,
    cwd: folder,
    orphanGraceMs: 0,
    orphanRemoves: folder,
    keepsAlive: true,
    onLine: line => lines.push(line),
  })
  const { code, signal } = await maven.exited
  if (code !== 0)
    throw new LocalBrokerFailed(`Maven could not download ${artifact.title} (${signal ?? `exit code ${code}`}):\n${told(lines)}`)
}

/** The end of what Maven said, without its advice on how to ask Maven for more. */
function told(lines: readonly string[]): string {
  const said = lines
    .map(line => line.trim())
    .filter(
      line =>
        line !== '' && line !== '[ERROR]' && !/Re-run Maven|For more information|\[Help \d\] http|full stack trace/.test(line),
    )
  return said
    .slice(-8)
    .map(line => `  ${line}`)
    .join('\n')
}

function pomFor(artifact: Artifact, folder: string): string {
  const unpacks = artifact.goal === 'unpack'
  const dependencies = artifact.coordinates.map(c => element('dependency', c)).join('')
  const items = artifact.coordinates.map(c => element('artifactItem', c)).join('')
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>local</artifactId><version>1</version>${unpacks ? '<packaging>pom</packaging>' : ''}
  <dependencies>${unpacks ? '' : dependencies}</dependencies>
  <build><plugins><plugin>
    ${elements(plugin)}
    <configuration><outputDirectory>${escaped(folder)}</outputDirectory><artifactItems>${unpacks ? items : ''}</artifactItems></configuration>
  </plugin></plugins></build>
</project>
`
}

function element(name: string, coordinates: Coordinates): string {
  return `<${name}>${elements(coordinates)}</${name}>`
}

function elements(fields: object): string {
  return Object.entries(fields)
    .map(([name, value]) => `<${name}>${escaped(String(value))}</${name}>`)
    .join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
