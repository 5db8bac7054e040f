/** `aedes-push signing-keys`: the keys of message tokens of a running server. */
import { ALGORITHMS } from '../../auth/index.ts'
import type { SigningKeyAnswer } from '../../bridge/index.ts'
import { adminCommand, type AdminGroup, type AdminOption } from './admin-command.ts'
import { flag } from './options.ts'
import { columns, fields } from './table.ts'

const algorithm: AdminOption<string> = {
  about: `${ALGORITHMS.join(', ')}; that of the server when absent`,
  value: '<algorithm>',
  allowed: `one of ${ALGORITHMS.join(', ')}`,
  parse: (given) => ALGORITHMS.find((each) => each === given),
}

const BASE = '/v1/signing-keys'

function described({ kid, algorithm: its, state, createdAt, signsFrom, retiredAt }: SigningKeyAnswer) {
  return {
    kid,
    algorithm: its,
    state,
    created: createdAt ?? 'of a file',
    'signs from': signsFrom ?? '',
    retired: retiredAt ?? '',
  }
}

function printed(key: SigningKeyAnswer) {
  return { json: key, text: fields(described(key)) }
}

export const SIGNING_KEY_COMMANDS: AdminGroup = {
  about: 'keys of message tokens of a running server',
  commands: {
    list: adminCommand({
      about: 'all of them, the oldest first; nothing secret',
      options: {},
      examples: ['', '--json'],
      async run(ask) {
        const { keys } = (await ask('GET', BASE)) as { keys: readonly SigningKeyAnswer[] }
        const rows = keys.map((key) => Object.values(described(key)))
        return { json: keys, text: columns(['kid', 'algorithm', 'state', 'created', 'signs from', 'retired'], rows) }
      },
    }),
    rotate: adminCommand({
      about: 'makes a new one, which signs when others have had time to fetch it',
      options: { algorithm, now: flag('it signs at once, though others may not know it: for a key that leaked') },
      examples: ['', '--now', '--algorithm ES256'],
      async run(ask, _word, { algorithm: asked, now }) {
        const body = { ...(asked === undefined ? {} : { algorithm: asked }), ...(now === undefined ? {} : { now }) }
        return printed((await ask('POST', `${BASE}/rotate`, body)) as SigningKeyAnswer)
      },
    }),
    retire: adminCommand({
      about: 'refuses all tokens of a key, at once and for good; rotate first where it signs',
      takes: '<kid>',
      options: {},
      examples: ['Y3fP0a9sKx2Q'],
      run: async (ask, kid) =>
        printed((await ask('POST', `${BASE}/${encodeURIComponent(kid)}/retire`, {})) as SigningKeyAnswer),
    }),
  },
}
