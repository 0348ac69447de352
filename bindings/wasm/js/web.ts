/** Frazil for pages without a bundler: `await init()` once, then as everywhere. */
export { default as init, initSync } from './raw/module.js'
export * from './frazil.js'
