// Does the embedded engine do what the store contract says?
import { t } from '../support/tap.ts'
import { conformance } from './conformance.ts'
import { levelEngine } from './support/level-engine.ts'

await conformance(t, levelEngine)
