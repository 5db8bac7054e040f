// A node could not tell another of what it stored: does that one look again, and learn what it missed?
import { t } from '../support/tap.ts'
import type { Watcher } from '../../store/contract.ts'
import { eventually } from '../support/index.ts'
import { onServerAndCluster, redisStore } from './support/engine.ts'
import { APP, ids, known, message } from './support/people.ts'

const RECHECK_MS = 400
/** Both keep listening, and a gap in that is not what is asked. */
const LIMITS = { sessionRecheckMs: RECHECK_MS, redisProbeMs: 600_000, sweepMs: 2 ** 31 - 1 }

await t.test('what a node says that may not publish', (t) =>
  onServerAndCluster(t, async (t, url, servers) => {
    const heard: string[] = []
    const watcher: Watcher = {
      privateAppended: (_, offset, entry) => void heard.push(`message ${entry?.id ?? offset}`),
      broadcastAppended: () => undefined,
      sessionEnded: (_, epoch, reason) => void heard.push(`${reason} ${epoch}`),
      cursorMoved: () => undefined,
      cursorsLost: () => undefined,
      resync: () => void heard.push('resync'),
    }
    const one = await redisStore(t, { url, limits: LIMITS })
    one.watch(watcher)
    const onAll = (...command: string[]) => Promise.all(servers.map((server) => server.cli(...command)))
    await onAll('acl', 'setuser', 'mute', 'on', '>secret', '~*', '+@all', 'allchannels')
    const two = await redisStore(t, { url: url.replaceAll('://', '://mute:secret@'), limits: LIMITS })

    const [phone, tablet, watch] = [await known(one, 'phone'), await known(one, 'tablet'), await known(one, 'watch')]
    const open = { app: APP, generation: 1, cleanStart: false }
    for (const tokenId of [phone, watch]) await one.openSession({ ...open, tokenId })
    const { epoch } = await one.openSession({ ...open, tokenId: tablet })
    await two.append({ tokenId: phone, message: message('heard'), dedupe: false })
    await eventually('a wake', () => heard.includes('message heard'))
    await eventually('both counts', () => heard.length === 1)

    await onAll('acl', 'setuser', 'mute', 'resetchannels')
    await two.append({ tokenId: phone, message: message('unheard'), dedupe: false })
    await eventually('that it is told to look', () => heard.includes('resync'))
    t.same(heard, ['message heard', 'resync'])
    t.same(await ids(one, phone), ['heard', 'unheard'])

    await two.openSession({ ...open, tokenId: tablet })
    await eventually('news of the takeover', () => heard.includes(`SESSION_TAKEN_OVER ${epoch}`))

    await onAll('acl', 'setuser', 'mute', 'allchannels')
    const before = heard.filter((each) => each === 'resync').length
    await two.append({ tokenId: watch, message: message('heard again'), dedupe: false })
    await eventually('a wake', () => heard.includes('message heard again'))
    t.equal(heard.filter((each) => each === 'resync').length, before, 'nothing was lost')
  }),
)
