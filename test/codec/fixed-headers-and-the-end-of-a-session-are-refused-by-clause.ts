// Is every clause on the fixed header, PINGREQ, DISCONNECT and AUTH obeyed?
import { t } from '../support/tap.ts'
import { checkClauses } from './support/check-clauses.ts'
import { SESSION_CLAUSES } from './support/clauses/session.ts'

await checkClauses(t, SESSION_CLAUSES)
