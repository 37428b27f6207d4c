/** Imported before all else, as other modules fail where an older Node.js lacks what they need, and none of them says so. */

/** As `engines` in package.json has it. */
const [leastMajor, leastMinor] = [22, 18]
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
  process.stderr.write(
    `error: spillway needs Node.js ${leastMajor}.${leastMinor} or newer, and this is ${process.versions.node}\n`,
  )
  process.exit(64)
}
