// Is every clause on the will of a CONNECT obeyed?
import { t } from '../support/tap.ts'
import { checkClauses } from './support/check-clauses.ts'
import { WILL_CLAUSES } from './support/clauses/will.ts'

await checkClauses(t, WILL_CLAUSES)
