// Is every clause on PUBLISH, PUBACK, PUBREC, PUBREL and PUBCOMP obeyed?
import { t } from '../support/tap.ts'
import { checkClauses } from './support/check-clauses.ts'
import { PUBLISH_CLAUSES } from './support/clauses/publish.ts'

await checkClauses(t, PUBLISH_CLAUSES)
