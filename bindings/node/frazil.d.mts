export * from './frazil.js'
import * as frazil from './frazil.js'
export default frazil
