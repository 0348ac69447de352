// Frazil for Node, as an ES module.
import frazil from './frazil.js'

export const { Evaluator, NixError, Value, evaluate, evaluateSync, evalSync } = frazil
export { evaluate as eval }
export default frazil
