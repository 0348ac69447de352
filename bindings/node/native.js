// The native half: beside this file, or in the package of this platform.
'use strict'

const { platform, arch } = process

function libc() {
  if (platform !== 'linux') return ''
  const report = process.report.getReport()
  return report.header.glibcVersionRuntime ? '-gnu' : '-musl'
}

const name = `${platform}-${arch}${libc()}`
const failures = []
for (const place of [`./frazil.${name}.node`, `@frazil/binding-${name}`]) {
  try {
    module.exports = require(place)
    break
  } catch (error) {
    failures.push(error)
  }
}
if (failures.length === 2) {
  throw new AggregateError(failures, `frazil has no native module for ${name}`)
}
