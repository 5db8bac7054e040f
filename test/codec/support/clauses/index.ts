import { type Clause } from './clause.ts'
import { CONNECT_CLAUSES } from './connect.ts'
import { PUBLISH_CLAUSES } from './publish.ts'
import { SESSION_CLAUSES } from './session.ts'
import { SUBSCRIBE_CLAUSES } from './subscribe.ts'
import { WILL_CLAUSES } from './will.ts'

export const CLAUSE_TABLES: Readonly<Record<string, readonly Clause[]>> = {
  CONNECT: CONNECT_CLAUSES,
  'the will': WILL_CLAUSES,
  'PUBLISH and its acknowledgements': PUBLISH_CLAUSES,
  'SUBSCRIBE and UNSUBSCRIBE': SUBSCRIBE_CLAUSES,
  'fixed header, PINGREQ, DISCONNECT and AUTH': SESSION_CLAUSES,
}
