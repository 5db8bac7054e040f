// Does verify-isolation find who reaches a session by its client id, and to whom what is retained for others goes?
import { t } from '../support/tap.ts'
import { RETAINED, TAKEOVERS } from './support/broken-server.ts'
import { finds } from './support/verify.ts'

for (const broken of [...TAKEOVERS, ...RETAINED]) await t.test(broken.what, (t) => finds(t, broken))
