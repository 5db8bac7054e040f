// Does verify-isolation find each way in which a built server delivers to the wrong one, or goes on with a token that has ended?
import { t } from '../support/tap.ts'
import { DELIVERIES } from './support/broken-server.ts'
import { finds } from './support/verify.ts'

for (const broken of DELIVERIES) await t.test(broken.what, (t) => finds(t, broken))
