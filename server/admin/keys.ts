/** `aedes-push keys`: provider keys of a running server. */
import { SCOPES, type Quota } from '../../topics/index.ts'
import type { KeyAnswer, KeyList, MadeKeyAnswer } from '../../index.ts'
import { adminCommand, type AdminGroup, type AdminOption, type Ask, type Printed } from './admin-command.ts'
import { duration, list, required, secondsOf, text } from './options.ts'
import { columns, fields } from './table.ts'

const name = text('of the provider', '<name>')
const apps = list('for which apps it may act, with commas; * is every app', '<apps>')
const scopes: AdminOption<readonly string[]> = {
  ...list(`what it may do, with commas: ${SCOPES.join(', ')}`, '<scopes>'),
  allowed: `one or more of ${SCOPES.join(', ')}, with commas`,
}
const expiresIn = duration('when it ends; never when absent')
/** `10000/1m` is 10,000 receivers a minute. */
const quota: AdminOption<readonly Quota[]> = {
  about: 'receivers in a time, such as 10000/1m; two with a comma hold both',
  value: '<quota>',
  allowed: 'such as 10000/1m, or two of them with a comma',
  parse(given) {
    const windows = given.split(',').map((each): Quota | undefined => {
      const [, count, time = ''] = /^(\d{1,13})\/(\w+)$/.exec(each.trim()) ?? []
      const seconds = secondsOf(time)
      return count === undefined || seconds === undefined ? undefined : { count: Number(count), seconds }
    })
    const known = windows.filter((each) => each !== undefined)
    return known.length === windows.length ? known : undefined
  },
}

const user = text('user of the password file who is this provider too, over MQTT', '<user>')

interface Asked {
  readonly name?: string | undefined
  readonly apps?: readonly string[] | undefined
  readonly scopes?: readonly string[] | undefined
  readonly 'expires-in'?: number | undefined
  readonly quota?: readonly Quota[] | undefined
  readonly user?: string | undefined
}

function bodyOf({ name, apps, scopes, 'expires-in': seconds, quota, user }: Asked): object {
  return {
    ...(name === undefined ? {} : { name }),
    ...(apps === undefined ? {} : { apps: apps.join() === '*' ? '*' : apps }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(seconds === undefined ? {} : { expiresIn: seconds }),
    ...(quota === undefined ? {} : { quotas: { receivers: quota } }),
    ...(user === undefined ? {} : { user }),
  }
}

const pathOf = (id: string) => `/v1/keys/${encodeURIComponent(id)}`

function described(key: KeyAnswer): Record<string, string> {
  const { id, name, apps, scopes, expiresAt, quotas, user, createdAt, createdBy, rotatedAt, previousUntil } = key
  const windows = quotas === null ? [] : [quotas.receivers].flat()
  return {
    id,
    name,
    apps: [apps].flat().join(', '),
    scopes: scopes.join(', '),
    expires: expiresAt ?? 'never',
    quotas: windows.map(({ count, seconds }) => `${count} receivers in ${seconds} s`).join(', ') || 'none',
    ...(user === null ? {} : { user }),
    created: `${createdAt} by ${createdBy}`,
    ...(rotatedAt === null ? {} : { rotated: rotatedAt }),
    ...(previousUntil === null ? {} : { 'previous until': previousUntil }),
  }
}

function printedKey(key: KeyAnswer): Printed {
  return { json: key, text: fields(described(key)) }
}

function printedSecret({ key, ...rest }: MadeKeyAnswer): Printed {
  const told = fields({ ...described(rest), key })
  return { json: { ...rest, key }, text: `${told}\n\nKeep the key now: nobody can tell it again.` }
}

async function allKeys(ask: Ask): Promise<readonly KeyAnswer[]> {
  const keys: KeyAnswer[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await ask('GET', `/v1/keys?limit=1000${query}`)) as KeyList
    keys.push(...page.keys)
    cursor = page.cursor
  }
  return keys
}

export const KEY_COMMANDS: AdminGroup = {
  about: 'provider keys of a running server',
  commands: {
    list: adminCommand({
      about: 'all keys, the oldest first',
      options: {},
      examples: ['', '--json'],
      async run(ask) {
        const keys = await allKeys(ask)
        const rows = keys.map((key) => {
          const { id, name, apps, scopes, expires } = described(key)
          return [id ?? '', name ?? '', apps ?? '', scopes ?? '', expires ?? '']
        })
        return { json: keys, text: columns(['id', 'name', 'apps', 'scopes', 'expires'], rows) }
      },
    }),
    create: adminCommand({
      about: 'makes a key, and shows it this once',
      options: {
        name: required(name),
        apps: required(apps),
        scopes: required(scopes),
        'expires-in': expiresIn,
        quota,
        user,
      },
      examples: [
        '--name shop --apps chat --scopes messages:send,tokens:issue --expires-in 90d',
        "--name reports --apps '*' --scopes messages:read",
        '--name news --apps chat --scopes messages:send --quota 10000/1m,1000000/1d',
      ],
      run: async (ask, _word, given) => printedSecret((await ask('POST', '/v1/keys', bodyOf(given))) as MadeKeyAnswer),
    }),
    show: adminCommand({
      about: 'one key',
      takes: '<id>',
      options: {},
      examples: ['4fZk0pWq81Lx'],
      run: async (ask, id) => printedKey((await ask('GET', pathOf(id))) as KeyAnswer),
    }),
    change: adminCommand({
      about: 'changes what is given of a key; its connections that lose something are closed',
      takes: '<id>',
      options: { name, apps, scopes, 'expires-in': expiresIn, quota, user },
      examples: ['4fZk0pWq81Lx --scopes messages:send', '4fZk0pWq81Lx --expires-in 30d'],
      run: async (ask, id, given) => printedKey((await ask('PATCH', pathOf(id), bodyOf(given))) as KeyAnswer),
    }),
    rotate: adminCommand({
      about: 'gives a key a new secret, and shows it this once; the previous one holds for a day more',
      takes: '<id>',
      options: { overlap: duration('how long both hold; 0 is not at all') },
      examples: ['4fZk0pWq81Lx', '4fZk0pWq81Lx --overlap 7d', '4fZk0pWq81Lx --overlap 0'],
      async run(ask, id, { overlap }) {
        const body = overlap === undefined ? {} : { overlap }
        return printedSecret((await ask('POST', `${pathOf(id)}/rotate`, body)) as MadeKeyAnswer)
      },
    }),
    revoke: adminCommand({
      about: 'removes a key, at once and for good',
      takes: '<id>',
      options: {},
      examples: ['4fZk0pWq81Lx'],
      async run(ask, id) {
        await ask('DELETE', pathOf(id))
        return { json: { id, revoked: true }, text: `${id} is revoked` }
      },
    }),
  },
}
