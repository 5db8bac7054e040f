// Is every clause on SUBSCRIBE, UNSUBSCRIBE and their topic filters obeyed?
import { t } from '../support/tap.ts'
import { checkClauses } from './support/check-clauses.ts'
import { SUBSCRIBE_CLAUSES } from './support/clauses/subscribe.ts'

await checkClauses(t, SUBSCRIBE_CLAUSES)
