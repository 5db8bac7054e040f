// Is every clause on CONNECT obeyed, with the answer that MQTT and Mosquitto give?
import { t } from '../support/tap.ts'
import { checkClauses } from './support/check-clauses.ts'
import { CONNECT_CLAUSES } from './support/clauses/connect.ts'

await checkClauses(t, CONNECT_CLAUSES)
