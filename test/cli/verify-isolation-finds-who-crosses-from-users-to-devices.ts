// Does verify-isolation find each way in which topics of users and push topics meet?
import { t } from '../support/tap.ts'
import { MEETINGS } from './support/broken-server.ts'
import { finds } from './support/verify.ts'

for (const broken of MEETINGS) await t.test(broken.what, (t) => finds(t, broken))
