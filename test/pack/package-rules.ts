/** What may be published. Each rule gives a line for every breach. */

const published = [/^dist\//, /^(?:README\.md|CHANGELOG\.md|LICENSE|package\.json)$/]

export function strayPaths(paths: readonly string[]): string[] {
  return paths.filter(path => !published.some(allowed => allowed.test(path)))
}

/** A Node for this repository's own scripts must never come into the projects of users. */
export function shipsNode(manifest: Readonly<Record<string, unknown>>): string[] {
  const kinds = ['dependencies', 'optionalDependencies', 'peerDependencies']
  return kinds.flatMap(kind =>
    Object.keys(manifest[kind] ?? {})
      .filter(name => /^node(?:-|$)/.test(name))
      .map(name => `${kind}: ${name}`),
  )
}
