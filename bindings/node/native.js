// The native half: beside this file, or in the package of this platform.
'use strict'

const { platform, arch } = process

// What is made for another C library cannot be loaded. To ask which one there is takes as long as to load this.
const libraries = { linux: ['-gnu', '-musl'], win32: ['-msvc'] }[platform] ?? ['']
const names = libraries.map((library) => `${platform}-${arch}${library}`)
const failures = []
let found
for (const place of names.flatMap((name) => [`./frazil.${name}.node`, `@frazil/binding-${name}`])) {
  try {
    found = require(place)
    break
  } catch (error) {
    failures.push(error)
  }
}
if (!found) throw new AggregateError(failures, `frazil has no native module for ${names.join(' or ')}`)
module.exports = found
